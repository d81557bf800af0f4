"""Stalls as events, as a sequence of frames, and as a summary; all sessions at once.

Two clocks: media time counts what was played; the wall clock also counts stalls. A stall at media
time 0 is initial buffering, every other one a playback stall.

    wall clock   |--buffering--|----played----|--stall--|----played----|
    sequence      1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 1 1 1 1 1 0 0 0 0 0 0 0 0

Frame k is shown from k/fps on. It is stalled if that time is within a stall: a stall from w to
w + d covers the frames from ceil(w·fps) up to, not including, ceil((w + d)·fps). So adjacent stalls
share no frame and leave no gap, and a stall shorter than a frame may cover none. Products are
computed as `seconds·num/den` and reduced by a millionth of a frame before rounding up, so that the
time k·den/num of a log maps to frame k.

Sessions are ragged: flat arrays of events, and offsets, one more than sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbuild.quality.arrays import Floats, Ints, Mask

_SLACK = 1e-6  # of a frame: far above rounding of a day in seconds, far below any log's precision
INITIAL, PLAYBACK = "initial buffering", "stall"
_FEW_RUNS = 32
_RUN_ENDS = (b"\1", b"\0")  # the digit that ends a run of zeros, and of ones


@dataclass(frozen=True)
class Rates:
    """Frames per second of each session as fractions, `num / den`; [sessions]."""

    num: Ints
    den: Ints

    def frames(self, seconds: Floats, owner: Ints | None = None) -> Ints:
        """The number of the first frame shown at or after each time; `owner` is its session."""
        num, den = (self.num, self.den) if owner is None else (self.num[owner], self.den[owner])
        count: Ints = np.ceil(seconds * num / den - _SLACK).astype(np.int64)
        return np.maximum(count, 0)

    def seconds(self, frames: Ints, owner: Ints | None = None) -> Floats:
        """The time at which each frame is first shown."""
        num, den = (self.num, self.den) if owner is None else (self.num[owner], self.den[owner])
        times: Floats = frames * den / num
        return times


@dataclass(frozen=True)
class Events:
    """Stalls of many sessions in order; times in seconds, flat, with the session of each."""

    offsets: Ints  # [sessions + 1]
    media_start: Floats  # [events]
    duration: Floats

    @property
    def owner(self) -> Ints:
        """The session of each event."""
        return _owners(self.offsets)

    @property
    def initial(self) -> Mask:
        """Which events are initial buffering: those at media time 0."""
        initial: Mask = self.media_start == 0
        return initial

    @property
    def wall_start(self) -> Floats:
        """When each event begins on the wall clock: later by the stalls before it."""
        before = np.concatenate(([0.0], np.cumsum(self.duration)))
        first = before[self.offsets[:-1]]
        times: Floats = self.media_start + before[:-1] - first[self.owner]
        return times


@dataclass(frozen=True)
class Summary:
    """The summary of each session in format B of VQA² section 3.3; seconds, [sessions]."""

    duration: Floats  # on the wall clock: media, playback stalls and initial buffering
    initial_buffering: Floats
    count: Ints  # playback stalls
    total: Floats  # of playback stalls
    share: Floats  # total / duration, 0 … 1
    tail: Floats  # from the end of the last playback stall (else of buffering) to the end


def summarise(events: Events, media_duration: Floats) -> Summary:
    """The summary of each session from its events and the duration of its media."""
    sessions = len(media_duration)
    owner, playback = events.owner, ~events.initial
    initial = _sum_per_session(owner, np.where(playback, 0.0, events.duration), sessions)
    total = _sum_per_session(owner, np.where(playback, events.duration, 0.0), sessions)
    duration = media_duration + initial + total
    share = np.divide(total, duration, out=np.zeros(sessions), where=duration > 0)
    end = np.zeros(sessions)
    np.maximum.at(end, owner, events.wall_start + events.duration)
    return Summary(
        duration=duration,
        initial_buffering=initial,
        count=np.bincount(owner[playback], minlength=sessions),
        total=total,
        share=np.minimum(share, 1.0),
        tail=np.maximum(duration - end, 0.0),
    )


def covered_frames(events: Events, rates: Rates) -> tuple[Ints, Ints]:
    """First frame and number of frames (may be 0) that each event covers on the wall clock."""
    first = rates.frames(events.wall_start, events.owner)
    end = rates.frames(events.wall_start + events.duration, events.owner)
    return first, end - first


def run_lengths(offsets: Ints, first: Ints, covered: Ints, frames: Ints) -> tuple[Ints, Ints]:
    """Run lengths of each session's 0/1 sequence, flat with offsets, beginning with the zeros.

    `frames` is the length of each sequence. Events that cover no frame add no run; adjacent events
    share one. A sequence that begins stalled begins with a run of no zeros; an empty run at the end
    is left out.
    """
    owner = _owners(offsets)
    is_covering = covered > 0
    owner, start = owner[is_covering], first[is_covering]
    end = start + covered[is_covering]
    touching = np.zeros(len(owner), bool)
    touching[1:] = (owner[1:] == owner[:-1]) & (start[1:] == end[:-1])
    opens, closes = ~touching, np.append(~touching[1:], True)[: len(owner)]
    owner, start, end = owner[opens], start[opens], end[closes]
    stalls = np.bincount(owner, minlength=len(frames))
    # borders of the runs of a session: 0, start, end, start, end, …, frames
    borders = np.concatenate(([0], np.cumsum(2 * stalls + 2)))
    flat = np.zeros(borders[-1], dtype=np.int64)
    earlier = np.cumsum(stalls) - stalls  # stalls of the sessions before
    place = borders[:-1][owner] + 1 + 2 * (np.arange(len(owner)) - earlier[owner])
    flat[place], flat[place + 1] = start, end
    flat[borders[1:] - 1] = frames
    lengths = np.diff(flat)
    keep = np.ones(len(lengths), bool)
    keep[borders[1:-1] - 1] = False  # from one session's end to the next one's beginning
    last = borders[1:] - 2
    keep[last[(lengths[last] == 0) & (stalls > 0)]] = False
    kept = np.concatenate(
        ([0], np.cumsum(np.bincount(_owners(borders)[:-1][keep], minlength=len(frames))))
    )
    return lengths[keep], kept


def vector_run_lengths(digits: NDArray[Any]) -> Ints:
    """Run lengths of one 0/1 vector, zeros first (an empty run where it begins stalled).

    A session has few runs of many frames: searching bytes for the end of each takes half the time
    of comparing all neighbours, which is done for vectors of many runs.
    """
    runs = _few_runs(np.asarray(digits, dtype=np.int8).tobytes())
    return np.array(runs, dtype=np.int64) if runs is not None else _many_runs(digits)


def _few_runs(digits: bytes) -> list[int] | None:
    """The run lengths, or None for more than a few dozen."""
    runs: list[int] = []
    start, end = 0, len(digits)
    while start < end and len(runs) <= _FEW_RUNS:
        stop = digits.find(_RUN_ENDS[len(runs) % 2], start)
        runs.append((stop if stop >= 0 else end) - start)
        start += runs[-1]
    return (runs or [0]) if start == end else None


def _many_runs(digits: NDArray[Any]) -> Ints:
    is_border = np.empty(len(digits) + 1, dtype=bool)  # where a run begins, and the end
    is_border[0] = is_border[-1] = True
    np.not_equal(digits[1:], digits[:-1], out=is_border[1:-1])
    (borders,) = is_border.nonzero()
    runs: Ints = borders[1:] - borders[:-1]
    return np.concatenate(([0], runs)) if digits[0] else runs


def expand_runs(runs: Ints) -> NDArray[np.int8]:
    """The 0/1 sequence that run lengths represent."""
    return np.repeat(np.arange(len(runs)) % 2, runs).astype(np.int8)


def _sum_per_session(owner: Ints, seconds: Floats, sessions: int) -> Floats:
    sums: Floats = np.bincount(owner, seconds, sessions).astype(np.float64)
    return sums


def _owners(borders: Ints) -> Ints:
    return np.repeat(np.arange(len(borders) - 1), np.diff(borders))
