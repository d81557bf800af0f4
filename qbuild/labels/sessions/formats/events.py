"""Plain lists of stalls: CSV or JSONL, one row per stall, with the name of its session.

Columns `media`, `start_s`, `duration_s`; of the session, in any of its rows: `fps`, `media_s`,
`clock` (media or wall), `mos`, `mos_std`, `num_ratings`, `split`. A session without stalls has one
row with empty start and duration. Stalls keep the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from qbuild.core.errors import InputError, shorten
from qbuild.core.rows.rejections import RejectedError, RejectedRow
from qbuild.labels.sessions.cells import Row, is_missing, rating_in, read_objects, read_rows
from qbuild.labels.sessions.folders import file_layout
from qbuild.labels.sessions.options import Clock, SessionOptions
from qbuild.labels.sessions.rates import exact_rate
from qbuild.labels.sessions.session import Session, rejected_log
from qbuild.labels.tables.sniff import sniff

_REQUIRED = frozenset(("media", "start_s", "duration_s"))
_OF_SESSION = ("fps", "media_s", "clock", "mos", "mos_std", "num_ratings", "split")
_JSON = (".json", ".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv", ".txt")


def is_log(path: Path) -> bool:
    """A table or JSON records with the three columns."""
    if path.suffix.lower() not in (*_JSON, *_TABLES) or not path.is_file():
        return False
    try:
        return {name.lower() for name in sniff(path).names} >= _REQUIRED
    except InputError:
        return False


def read_log(path: Path, options: SessionOptions) -> Iterator[Session | RejectedRow]:
    """The sessions in the order in which the file first names them."""
    try:
        rows = _read_rows(path)
    except RejectedError as error:
        yield rejected_log(error, path.name)
        return
    sessions: dict[str, list[Row]] = {}
    for row in rows:
        name = row.cells.get("media", "")
        if name:
            sessions.setdefault(name, []).append(row)
        else:
            unnamed = RejectedError("missing-path", f"row {row.number} names no session")
            yield rejected_log(unnamed, path.name, row.number, row.cells)
    for name, stalls in sessions.items():
        try:
            yield _session(name, stalls, path.name, options)
        except RejectedError as error:
            named = RejectedError(error.reason, f"{name}: {error.message}")
            yield rejected_log(named, path.name, stalls[0].number, {"path": name})


def _read_rows(path: Path) -> list[Row]:
    if path.suffix.lower() in _JSON:
        rows = [
            Row(number, {key.strip().lower(): _cell(value) for key, value in record.items()})
            for number, record in enumerate(read_objects(path), start=1)
        ]
    else:
        rows = read_rows(path)
    for row in rows:
        if missing := _REQUIRED - row.cells.keys():
            raise RejectedError(
                "another-form",
                f"row {row.number} has no {', '.join(sorted(missing))}",
                record={"fields": sorted(row.cells)},
            )
    return rows


def _cell(value: Any) -> str:
    """A JSON value as the cell of a table."""
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else repr(value)


def _session(name: str, rows: list[Row], source_file: str, options: SessionOptions) -> Session:
    common = replace(rows[0], cells={column: _common(rows, column) for column in _OF_SESSION})
    rate, clock, split = (common.cells[column] for column in ("fps", "clock", "split"))
    rating = rating_in(common, mos="mos", mos_std="mos_std", num_ratings="num_ratings")
    return Session(
        path=name,
        source_file=source_file,
        source_row=rows[0].number,
        fps=None if is_missing(rate) else exact_rate(rate),
        media_s=common.number_in("media_s"),
        events=tuple(stall for row in rows if (stall := _stall(row)) is not None),
        clock=_clock(clock, options.clock),
        rating=rating if is_missing(split) else {**rating, "split": split},
    )


def _common(rows: list[Row], column: str) -> str:
    """The one value of the session; rows may leave it empty but not differ."""
    values = {cell for row in rows if not is_missing(cell := row.cells.get(column, ""))}
    if len(values) > 1:
        listed = ", ".join(shorten(value, 40) for value in sorted(values)[:4])
        raise RejectedError("conflict", f"its rows have several values of {column}: {listed}")
    return next(iter(values), "")


def _stall(row: Row) -> tuple[float, float] | None:
    if all(is_missing(row.cells[column]) for column in ("start_s", "duration_s")):
        return None
    return row.required_number("start_s"), row.required_number("duration_s")


def _clock(cell: str, default: Clock) -> Clock:
    if is_missing(cell):
        return default
    if cell not in ("media", "wall"):
        raise RejectedError(
            "bad-clock", f"the clock is {shorten(cell, 40)!r}; expected media or wall"
        )
    return "media" if cell == "media" else "wall"


LAYOUT = file_layout("events", is_log, read_log)
