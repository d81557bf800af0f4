"""Plain text that is legible at 80 columns: aligned columns, wrapped paragraphs, short values."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDEST = 120


def width() -> int:
    """Columns to write in: the terminal's, 80 without one."""
    return min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)


def aligned(rows: Sequence[Sequence[str]], indent: str = "") -> list[str]:
    """Lines whose columns are as wide as their widest cell; the last column is wrapped."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)][:-1]
    lines: list[str] = []
    for row in rows:
        start = indent + "".join(f"{cell:<{w}}  " for cell, w in zip(row, widths, strict=False))
        lines += hanging(start, row[-1])
    return lines


def hanging(start: str, text: str) -> list[str]:
    """`text` behind `start`, its further lines indented as far (or by four, where that is far)."""
    rest = " " * (len(start) if len(start) <= width() // 2 else 4)
    wrapped = textwrap.wrap(
        text, width(), initial_indent=start, subsequent_indent=rest, break_on_hyphens=False
    )
    return wrapped or [start.rstrip()]


def short(value: Any, room: int) -> str:
    """A value as JSON (text as it is, but for none at all) on one line of at most `room` signs."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= room else text[: max(room - 1, 1)] + "…"


def number(value: float | None) -> str:
    """A count with separators, another number with six significant digits, a dash for none."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def short_hash(value: str | None) -> str:
    """The first twelve digits of a hash."""
    return (value or "-").removeprefix("sha256:")[:12]
