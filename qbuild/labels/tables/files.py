"""Which kind of table a file holds, and how its first line is cut: told from its first bytes."""

from __future__ import annotations

import codecs
import csv
import re
from typing import TYPE_CHECKING, Literal

from qbuild.core.errors import InputError

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


def first_cells(path: Path, text: str) -> list[str]:
    """The cells of the first line that is not blank."""
    return [cell.strip() for cell in _cut(_first_line(text), delimiter_of(path, text))]


def _first_line(text: str) -> str:
    return next((line for line in re.split(r"[\r\n]+", text) if line.strip()), "")


def _cut(line: str, sign: str) -> list[str]:
    return next(csv.reader([line], delimiter=sign), [])
