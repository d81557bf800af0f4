"""Sessions checked across their parts: stalls in media time, in order, within the session.

What a log may not do is refused with a typed reason that names the session; what published logs do
and what has one meaning is mended and noted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from qbuild.labels.sessions.session import Refused
from qbuild.quality.stalls import vector_run_lengths

if TYPE_CHECKING:
    from qbuild.labels.sessions.session import Session

Stall = tuple[float, float]  # media start and duration, seconds

LARGEST_RATE = 1_000_000  # of numerator and denominator: frames are counted in 64 bits
_NEAR_S = 1e-6  # seconds that a log's own rounding may differ by


@dataclass(frozen=True)
class Settled:
    """A session that can be written: rate, media, stalls in media time."""

    path: str
    source_file: str
    source_row: int
    fps: Fraction
    media_s: float
    media_frames: int
    stalls: tuple[Stall, ...]
    frames: int | None  # of the sequence, where the log counted them itself
    rating: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def said(self) -> tuple[Any, ...]:
        """All that it says, without where it was read: equal for identical sessions."""
        rating = tuple(sorted((k, repr(v)) for k, v in self.rating.items()))
        return (self.path, self.fps, self.media_s, self.media_frames, self.stalls, rating)


class _Fault(Exception):  # noqa: N818 - becomes a refused session
    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(reason, message)


def settle(session: Session, fps: Fraction | None) -> Settled | Refused:
    """The session ready to be written, or why it cannot be; `fps` is for logs without a rate."""
    try:
        rate = _rate(session.fps if session.fps is not None else fps)
        if session.digits is not None:
            found = _from_digits(session, rate)
        else:
            found = _from_events(session, rate)
        _hold_to_claims(found, session.claims)
    except _Fault as fault:
        record = {"path": session.path, "events": list(session.events or ())}
        message = f"{session.path}: {fault.message}"
        return Refused(session.source_file, session.source_row, fault.reason, message, record)
    return found


def _rate(fps: Fraction | None) -> Fraction:
    if fps is None:
        raise _Fault("no-frame-rate", "the log has no frame rate; name it with --fps")
    if fps <= 0 or max(fps.numerator, fps.denominator) > LARGEST_RATE:
        raise _Fault("bad-frame-rate", f"a frame rate of {fps}; expected a positive fraction")
    return fps


def _from_digits(session: Session, fps: Fraction) -> Settled:
    """Stalls of a sequence of frames; its times are whole frames."""
    digits = np.asarray(session.digits)
    if not len(digits):
        raise _Fault("empty-log", "no frames")
    wrong = digits[(digits != 0) & (digits != 1)]
    if len(wrong):
        raise _Fault("bad-digit", f"a digit of {wrong[0]}; expected 0 or 1")
    runs = vector_run_lengths(digits)
    played = np.concatenate(([0], np.cumsum(runs[0::2])))
    starts = (played[1 : 1 + len(runs[1::2])]).tolist()
    lengths = runs[1::2].tolist()
    frame = fps.denominator / fps.numerator
    stalls = tuple(
        (start * fps.denominator / fps.numerator, length * fps.denominator / fps.numerator)
        for start, length in zip(starts, lengths, strict=True)
    )
    media_frames = int(played[-1])
    return Settled(
        session.path, session.source_file, session.source_row, fps, media_frames * frame,
        media_frames, stalls, len(digits), session.rating, session.notes,
    )  # fmt: skip


def _from_events(session: Session, fps: Fraction) -> Settled:
    media_s = session.media_s
    if media_s is None or not math.isfinite(media_s) or media_s <= 0:
        raise _Fault("no-duration", f"the media lasts {media_s} s; expected its length in seconds")
    notes = list(session.notes)
    given = [
        _event(at, start, length) for at, (start, length) in enumerate(session.events or (), 1)
    ]
    kept = [(start, length) for start, length in given if length > 0]
    if len(kept) < len(given):
        notes.append(f"{len(given) - len(kept)} of {len(given)} stalls last no time: left out")
    _refuse_disorder(kept, wall=session.clock == "wall")
    if session.clock == "wall":
        kept = _on_media_clock(kept, session.claims.get("wall_s"), notes)
    late = [start for start, _ in kept if start > media_s + _NEAR_S]
    if late:
        raise _Fault("after-end", f"a stall at media second {late[0]:g}, after its end {media_s:g}")
    stalls = tuple((min(start, media_s), length) for start, length in kept)
    media_frames = math.ceil(media_s * fps.numerator / fps.denominator - 1e-6)
    frame = fps.denominator / fps.numerator
    if any(length < frame for _, length in stalls):
        notes.append("a stall is shorter than a frame")
    return Settled(
        session.path, session.source_file, session.source_row, fps, media_s, media_frames,
        stalls, None, session.rating, tuple(notes),
    )  # fmt: skip


def _event(at: int, start: float, length: float) -> Stall:
    if not (math.isfinite(start) and math.isfinite(length)):
        raise _Fault("not-finite", f"stall {at} from {start} for {length} s")
    if start < 0 or length < 0:
        raise _Fault("negative-time", f"stall {at} from {start:g} for {length:g} s")
    return start, length


def _refuse_disorder(events: list[Stall], *, wall: bool) -> None:
    """Events must follow each other; on the wall clock each begins when the one before is over."""
    for (start, length), (after, _) in pairwise(events):
        if after < start:
            raise _Fault("out-of-order", f"a stall at {after:g} s stands after one at {start:g} s")
        if after - (start + length if wall else start) < (-_NEAR_S if wall else _NEAR_S):
            raise _Fault("overlap", f"a stall at {after:g} s overlaps the one at {start:g} s")


def _on_media_clock(events: list[Stall], wall_s: float | None, notes: list[str]) -> list[Stall]:
    """Events logged on the wall clock, in media time: earlier by the stalls before them."""
    found: list[Stall] = []
    before = 0.0
    for start, logged in events:
        length = logged
        if wall_s is not None and start >= wall_s:
            raise _Fault("after-end", f"a stall at second {start:g}, after the end {wall_s:g}")
        if wall_s is not None and start + length > wall_s + _NEAR_S:
            length = wall_s - start
            notes.append(f"a stall of {logged:g} s runs past the end: cut to {length:g} s")
        # touching stalls are one moment of media; a rounding below 0 is that moment too
        moment = max(start - before, 0.0)
        if found and moment - found[-1][0] < _NEAR_S:
            found[-1] = (found[-1][0], found[-1][1] + length)
        else:
            found.append((0.0 if moment < _NEAR_S else moment, length))
        before += length
    return found


def _hold_to_claims(found: Settled, claims: dict[str, float]) -> None:
    """What a log counts itself must come out of its stalls, to the frame."""
    frame = found.fps.denominator / found.fps.numerator
    have = {
        "stalls": float(len(found.stalls)),
        "stalled_s": sum(length for _, length in found.stalls),
        "media_frames": float(found.media_frames),
        "media_s": found.media_s,
    }
    for name, value in have.items():
        said = claims.get(name)
        near = frame if name.endswith("_s") else 0.5
        if name == "media_frames" and found.frames is None:
            near = 1.5  # seconds in a log are rounded, frames are not
        if said is not None and abs(said - value) > near:
            raise _Fault("frames-disagree", f"the log says {name} {said:g}, its frames {value:g}")
