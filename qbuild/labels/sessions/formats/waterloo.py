"""Waterloo SQoE I to IV: `data.csv` with the scores, `streaming_logs/` with a table a session.

A row of a log is a chunk. `rebuffering_duration` is the stall before the chunk (of the first one:
initial buffering), so a stall lies at the media second where the chunks before it end. The logs'
own column `mos` is not read: in database I it disagrees with `data.csv` in 120 of 180 sessions.
"""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError
from qbuild.labels.sessions.cells import Row, rating_in, read_rows
from qbuild.labels.sessions.folders import entries
from qbuild.labels.sessions.rates import one_rate
from qbuild.labels.sessions.rejection import Refusal, one
from qbuild.labels.sessions.session import Refused, Session, SessionLayout, SessionOptions
from qbuild.labels.tables.sniff import look

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BESIDE = ("data.csv",)

_STALL, _LENGTH, _RATE = "rebuffering_duration", "chunk_duration", "framerate"
_LOGS = "streaming_logs"


def matches(path: Path) -> bool:
    """A table with the chunks' columns, or a folder with `data.csv` and `streaming_logs`."""
    if path.is_dir():
        scores = path / "data.csv"
        return (path / _LOGS).is_dir() and scores.is_file() and "streaming_log" in _columns(scores)
    return {_STALL, _LENGTH} <= _columns(path)


def read(path: Path, options: SessionOptions) -> Iterator[Session | Refused]:
    """The sessions in the order of `data.csv`, then logs that it does not list, by name."""
    if not path.is_dir():
        yield from one(lambda: _session(path, path.name, {}, options), path.name)
        return
    try:
        rows = read_rows(path / "data.csv")
    except Refusal as refusal:
        yield refusal.at("data.csv")
        return
    names = [row.cells.get("streaming_log", "") for row in rows]
    for row, name in zip(rows, names, strict=True):
        yield from _listed(path, row, names.count(name) > 1, options)
    for log in entries(path / _LOGS):
        if log.name not in names and log.is_file():
            yield from one(partial(_session, log, log.name, {}, options), log.name)


def _listed(
    folder: Path, row: Row, repeated: bool, options: SessionOptions
) -> Iterator[Session | Refused]:
    """The session of one row of `data.csv`; a log rated on several devices is several sessions."""
    name, device = row.cells.get("streaming_log", ""), row.cells.get("device", "")
    log = folder / _LOGS / name
    shown = f"{device}/{name}" if repeated and device else name
    if not name or "/" in name or "\\" in name or not log.is_file():
        message = f"data.csv names the log {name!r}, which is not in {_LOGS}"
        yield Refused("data.csv", row.number, "missing-log", message, dict(row.cells))
        return
    try:
        rating = rating_in(row, mos="mos", mos_std="mos_std")
    except Refusal as refusal:
        yield refusal.at("data.csv", row.number)
        return
    yield from one(lambda: _session(log, shown, rating, options), name)


def _session(log: Path, name: str, rating: dict[str, Any], options: SessionOptions) -> Session:
    rows = read_rows(log)
    if missing := {_STALL, _LENGTH} - rows[0].cells.keys():
        raise Refusal(
            "another-form",
            f"the log has no column {', '.join(sorted(missing))}; expected a row a chunk",
            {"fields": list(rows[0].cells)},
        )
    lengths = [row.needed(_LENGTH) for row in rows]
    stalls = [row.needed(_STALL) for row in rows]
    rates = {rate for row in rows if (rate := row.number_in(_RATE)) is not None}
    ends = list(accumulate(lengths))
    starts = [0.0, *ends[:-1]]
    return Session(
        path=name,
        source_file=log.name,
        source_row=1,
        fps=one_rate(rates, options.fps),
        media_s=ends[-1],
        events=tuple((at, stall) for at, stall in zip(starts, stalls, strict=True) if stall),
        rating=rating,
    )


def _columns(path: Path) -> set[str]:
    if path.suffix.lower() not in (".csv", ".tsv", ".txt") or not path.is_file():
        return set()
    try:
        return {name.lower() for name in look(path).header or ()}
    except InputError:
        return set()


LAYOUT = SessionLayout(
    "waterloo", "Waterloo SQoE I to IV: data.csv and a log a session, a row a chunk", matches, read
)
