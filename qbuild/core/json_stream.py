"""JSON values of a text: items of an array, one value per line, or values in a row (`}{`).

Invalid text is an InputError with line and column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from qbuild.core.errors import InputError

BROKEN = "Fetch the file again, or fix it there."
_SPACE = re.compile(r"[ \t\r\n]*")


def decode_utf8(path: Path, data: bytes) -> str:
    """The text of a file without its byte order mark; InputError with the offset of a bad byte."""
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(
            str(path),
            f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8",
            "expected UTF-8 text",
            "Save the file as UTF-8.",
        ) from error


def iter_json(path: Path, text: str) -> Iterator[Any]:
    """The values of a file's text, one at a time."""
    try:
        yield from _values(text)
    except JSONDecodeError as error:
        raise InputError(
            str(path),
            f"line {error.lineno}, column {error.colno}: {error.msg.removesuffix(' starting at')}",
            "expected complete JSON",
            BROKEN,
        ) from error
    except ValueError as error:  # Python reads no integer of more than 4,300 digits
        raise InputError(
            str(path), "an integer has too many digits", "expected numbers such as 3.5", BROKEN
        ) from error
    except RecursionError as error:
        raise InputError(
            str(path), "the JSON is nested too deeply", "expected flat records", BROKEN
        ) from error


def _values(text: str) -> Iterator[Any]:
    at = _skip(text, 0)
    if text[at : at + 1] == "[":
        yield from _items(text, _skip(text, at + 1))
        return
    decoder = json.JSONDecoder()
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except JSONDecodeError as error:
            first = text.count("\n", 0, at) + 1
            inside = f" in the record that begins in line {first}" if first < error.lineno else ""
            raise JSONDecodeError(error.msg + inside, text, error.pos) from error
        yield value
        at = _skip(text, end)


def _items(text: str, at: int) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    closed = text[at : at + 1] == "]"
    while not closed:
        value, end = decoder.raw_decode(text, at)
        yield value
        at = _skip(text, end)
        closed = text[at : at + 1] == "]"
        if not closed and text[at : at + 1] != ",":
            raise JSONDecodeError("Expecting ',' or ']' after a record", text, at)
        at = at if closed else _skip(text, at + 1)
    if (rest := _skip(text, at + 1)) < len(text):
        raise JSONDecodeError("Extra data after the array", text, rest)


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()
