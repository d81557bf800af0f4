"""What a file looks like from outside: its text, its first record, its header."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any

from qbuild.labels.tables.files import Kind, first_bytes, first_cells, kind_of
from qbuild.labels.tables.layout import Head
from qbuild.labels.tables.table import column_names

if TYPE_CHECKING:
    from pathlib import Path


def look(path: Path) -> Head:
    """The head of the file; InputError where it cannot be opened or is empty."""
    start = first_bytes(path)
    kind = kind_of(path, start)
    text = _decoded(start) if kind in ("delimited", "json") else None
    record = _first_object(text) if kind == "json" and text is not None else None
    return Head(path, start, text, record, _header(path, kind, text))


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
        return first_cells(path, text) if text is not None else None
    if kind == "json":
        return None
    return column_names(path, kind)
