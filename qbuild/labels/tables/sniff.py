"""A preview of a file: its beginning as text, its first JSON object, its header."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qbuild.labels.tables.columns import normalise_name
from qbuild.labels.tables.files import Kind, first_bytes, first_cells, kind_of
from qbuild.labels.tables.json_records import read_records, read_utf8
from qbuild.labels.tables.table import column_names


@dataclass(frozen=True)
class FilePreview:
    """The beginning of a file: all that the recognition of a layout uses.

    `start` holds the first 64 KiB, `text` the same decoded (None where it is not UTF-8 text),
    `record` the first JSON object, `header` the cells of the first row (CSV, Excel, Parquet).
    """

    path: Path
    start: bytes
    text: str | None
    record: dict[str, Any] | None
    header: list[str] | None

    @property
    def names(self) -> list[str]:
        """The cells of the header, else the keys of the first record."""
        return self.header or list(self.record or ())

    @property
    def columns(self) -> set[str]:
        """The normalised names in the header; none for JSON."""
        return {normalise_name(name) for name in self.header or ()}


def sniff(path: Path) -> FilePreview:
    """The preview of the file; InputError where it cannot be opened or is empty."""
    start = first_bytes(path)
    kind = kind_of(path, start)
    text = _decode(start) if kind in ("delimited", "json") else None
    record = _first_object(text) if kind == "json" and text is not None else None
    return FilePreview(path, start, text, record, _header(path, kind, text))


def format_preview(preview: FilePreview) -> str:
    """The columns, the keys or the first characters, for an error message."""
    if preview.header:
        return "the first row holds " + ", ".join(repr(cell) for cell in preview.header[:12])
    if preview.record == {}:
        return "the first record is empty"
    if preview.record is not None:
        return "the first record has " + ", ".join(repr(key) for key in list(preview.record)[:12])
    if preview.text is None:
        return f"it is not UTF-8 text and begins with the bytes {preview.start[:8].hex(' ')}"
    return f"it begins with {preview.text[:60]!r}"


def raise_if_broken(preview: FilePreview) -> None:
    """Raise the InputError of a file that no layout can read: not UTF-8, or incomplete JSON."""
    kind = kind_of(preview.path, preview.start)
    if kind == "json" and preview.record is None:
        read_records(preview.path)
    elif kind == "delimited" and preview.text is None:
        read_utf8(preview.path)


def _decode(start: bytes) -> str | None:
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
        return first_cells(path, text) if text is not None else None
    return None if kind == "json" else column_names(path, kind)
