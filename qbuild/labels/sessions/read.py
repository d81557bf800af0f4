"""Session logs as rows of the schema `stall`, many sessions at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from qbuild.core.artifact.output_folder import safe_name
from qbuild.core.canonical import canonical_json, media_id
from qbuild.core.schema import load_schema
from qbuild.core.schema.arrow_lists import lists
from qbuild.labels.sessions.session import Clock, Refused, Session, SessionOptions
from qbuild.labels.sessions.validate import Settled, settle
from qbuild.quality.stalls import (
    INITIAL,
    PLAYBACK,
    Events,
    Rates,
    covered_frames,
    run_lengths,
    summarise,
)

_AT_ONCE = 4_096
_RATING = ("mos", "mos_std", "num_ratings", "votes", "scale_low", "scale_high", "split")


@dataclass(frozen=True)
class Asked:
    """What the stage `stalling` is asked for; the same fields as its options."""

    layout: str = "auto"
    dataset: str = ""
    fps: str = ""
    clock: Clock = "media"
    initial: Literal["ones", "none"] = "ones"
    licence: str = ""
    source: str = ""


@dataclass(frozen=True)
class Found:
    """What came of all logs; `datasets` names the dataset of each session."""

    sessions: list[Settled]
    datasets: list[str]
    refused: list[Refused]
    collapsed: int


def read_settled(paths: list[Path], options: Asked, limit: int | None) -> Found:
    """The sessions of all logs, settled; identical ones collapse, others of one name are refused.

    With a limit, the first usable sessions and the refused ones before the last of them.
    """
    from qbuild.labels.sessions import read_sessions

    fps = Fraction(options.fps) if options.fps else None
    sessions: list[Settled] = []
    datasets: list[str] = []
    refused: list[Refused] = []
    given = SessionOptions(fps, options.clock)
    for path in paths:
        for dataset, session in read_sessions([path], options.layout, given):
            found = _settled(session, fps)
            if isinstance(found, Refused):
                refused.append(found)
                continue
            sessions.append(found)
            datasets.append(options.dataset or dataset or path.name.partition(".")[0])
            if len(sessions) == limit:
                return _once(sessions, datasets, refused)
    return _once(sessions, datasets, refused)


def _settled(session: Session | Refused, fps: Fraction | None) -> Settled | Refused:
    if isinstance(session, Refused):
        return session
    if not safe_name(session.path):
        message = f"{session.path!r} is no relative path below a root"
        record = {"path": session.path}
        return Refused(session.source_file, session.source_row, "unsafe-path", message, record)
    return settle(session, fps)


def _once(sessions: list[Settled], datasets: list[str], refused: list[Refused]) -> Found:
    by_name: dict[tuple[str, str], list[int]] = {}
    for at, (session, dataset) in enumerate(zip(sessions, datasets, strict=True)):
        by_name.setdefault((dataset, session.path), []).append(at)
    keep, collapsed = set(range(len(sessions))), 0
    for places in by_name.values():
        if len(places) == 1:
            continue
        if len({sessions[at].said for at in places}) == 1:
            keep.difference_update(places[1:])
            collapsed += len(places) - 1
            continue
        keep.difference_update(places)
        refused += [_conflict(sessions[at], len(places)) for at in places]
    kept = sorted(keep)
    return Found([sessions[at] for at in kept], [datasets[at] for at in kept], refused, collapsed)


def _conflict(session: Settled, count: int) -> Refused:
    message = f"{session.path}: {count} sessions of this name disagree; all are rejected"
    record = {"path": session.path, "events": list(session.stalls)}
    return Refused(session.source_file, session.source_row, "conflict", message, record)


def refused_rows(refused: list[Refused]) -> pa.Table | None:
    """The refused sessions in the form of the schema `rejected`; None where there are none."""
    if not refused:
        return None
    rows = [
        {
            "source": found.source_file,
            "row": found.source_row,
            "reason": found.reason,
            "message": found.message,
            "record": canonical_json(_plain(found.record)),
        }
        for found in refused
    ]
    return load_schema("rejected").cast(pa.Table.from_pylist(rows), "refused sessions")


def stall_rows(found: Found, options: Asked) -> Iterator[pa.Table]:
    """The sessions as rows, a few thousand at a time."""
    for start in range(0, len(found.sessions), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        yield _table(found.sessions[part], found.datasets[part], options)


def _table(sessions: list[Settled], datasets: list[str], options: Asked) -> pa.Table:
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
        first, covered, frames = without_buffering(events, first, covered, frames)
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
    form = load_schema("stall").arrow
    arrays = [
        pa.array(columns[f.name], f.type) if isinstance(columns[f.name], list) else columns[f.name]
        for f in form
    ]
    return pa.table(arrays, names=form.names)


def without_buffering(events: Events, first: Any, covered: Any, frames: Any) -> tuple[Any, ...]:
    """First frames, frames covered and lengths of sequences that begin with playback."""
    owner, initial = events.owner, events.initial
    waited = np.bincount(owner, np.where(initial, covered, 0), len(frames)).astype(np.int64)
    moved = np.where(initial, 0, first - waited[owner])
    return moved, np.where(initial, 0, covered), frames - waited


def _event_lists(events: Events, first: Any, covered: Any) -> Any:
    kinds = pa.array([INITIAL if initial else PLAYBACK for initial in events.initial.tolist()])
    form = load_schema("stall").arrow.field("events").type.value_type
    made = {
        "kind": kinds.cast(pa.string()),
        "media_start_s": pa.array(events.media_start),
        "wall_start_s": pa.array(events.wall_start),
        "duration_s": pa.array(events.duration),
        "first_frame": pa.array(first),
        "num_frames": pa.array(covered),
    }
    flat = pa.StructArray.from_arrays([made[f.name] for f in form], fields=list(form))
    return lists(events.offsets, flat)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """The record with non-finite numbers spelled, which JSON cannot hold."""
    return {
        key: [[_number(x) for x in pair] for pair in value] if key == "events" else value
        for key, value in record.items()
    }


def _number(value: float) -> float | str:
    return value if np.isfinite(value) else str(value)
