"""Export forms of instruction rows: one file per dialect, each can be read back.

    dialect.py       what a dialect is
    conversation.py  turns as `[{"from", "value"}]` with placeholders, and back
    media.py         the media that a record shows: paths, kinds, placeholders
    extras.py        what a record's own keys cannot hold, under the key `qbuild`

Every other file is one dialect, with its `DIALECT` at the end. Nothing here imports pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from qbuild.core.errors import UsageError, suggest
from qbuild.dialects.dialect import Dialect

DIALECTS = ("llava", "q-align")


def get_dialect(name: str) -> Dialect:
    """The dialect of that name; UsageError with similar names if unknown."""
    if name not in DIALECTS:
        what, expected = f"no dialect is named {name!r}", "expected the name of a dialect"
        raise UsageError("--format", what, expected, suggest(name, DIALECTS))
    dialect: Dialect = import_module(f"qbuild.dialects.{name.replace('-', '_')}").DIALECT
    return dialect


def recognise(records: Iterable[Any]) -> Dialect:
    """The dialect of the first record that fits only one; llava where none does."""
    dialects = [get_dialect(name) for name in DIALECTS]
    for record in records:
        for dialect in dialects:
            if isinstance(record, dict) and dialect.recognises(record):
                return dialect
    return dialects[0]
