"""Export forms of instruction rows: one file a dialect, each read back to the rows it came from.

    dialect.py       what a dialect is, and why a row or a record is left out
    conversation.py  turns as `[{"from", "value"}]` with placeholders, and back
    places.py        the media that a record shows: paths, kinds, placeholders
    extras.py        what a record's own keys cannot hold, under the key `qbuild`
    records.py       the JSON values of a file, one at a time

Every other file is one dialect, with its `DIALECT` at the foot. Nothing here imports pyarrow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import UsageError, near

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qbuild.dialects.dialect import Dialect

DIALECTS: dict[str, tuple[str, str]] = {
    "llava": ("llava", "LLaVA and LLaVA-NeXT: JSON with <image>, and a mix file"),
    "q-align": ("q_align", "Q-Align: JSON with <|image|>, the score in the id"),
}


def get_dialect(name: str) -> Dialect:
    """The dialect of that name; UsageError with the near names where there is none."""
    if name not in DIALECTS:
        expected = "expected the name of a dialect"
        raise UsageError(
            "--format", f"no dialect is named {name!r}", expected, near(name, DIALECTS)
        )
    dialect: Dialect = import_module(f"qbuild.dialects.{DIALECTS[name][0]}").DIALECT
    return dialect


def recognise(records: Iterable[Any]) -> Dialect:
    """The dialect of the first record that fits only one; llava where none does."""
    known = [get_dialect(name) for name in DIALECTS]
    for record in records:
        for dialect in known:
            if isinstance(record, dict) and dialect.recognises(record):
                return dialect
    return known[0]
