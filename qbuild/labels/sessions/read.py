"""Session logs as rows of schema `stall`, many sessions at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from qbuild.core.canonical import media_id
from qbuild.core.rows.duplicates import deduplicate
from qbuild.core.rows.rejections import RejectedError, RejectedRow
from qbuild.core.schema import load_schema
from qbuild.core.schema.arrow_lists import lists
from qbuild.labels.sessions.logs import read_sessions
from qbuild.labels.sessions.options import SessionOptions
from qbuild.labels.sessions.validate import ValidSession, reject_session, validate_session
from qbuild.quality.stalls import (
    INITIAL,
    PLAYBACK,
    Events,
    Rates,
    covered_frames,
    run_lengths,
    summarise,
)

_SESSIONS_PER_TABLE = 4_096
_RATING = ("mos", "mos_std", "num_ratings", "votes", "scale_low", "scale_high", "split")


@dataclass(frozen=True)
class ReadSessions:
    """The unique valid sessions of all logs, each after its dataset, and the rejected ones."""

    sessions: list[tuple[str, ValidSession]]
    rejected: list[RejectedRow]
    collapsed: int = 0


def read_valid_sessions(
    paths: list[Path], options: SessionOptions, limit: int | None
) -> ReadSessions:
    """The valid sessions of all logs; identical ones collapse, others of one name are rejected.

    With a limit, the first usable sessions and the rejected ones before the last of them.
    """
    sessions: list[tuple[str, ValidSession]] = []
    rejected: list[RejectedRow] = []
    logged = ((path, *one) for path in paths for one in read_sessions([path], options))
    for log, dataset, session in logged:
        valid = session if isinstance(session, RejectedRow) else validate_session(session)
        if isinstance(valid, RejectedRow):
            rejected.append(valid)
            continue
        name = options.dataset or dataset or log.name.partition(".")[0]
        sessions.append((name, valid))
        if len(sessions) == limit:
            break
    unique = deduplicate(sessions, lambda one: (one[0], one[1].path), lambda one: one[1].content)
    rejected += [_conflict(one[1], len(group)) for group in unique.conflicts for one in group]
    return ReadSessions(unique.kept, rejected, unique.collapsed)


def _conflict(session: ValidSession, count: int) -> RejectedRow:
    message = f"{session.path}: {count} sessions of this name differ; all are rejected"
    return reject_session(RejectedError("conflict", message), session, session.stalls)


def stall_tables(read: ReadSessions, options: SessionOptions) -> Iterator[pa.Table]:
    """The sessions as rows, a few thousand at a time."""
    for start in range(0, len(read.sessions), _SESSIONS_PER_TABLE):
        part = read.sessions[start : start + _SESSIONS_PER_TABLE]
        datasets = [dataset for dataset, _ in part]
        yield _stall_table([session for _, session in part], datasets, options)


def _stall_table(
    sessions: list[ValidSession], datasets: list[str], options: SessionOptions
) -> pa.Table:
    rates = Rates(
        np.array([s.fps.numerator for s in sessions]),
        np.array([s.fps.denominator for s in sessions]),
    )
    stalls = [stall for session in sessions for stall in session.stalls]
    offsets = np.concatenate(([0], np.cumsum([len(s.stalls) for s in sessions]))).astype(np.int64)
    events = Events(
        offsets,
        np.array([start for start, _ in stalls], dtype=np.float64),
        np.array([length for _, length in stalls], dtype=np.float64),
    )
    summary = summarise(events, np.array([s.media_s for s in sessions]))
    first, covered = covered_frames(events, rates)
    counted = np.array([-1 if s.frames is None else s.frames for s in sessions])
    frames = np.where(counted >= 0, counted, rates.frames(summary.duration))
    if options.initial == "none":
        first, covered, frames = _without_buffering(events, first, covered, frames)
    runs, ends = run_lengths(offsets, first, covered, frames)
    names = [s.path for s in sessions]
    columns: dict[str, Any] = {
        "media_id": [media_id(d, p) for d, p in zip(datasets, names, strict=True)],
        "dataset": datasets,
        "path": names,
        **{name: [s.rating.get(name) for s in sessions] for name in _RATING},
        "licence": [options.licence or None] * len(sessions),
        "source": [options.source or None] * len(sessions),
        "source_file": [s.source_file for s in sessions],
        "source_row": [s.source_row for s in sessions],
        "fps_num": rates.num,
        "fps_den": rates.den,
        "media_frames": [s.media_frames for s in sessions],
        "num_frames": frames,
        "duration_s": summary.duration,
        "initial_buffering_s": summary.initial_buffering,
        "events": _event_lists(events, first, covered),
        "runs": lists(ends, runs),
        "stall_count": summary.count,
        "stall_total_s": summary.total,
        "stall_share": summary.share,
        "tail_s": summary.tail,
        "notes": [list(s.notes) or None for s in sessions],
    }
    schema = load_schema("stall").arrow
    arrays = [
        pa.array(columns[f.name], f.type) if isinstance(columns[f.name], list) else columns[f.name]
        for f in schema
    ]
    return pa.table(arrays, names=schema.names)


def _without_buffering(events: Events, first: Any, covered: Any, frames: Any) -> tuple[Any, ...]:
    """First frames, frames covered and lengths of sequences that begin with playback."""
    owner, initial = events.owner, events.initial
    waited = np.bincount(owner, np.where(initial, covered, 0), len(frames)).astype(np.int64)
    moved = np.where(initial, 0, first - waited[owner])
    return moved, np.where(initial, 0, covered), frames - waited


def _event_lists(events: Events, first: Any, covered: Any) -> Any:
    kinds = pa.array([INITIAL if initial else PLAYBACK for initial in events.initial.tolist()])
    struct = load_schema("stall").arrow.field("events").type.value_type
    columns = {
        "kind": kinds.cast(pa.string()),
        "media_start_s": pa.array(events.media_start),
        "wall_start_s": pa.array(events.wall_start),
        "duration_s": pa.array(events.duration),
        "first_frame": pa.array(first),
        "num_frames": pa.array(covered),
    }
    flat = pa.StructArray.from_arrays([columns[f.name] for f in struct], fields=list(struct))
    return lists(events.offsets, flat)
