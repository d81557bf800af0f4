"""Plain text that fits in 80 columns: aligned columns, wrapped paragraphs, shortened values."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

_WIDEST = 120


def width() -> int:
    """Columns of the terminal, at most 120; 80 without a terminal."""
    return min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)


def aligned(rows: Sequence[Sequence[str]], indent: str = "") -> list[str]:
    """A line per row, each column as wide as its widest cell; the last column is wrapped."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)][:-1]
    lines: list[str] = []
    for row in rows:
        start = indent + "".join(f"{cell:<{w}}  " for cell, w in zip(row, widths, strict=False))
        lines += hanging(start, row[-1])
    return lines


def hanging(start: str, text: str) -> list[str]:
    """`start` and `text` wrapped with a hanging indent: the width of `start`, or four if long."""
    rest = " " * (len(start) if len(start) <= width() // 2 else 4)
    wrapped = textwrap.wrap(
        text, width(), initial_indent=start, subsequent_indent=rest, break_on_hyphens=False
    )
    return wrapped or [start.rstrip()]


def short(value: Any, room: int) -> str:
    """A value as JSON (non-empty text as it is) on one line of at most `room` characters."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= room else text[: max(room - 1, 1)] + "…"


def number(value: float | None) -> str:
    """A count with separators, a float with six significant digits, a dash for None."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def short_hash(value: str | None) -> str:
    """The first twelve digits of a hash."""
    return (value or "-").removeprefix("sha256:")[:12]


def media_lines(row: dict[str, Any], indent: str) -> list[str]:
    """A line per medium of a pair: its kind and its id."""
    return [line for m in row["media"] for line in hanging(f"{indent}{m['kind']} ", m["media_id"])]


def turn_lines(row: dict[str, Any], indent: str) -> list[str]:
    """The turns of a pair, each on its own line, with `<image>` in place of a medium."""
    lines: list[str] = []
    for turn in row["turns"]:
        text = "".join(
            part["text"] if part["text"] is not None else f"<{row['media'][part['media']]['kind']}>"
            for part in turn["parts"]
        )
        lines += hanging(f"{indent}{turn['role']}: ", " ".join(text.split()))
    return lines
