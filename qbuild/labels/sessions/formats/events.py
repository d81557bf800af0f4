"""Plain lists of stalls: CSV or JSONL, a row a stall, the session's name in each.

Columns `media`, `start_s`, `duration_s`; of the session, in any of its rows: `fps`, `media_s`,
`clock` (media or wall), `mos`, `mos_std`, `num_ratings`, `split`. A session without stalls has one
row with start and duration empty. Its stalls keep the order of the file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError, shortened
from qbuild.labels.sessions.cells import Row, is_nothing, json_records, rating_in, read_rows
from qbuild.labels.sessions.folders import one_a_file
from qbuild.labels.sessions.rates import exact_rate
from qbuild.labels.sessions.rejection import Refusal
from qbuild.labels.sessions.session import Clock, Refused, Session, SessionOptions
from qbuild.labels.tables.sniff import look

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction
    from pathlib import Path

_NEEDED = frozenset(("media", "start_s", "duration_s"))
_ONCE = ("fps", "media_s", "clock", "mos", "mos_std", "num_ratings", "split")
_JSON = (".json", ".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv", ".txt")


def is_log(path: Path) -> bool:
    """A table or JSON records with the three columns."""
    if path.suffix.lower() not in (*_JSON, *_TABLES) or not path.is_file():
        return False
    try:
        head = look(path)
    except InputError:
        return False
    return {name.lower() for name in head.header or head.record or ()} >= _NEEDED


def read_log(path: Path, options: SessionOptions) -> Iterator[Session | Refused]:
    """The sessions in the order in which the file first names them."""
    try:
        rows = _rows(path)
    except Refusal as refusal:
        yield refusal.at(path.name)
        return
    sessions: dict[str, list[Row]] = {}
    for row in rows:
        name = row.cells.get("media", "")
        if name:
            sessions.setdefault(name, []).append(row)
        else:
            message = f"row {row.number} names no session"
            yield Refused(path.name, row.number, "missing-path", message, dict(row.cells))
    for name, stalls in sessions.items():
        try:
            yield _session(name, stalls, path.name, options)
        except Refusal as refusal:
            refused = Refusal(refusal.reason, f"{name}: {refusal.message}", {"path": name})
            yield refused.at(path.name, stalls[0].number)


def _rows(path: Path) -> list[Row]:
    rows = _json_rows(path) if path.suffix.lower() in _JSON else read_rows(path)
    for row in rows:
        if missing := _NEEDED - row.cells.keys():
            raise Refusal(
                "another-form",
                f"row {row.number} has no {', '.join(sorted(missing))}",
                {"fields": sorted(row.cells)},
            )
    return rows


def _json_rows(path: Path) -> list[Row]:
    return [
        Row(number, {key.strip().lower(): _cell(value) for key, value in record.items()})
        for number, record in enumerate(json_records(path), start=1)
    ]


def _cell(value: Any) -> str:
    """A JSON value as the cell of a table; what is no number and no text is spelled as JSON."""
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else repr(value)


def _session(name: str, rows: list[Row], source_file: str, options: SessionOptions) -> Session:
    once = replace(rows[0], cells={column: _same(rows, column) for column in _ONCE})
    split = once.cells["split"]
    return Session(
        path=name,
        source_file=source_file,
        source_row=rows[0].number,
        fps=_rate(once.cells["fps"]),
        media_s=once.number_in("media_s"),
        events=tuple(stall for row in rows if (stall := _stall(row)) is not None),
        clock=_clock(once.cells["clock"], options.clock),
        rating={
            **rating_in(once, mos="mos", mos_std="mos_std", num_ratings="num_ratings"),
            **({} if is_nothing(split) else {"split": split}),
        },
    )


def _rate(cell: str) -> Fraction | None:
    return None if is_nothing(cell) else exact_rate(cell)


def _same(rows: list[Row], column: str) -> str:
    """The one value of the session; rows may leave it empty, not contradict each other."""
    values = {cell for row in rows if not is_nothing(cell := row.cells.get(column, ""))}
    if len(values) > 1:
        shown = ", ".join(shortened(value, 40) for value in sorted(values)[:4])
        raise Refusal("conflict", f"its rows name several values of {column}: {shown}")
    return next(iter(values), "")


def _stall(row: Row) -> tuple[float, float] | None:
    if all(is_nothing(row.cells[column]) for column in ("start_s", "duration_s")):
        return None
    return row.needed("start_s"), row.needed("duration_s")


def _clock(cell: str, given: Clock) -> Clock:
    if is_nothing(cell):
        return given
    if cell not in ("media", "wall"):
        raise Refusal("bad-clock", f"the clock is {shortened(cell, 40)!r}; expected media or wall")
    return "media" if cell == "media" else "wall"


LAYOUT = one_a_file(
    "events", "CSV or JSONL, a row a stall: media, start_s, duration_s", is_log, read_log
)
