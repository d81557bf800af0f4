"""The JSON values of a dialect's file, one at a time.

Only the text of the file lies in memory, never all of its values.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError, SchemaError
from qbuild.core.json_stream import decoded, json_values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_values(path: Path) -> Iterator[Any]:
    """Each JSON value in order; InputError with the place of what cannot be read."""
    yield from json_values(path, read_text(path))


def read_text(path: Path) -> str:
    """The file's text without a byte order mark; InputError with the offset of a bad byte."""
    try:
        data = path.read_bytes()
    except OSError as error:
        what = f"cannot be opened: {error.strerror or error}"
        raise InputError(str(path), what, "expected a JSON file", "Check the path.") from error
    if data.startswith(b"PAR1"):
        raise SchemaError(
            str(path),
            "a Parquet file",
            "expected the JSON or JSONL of a dialect",
            "Give pairs that are an artifact already to `qbuild export`.",
        )
    return decoded(path, data)


def as_json(value: object) -> str:
    """A value as read, as JSON text on one line."""
    return json.dumps(value, ensure_ascii=False)
