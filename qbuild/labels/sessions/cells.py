"""Tables and records of logs: rows of cells under a header, JSON objects, numbers from cells."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError, shortened
from qbuild.labels.sessions.rejection import Refusal, unreadable
from qbuild.labels.tables.files import delimiter_of
from qbuild.labels.tables.json_records import read_bytes, read_records

if TYPE_CHECKING:
    from pathlib import Path

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NOTHING = frozenset(("", "nan", "na", "n/a", "null", "none"))


@dataclass(frozen=True)
class Row:
    """One record of a table: its number from 1 and its cells by column name, lower case."""

    number: int
    cells: dict[str, str]

    def number_in(self, column: str) -> float | None:
        """The cell as a finite number; None where the column or its value is missing."""
        cell = self.cells.get(column, "")
        return None if is_nothing(cell) else as_number(cell, f"row {self.number}, {column}")

    def needed(self, column: str) -> float:
        """The cell as a finite number; refused where it holds nothing."""
        value = self.number_in(column)
        if value is None:
            raise Refusal(
                "not-a-number", f"row {self.number}, {column}: it is empty; expected a number"
            )
        return value


def read_rows(path: Path) -> list[Row]:
    """The records of a table file; refused where it is empty, no text, or cut short."""
    if not path.stat().st_size:
        raise Refusal("empty-log", "the file is empty")
    try:
        text = read_bytes(path).decode("utf-8")
        stream = io.StringIO(text, newline="")
        lines = list(csv.reader(stream, delimiter=delimiter_of(path, text), strict=True))
    except InputError as error:
        raise unreadable(error) from error
    except csv.Error as error:
        raise Refusal("unreadable", f"{error}; expected a complete table") from error
    kept = [line for line in lines if any(cell.strip() for cell in line)]
    if len(kept) < 2:
        raise Refusal("empty-log", "no row stands below the header")
    header = [name.strip().lower() for name in kept[0]]
    return [_row(number, header, line) for number, line in enumerate(kept[1:], start=1)]


def _row(number: int, header: list[str], line: list[str]) -> Row:
    if len(line) != len(header):
        raise Refusal(
            "unreadable",
            f"row {number} has {len(line)} cells; expected {len(header)}, as in the header",
        )
    # the first of two columns of one name counts
    return Row(
        number, dict(zip(reversed(header), (c.strip() for c in reversed(line)), strict=True))
    )


def rating_in(row: Row, **columns: str) -> dict[str, Any]:
    """The numbers that rate a session, each by its name, from those columns that hold one."""
    found: dict[str, Any] = {}
    for name, column in columns.items():
        value = row.number_in(column)
        if value is not None:
            found[name] = _count(value, column) if name == "num_ratings" else value
    return found


def _count(value: float, column: str) -> int:
    if value != int(value):
        raise Refusal("not-a-number", f"{column} is {value:g}; expected a whole number of ratings")
    return int(value)


def is_nothing(cell: str) -> bool:
    """Whether a cell stands for a missing value."""
    return cell.strip().lower() in _NOTHING


def as_number(cell: str, where: str) -> float:
    """The text as a finite number; refused where it is none."""
    text = cell.strip()
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise Refusal(
            "not-a-number", f"{where}: {shortened(cell, 60)!r} is no number; expected one as 3.5"
        )
    return value


def json_records(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON or JSONL log; Refusal for an empty or unreadable one."""
    if not path.stat().st_size:
        raise Refusal("empty-log", "the file is empty")
    try:
        return read_records(path)
    except InputError as error:
        raise unreadable(error) from error
