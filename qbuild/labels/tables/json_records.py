"""Text and JSON records from a file, with the place of whatever cannot be read."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError
from qbuild.core.json_stream import BROKEN, decoded, json_values
from qbuild.labels.tables.files import first_bytes, kind_of

if TYPE_CHECKING:
    from pathlib import Path

    from qbuild.labels.tables.layout import Head

_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


def read_bytes(path: Path) -> bytes:
    """The file's bytes, known to be UTF-8 text, without a byte order mark."""
    first_bytes(path)
    data = path.read_bytes()
    decoded(path, data)
    if (at := data.find(b"\0")) >= 0:
        raise InputError(
            str(path), f"byte 0x00 at offset {at} is no text", "expected UTF-8 text", BROKEN
        )
    return data.removeprefix(codecs.BOM_UTF8)


def refuse_broken(head: Head) -> None:
    """Raise what is wrong with a file that no layout can fit: no UTF-8, no complete JSON."""
    kind = kind_of(head.path, head.start)
    if kind == "json" and head.record is None:
        read_records(head.path)
    elif kind == "delimited" and head.text is None:
        read_bytes(head.path)


def read_records(path: Path) -> list[dict[str, Any]]:
    """The file's JSON objects: an array of them, one a line, or one after another (`}{`)."""
    text = read_bytes(path).decode("utf-8")
    values = list(json_values(path, text))
    if _HALF_PAIR.search(text):
        _refuse_half_pairs(path, values)
    return _objects(path, values)


def _refuse_half_pairs(path: Path, values: list[Any]) -> None:
    """JSON can escape half of a surrogate pair, which no UTF-8 text can hold."""
    for number, value in enumerate(values, start=1):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InputError(
                str(path),
                f"record {number} holds half of a surrogate pair",
                "expected text that UTF-8 can hold",
                BROKEN,
            ) from error


def _objects(path: Path, values: list[Any]) -> list[dict[str, Any]]:
    if not values:
        raise InputError(str(path), "holds no record", "expected at least one rating", BROKEN)
    for number, value in enumerate(values, start=1):
        if not isinstance(value, dict):
            raise InputError(
                str(path),
                f"record {number} is {json.dumps(value)[:60]}",
                "expected a JSON object for each record",
                'Name each value, as in {"path": …, "mos": …}.',
            )
    return values
