"""Waterloo SQoE I to IV: `data.csv` with the scores, `streaming_logs/` with a table per session.

A row of a log is a chunk. `rebuffering_duration` is the stall before the chunk (before the first
one: initial buffering), so a stall is at the media second where the previous chunks end. The logs'
own column `mos` is not read: in database I it differs from `data.csv` in 120 of 180 sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from qbuild.core.errors import InputError
from qbuild.core.rows.rejections import RejectedError, RejectedRow
from qbuild.labels.sessions.cells import Row, rating_in, read_rows
from qbuild.labels.sessions.folders import list_entries
from qbuild.labels.sessions.options import SessionOptions
from qbuild.labels.sessions.rates import common_rate
from qbuild.labels.sessions.session import Session, SessionLayout, one_session, rejected_log
from qbuild.labels.tables.sniff import sniff

SCORES_FILE = "data.csv"
_STALL, _LENGTH, _RATE = "rebuffering_duration", "chunk_duration", "framerate"
_LOGS = "streaming_logs"


def matches(path: Path) -> bool:
    """A table with the chunks' columns, or a folder with `data.csv` and `streaming_logs`."""
    if path.is_dir():
        scores = path / SCORES_FILE
        return (path / _LOGS).is_dir() and scores.is_file() and "streaming_log" in _columns(scores)
    return {_STALL, _LENGTH} <= _columns(path)


def read(path: Path, options: SessionOptions) -> Iterator[Session | RejectedRow]:
    """The sessions in the order of `data.csv`, then logs that it does not list, by name."""
    if not path.is_dir():
        yield from _read_log(path, path.name, {}, options)
        return
    try:
        rows = read_rows(path / SCORES_FILE)
    except RejectedError as error:
        yield rejected_log(error, SCORES_FILE)
        return
    names = [row.cells.get("streaming_log", "") for row in rows]
    for row, name in zip(rows, names, strict=True):
        yield from _read_listed(path, row, names.count(name) > 1, options)
    for log in list_entries(path / _LOGS):
        if log.name not in names and log.is_file():
            yield from _read_log(log, log.name, {}, options)


def _read_listed(
    folder: Path, row: Row, repeated: bool, options: SessionOptions
) -> Iterator[Session | RejectedRow]:
    """The session of one row of `data.csv`; a log rated on several devices is several sessions."""
    name, device = row.cells.get("streaming_log", ""), row.cells.get("device", "")
    log = folder / _LOGS / name
    if not name or "/" in name or "\\" in name or not log.is_file():
        message = f"{SCORES_FILE} names the log {name!r}, which is not in {_LOGS}"
        error = RejectedError("missing-log", message)
        yield rejected_log(error, SCORES_FILE, row.number, row.cells)
        return
    try:
        rating = rating_in(row, mos="mos", mos_std="mos_std")
    except RejectedError as error:
        yield rejected_log(error, SCORES_FILE, row.number)
        return
    yield from _read_log(log, f"{device}/{name}" if repeated and device else name, rating, options)


def _read_log(
    log: Path, name: str, rating: dict[str, Any], options: SessionOptions
) -> Iterator[Session | RejectedRow]:
    return one_session(lambda *_: _session(log, name, rating, options))(log, options)


def _session(log: Path, name: str, rating: dict[str, Any], options: SessionOptions) -> Session:
    rows = read_rows(log)
    if missing := {_STALL, _LENGTH} - rows[0].cells.keys():
        raise RejectedError(
            "another-form",
            f"the log has no column {', '.join(sorted(missing))}; expected a row per chunk",
            record={"fields": list(rows[0].cells)},
        )
    lengths = [row.required_number(_LENGTH) for row in rows]
    stalls = [row.required_number(_STALL) for row in rows]
    rates = {rate for row in rows if (rate := row.number_in(_RATE)) is not None}
    ends = list(accumulate(lengths))
    starts = [0.0, *ends[:-1]]
    return Session(
        path=name,
        source_file=log.name,
        fps=common_rate(rates, options.rate),
        media_s=ends[-1],
        events=tuple((at, stall) for at, stall in zip(starts, stalls, strict=True) if stall),
        rating=rating,
    )


def _columns(path: Path) -> set[str]:
    if path.suffix.lower() not in (".csv", ".tsv", ".txt") or not path.is_file():
        return set()
    try:
        return {name.lower() for name in sniff(path).header or ()}
    except InputError:
        return set()


LAYOUT = SessionLayout("waterloo", matches, read, side_files=(SCORES_FILE,))
