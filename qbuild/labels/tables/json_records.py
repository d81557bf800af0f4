"""UTF-8 text and JSON records from a file; an error names the place that cannot be read."""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import Any

from qbuild.core.errors import InputError
from qbuild.core.json_stream import BROKEN, decode_utf8, iter_json
from qbuild.labels.tables.files import first_bytes

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_utf8(path: Path) -> bytes:
    """The bytes of a file, checked to be UTF-8 text, without a byte order mark."""
    first_bytes(path)
    data = path.read_bytes()
    decode_utf8(path, data)
    if (at := data.find(b"\0")) >= 0:
        raise InputError(
            str(path), f"byte 0x00 at offset {at} is not text", "expected UTF-8 text", BROKEN
        )
    return data.removeprefix(codecs.BOM_UTF8)


def read_records(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file: an array, one per line, or concatenated (`}{`)."""
    text = read_utf8(path).decode("utf-8")
    values = list(iter_json(path, text))
    if not values:
        raise InputError(str(path), "holds no record", "expected at least one record", BROKEN)
    if _SURROGATE.search(text):
        _check_surrogates(path, values)
    _check_objects(path, values)
    return values


def _check_surrogates(path: Path, values: list[Any]) -> None:
    """A JSON escape can name half of a surrogate pair, which UTF-8 cannot encode."""
    for number, value in enumerate(values, start=1):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InputError(
                str(path),
                f"record {number} holds half of a surrogate pair",
                "expected text that UTF-8 can encode",
                BROKEN,
            ) from error


def _check_objects(path: Path, values: list[Any]) -> None:
    for number, value in enumerate(values, start=1):
        if not isinstance(value, dict):
            raise InputError(
                str(path),
                f"record {number} is {json.dumps(value)[:60]}",
                "expected a JSON object for each record",
                'Name each value, as in {"path": …, "mos": …}.',
            )
