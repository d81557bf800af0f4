"""Tables and records of logs: rows of cells under a header, JSON objects, numbers from cells."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qbuild.core.errors import InputError, shorten
from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.tables.files import delimiter_of
from qbuild.labels.tables.json_records import read_records, read_utf8

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MISSING = frozenset(("", "nan", "na", "n/a", "null", "none"))


@dataclass(frozen=True)
class Row:
    """One record of a table: its number from 1 and its cells by lower-case column name."""

    number: int
    cells: dict[str, str]

    def number_in(self, column: str) -> float | None:
        """The cell as a finite number; None where the column or its value is missing."""
        cell = self.cells.get(column, "")
        return None if is_missing(cell) else parse_number(cell, f"row {self.number}, {column}")

    def required_number(self, column: str) -> float:
        """The cell as a finite number; RejectedError where it is empty."""
        value = self.number_in(column)
        if value is None:
            raise RejectedError(
                "not-a-number", f"row {self.number}, {column}: it is empty; expected a number"
            )
        return value


def read_rows(path: Path) -> list[Row]:
    """The records of a table file; RejectedError where it is empty, not text, or truncated."""
    _check_size(path)
    try:
        text = read_utf8(path).decode("utf-8")
        stream = io.StringIO(text, newline="")
        lines = list(csv.reader(stream, delimiter=delimiter_of(path, text), strict=True))
    except InputError as error:
        raise unreadable(error) from error
    except csv.Error as error:
        raise RejectedError("unreadable", f"{error}; expected a complete table") from error
    kept = [line for line in lines if any(cell.strip() for cell in line)]
    if len(kept) < 2:
        raise RejectedError("empty-log", "no row is below the header")
    header = [name.strip().lower() for name in kept[0]]
    return [_row(number, header, line) for number, line in enumerate(kept[1:], start=1)]


def read_objects(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON or JSONL log; RejectedError where it is empty or unreadable."""
    _check_size(path)
    try:
        return read_records(path)
    except InputError as error:
        raise unreadable(error) from error


def unreadable(error: InputError) -> RejectedError:
    """The rejection of a file that cannot be read, without the path of the file."""
    text = f"{error.what}; {error.expected}" if error.expected else error.what
    return RejectedError("unreadable", text)


def _check_size(path: Path) -> None:
    if not path.stat().st_size:
        raise RejectedError("empty-log", "the file is empty")


def _row(number: int, header: list[str], line: list[str]) -> Row:
    if len(line) != len(header):
        raise RejectedError(
            "unreadable",
            f"row {number} has {len(line)} cells; expected {len(header)}, as in the header",
        )
    # of two columns with one name, the first counts
    cells = zip(reversed(header), (cell.strip() for cell in reversed(line)), strict=True)
    return Row(number, dict(cells))


def rating_in(row: Row, **columns: str) -> dict[str, Any]:
    """The numbers of a session's rating, by name, from the columns that hold one."""
    rating: dict[str, Any] = {}
    for name, column in columns.items():
        value = row.number_in(column)
        if value is not None:
            rating[name] = _count(value, column) if name == "num_ratings" else value
    return rating


def _count(value: float, column: str) -> int:
    if value != int(value):
        raise RejectedError(
            "not-a-number", f"{column} is {value:g}; expected a whole number of ratings"
        )
    return int(value)


def is_missing(cell: str) -> bool:
    """Whether a cell represents a missing value."""
    return cell.strip().lower() in _MISSING


def parse_number(cell: str, where: str) -> float:
    """The text as a finite number; RejectedError for anything else."""
    text = cell.strip()
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise RejectedError(
            "not-a-number",
            f"{where}: {shorten(cell, 60)!r} is not a number; expected one such as 3.5",
        )
    return value
