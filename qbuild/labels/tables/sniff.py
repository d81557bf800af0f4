"""What a file looks like from outside: its kind, its text, its first record, its header."""

from __future__ import annotations

import codecs
import csv
import json
import re
from typing import TYPE_CHECKING, Any, Literal

from qbuild.core.errors import InputError
from qbuild.labels.tables.layout import Head

if TYPE_CHECKING:
    from pathlib import Path

HEAD_BYTES = 1 << 16
DELIMITERS = ",;\t|"
Kind = Literal["delimited", "json", "parquet", "excel"]

_SUFFIXES: dict[str, Kind] = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".tab": "delimited",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
}


def look(path: Path) -> Head:
    """The head of the file; InputError where it cannot be opened or is empty."""
    start = first_bytes(path)
    kind = kind_of(path, start)
    text = _decoded(start) if kind in ("delimited", "json") else None
    record = _first_object(text) if kind == "json" and text is not None else None
    return Head(path, start, text, record, _header(path, kind, text))


def first_bytes(path: Path) -> bytes:
    """The first 64 KiB; InputError where the file is missing, unreadable, a folder or empty."""
    try:
        with path.open("rb") as stream:
            start = stream.read(HEAD_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            str(path), f"cannot be opened: {reason}", "expected a rating file", "Check the path."
        ) from error
    if not start:
        raise InputError(
            str(path), "the file is empty", "expected at least one rating", "Fetch it again."
        )
    return start


def kind_of(path: Path, start: bytes) -> Kind:
    """Which reader a file needs: by its suffix, else by its first bytes."""
    known = _SUFFIXES.get(path.suffix.lower())
    if known is not None:
        return known
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"PK\x03\x04"):
        return "excel"
    blank_free = start.removeprefix(codecs.BOM_UTF8).lstrip()
    return "json" if blank_free[:1] in (b"[", b"{") else "delimited"


def delimiter_of(path: Path, text: str) -> str:
    """The sign between cells: a tab by suffix, else the one that cuts the first line finest."""
    if path.suffix.lower() in (".tsv", ".tab"):
        return "\t"
    line = _first_line(text)
    return max(DELIMITERS, key=lambda sign: len(_cut(line, sign)))


def seen(head: Head) -> str:
    """In words for an error: the columns, the keys, or the first line."""
    if head.header:
        return "the first row holds " + ", ".join(repr(cell) for cell in head.header[:12])
    if head.record == {}:
        return "the first record is empty"
    if head.record is not None:
        return "the first record has " + ", ".join(repr(key) for key in list(head.record)[:12])
    if head.text is None:
        return f"it is no UTF-8 text and begins with the bytes {head.start[:8].hex(' ')}"
    return f"it begins with {head.text[:60]!r}"


def _decoded(start: bytes) -> str | None:
    if b"\0" in start:
        return None
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        return decoder.decode(start, final=False)  # the cut at 64 KiB may split a character
    except UnicodeDecodeError:
        return None


def _first_object(text: str) -> dict[str, Any] | None:
    at = text.find("{")
    if at < 0 or text[:at].strip() not in ("", "["):
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _header(path: Path, kind: Kind, text: str | None) -> list[str] | None:
    if kind == "delimited":
        return _first_cells(path, text) if text is not None else None
    if kind == "json":
        return None
    from qbuild.labels.tables.table import column_names

    return column_names(path, kind)


def _first_cells(path: Path, text: str) -> list[str]:
    return [cell.strip() for cell in _cut(_first_line(text), delimiter_of(path, text))]


def _first_line(text: str) -> str:
    return next((line for line in re.split(r"[\r\n]+", text) if line.strip()), "")


def _cut(line: str, sign: str) -> list[str]:
    return next(csv.reader([line], delimiter=sign), [])
