"""The kind of a table file and its delimiter, inferred from its suffix and its first bytes."""

from __future__ import annotations

import codecs
import csv
import re
from pathlib import Path
from typing import Literal

from qbuild.core.errors import InputError

PREVIEW_BYTES = 1 << 16
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
            start = stream.read(PREVIEW_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            str(path), f"cannot be opened: {reason}", "expected a label file", "Check the path."
        ) from error
    if not start:
        raise InputError(
            str(path), "the file is empty", "expected at least one record", "Fetch it again."
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
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    return "json" if text[:1] in (b"[", b"{") else "delimited"


def delimiter_of(path: Path, text: str) -> str:
    """A tab by suffix, else the delimiter that splits the first line into most cells."""
    if path.suffix.lower() in (".tsv", ".tab"):
        return "\t"
    line = _first_line(text)
    return max(DELIMITERS, key=lambda delimiter: len(_split(line, delimiter)))


def first_cells(path: Path, text: str) -> list[str]:
    """The cells of the first line that is not blank."""
    return [cell.strip() for cell in _split(_first_line(text), delimiter_of(path, text))]


def _first_line(text: str) -> str:
    return next((line for line in re.split(r"[\r\n]+", text) if line.strip()), "")


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])
