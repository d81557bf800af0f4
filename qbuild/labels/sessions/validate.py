"""Sessions whose parts agree: stalls in media time, in order, within the session.

A session whose log contradicts itself is rejected with a typed reason and its name; deviations of
published logs that have one meaning are corrected and noted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from qbuild.core.artifact.output_folder import safe_name
from qbuild.core.rows.rejections import RejectedError, RejectedRow
from qbuild.labels.sessions.session import Session, rejected_log
from qbuild.quality.stalls import vector_run_lengths

Stall = tuple[float, float]  # media start and duration, seconds

MAX_RATE_PART = 1_000_000  # of numerator and denominator: frames are counted in 64 bits
_TOLERANCE_S = 1e-6  # seconds by which a log's own rounding may differ


@dataclass(frozen=True)
class ValidSession:
    """A session that can be written: rate, media, stalls in media time."""

    path: str
    source_file: str
    source_row: int
    fps: Fraction
    media_s: float
    media_frames: int
    stalls: tuple[Stall, ...]
    frames: int | None  # of the sequence, where the log itself counts them
    rating: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def content(self) -> tuple[Any, ...]:
        """All values except the log and the record: equal for identical sessions."""
        rating = tuple(sorted((k, repr(v)) for k, v in self.rating.items()))
        return (self.path, self.fps, self.media_s, self.media_frames, self.stalls, rating)


def validate_session(session: Session) -> ValidSession | RejectedRow:
    """The session ready to be written, or rejected."""
    if not safe_name(session.path):
        error = RejectedError(
            "unsafe-path", f"{session.path!r} is not a relative path below a root"
        )
        record = {"path": session.path}
        return rejected_log(error, session.source_file, session.source_row, record)
    try:
        return _validate(session)
    except RejectedError as fault:
        named = RejectedError(fault.reason, f"{session.path}: {fault.message}")
        return reject_session(named, session, session.events or ())


def reject_session(
    error: RejectedError, session: Session | ValidSession, stalls: Iterable[Stall]
) -> RejectedRow:
    """The rejected row of a session, with its stalls as record."""
    events = [[x if math.isfinite(x) else str(x) for x in stall] for stall in stalls]
    record = {"path": session.path, "events": events}
    return rejected_log(error, session.source_file, session.source_row, record)


def _validate(session: Session) -> ValidSession:
    rate = session.fps
    if rate is None:
        raise RejectedError("no-frame-rate", "the log has no frame rate; give it with --fps")
    if rate <= 0 or max(rate.numerator, rate.denominator) > MAX_RATE_PART:
        raise RejectedError(
            "bad-frame-rate", f"a frame rate of {rate}; expected a positive fraction"
        )
    valid = (
        _from_digits(session, rate) if session.digits is not None else _from_events(session, rate)
    )
    _check_claims(valid, session.claims)
    return valid


def _from_digits(session: Session, fps: Fraction) -> ValidSession:
    """Stalls of a sequence of frames; its times are whole frames."""
    digits = np.asarray(session.digits)
    if not len(digits):
        raise RejectedError("empty-log", "no frames")
    wrong = digits[(digits != 0) & (digits != 1)]
    if len(wrong):
        raise RejectedError("bad-digit", f"a digit of {wrong[0]}; expected 0 or 1")
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
    return ValidSession(
        session.path, session.source_file, session.source_row, fps, media_frames * frame,
        media_frames, stalls, len(digits), session.rating, session.notes,
    )  # fmt: skip


def _from_events(session: Session, fps: Fraction) -> ValidSession:
    media_s = session.media_s
    if media_s is None or not math.isfinite(media_s) or media_s <= 0:
        raise RejectedError(
            "no-duration", f"the media duration is {media_s} s; expected its length in seconds"
        )
    notes = list(session.notes)
    logged = session.events or ()
    for number, (start, length) in enumerate(logged, 1):
        _check_event(number, start, length)
    kept = [(start, length) for start, length in logged if length > 0]
    if len(kept) < len(logged):
        notes.append(f"{len(logged) - len(kept)} of {len(logged)} stalls last no time: left out")
    _check_order(kept, wall=session.clock == "wall")
    if session.clock == "wall":
        kept = _to_media_time(kept, session.claims.get("wall_s"), notes)
    late = [start for start, _ in kept if start > media_s + _TOLERANCE_S]
    if late:
        raise RejectedError(
            "after-end", f"a stall at media second {late[0]:g}, after its end {media_s:g}"
        )
    stalls = tuple((min(start, media_s), length) for start, length in kept)
    media_frames = math.ceil(media_s * fps.numerator / fps.denominator - 1e-6)
    frame = fps.denominator / fps.numerator
    if any(length < frame for _, length in stalls):
        notes.append("a stall is shorter than a frame")
    return ValidSession(
        session.path, session.source_file, session.source_row, fps, media_s, media_frames,
        stalls, None, session.rating, tuple(notes),
    )  # fmt: skip


def _check_event(number: int, start: float, length: float) -> None:
    if not (math.isfinite(start) and math.isfinite(length)):
        raise RejectedError("not-finite", f"stall {number} from {start} for {length} s")
    if start < 0 or length < 0:
        raise RejectedError("negative-time", f"stall {number} from {start:g} for {length:g} s")


def _check_order(events: list[Stall], *, wall: bool) -> None:
    """Events must be in order; on the wall clock each must begin after the end of the previous."""
    for (start, length), (after, _) in pairwise(events):
        if after < start:
            raise RejectedError(
                "out-of-order", f"a stall at {after:g} s follows one at {start:g} s"
            )
        if after - (start + length if wall else start) < (-_TOLERANCE_S if wall else _TOLERANCE_S):
            raise RejectedError(
                "overlap", f"a stall at {after:g} s overlaps the one at {start:g} s"
            )


def _to_media_time(events: list[Stall], wall_s: float | None, notes: list[str]) -> list[Stall]:
    """Events of the wall clock in media time: earlier by the stalls before them."""
    stalls: list[Stall] = []
    before = 0.0
    for start, logged in events:
        length = logged
        if wall_s is not None and start >= wall_s:
            raise RejectedError(
                "after-end", f"a stall at second {start:g}, after the end {wall_s:g}"
            )
        if wall_s is not None and start + length > wall_s + _TOLERANCE_S:
            length = wall_s - start
            notes.append(f"a stall of {logged:g} s runs past the end: cut to {length:g} s")
        # adjacent stalls are one moment of media, also where rounding gives a start below 0
        moment = max(start - before, 0.0)
        if stalls and moment - stalls[-1][0] < _TOLERANCE_S:
            stalls[-1] = (stalls[-1][0], stalls[-1][1] + length)
        else:
            stalls.append((0.0 if moment < _TOLERANCE_S else moment, length))
        before += length
    return stalls


def _check_claims(session: ValidSession, claims: dict[str, float]) -> None:
    """The totals that a log states must equal those of its stalls, to the frame."""
    frame = session.fps.denominator / session.fps.numerator
    totals = {
        "stalls": float(len(session.stalls)),
        "stalled_s": sum(length for _, length in session.stalls),
        "media_frames": float(session.media_frames),
        "media_s": session.media_s,
    }
    for name, value in totals.items():
        claim = claims.get(name)
        tolerance = frame if name.endswith("_s") else 0.5
        if name == "media_frames" and session.frames is None:
            tolerance = 1.5  # seconds in a log are rounded, frames are not
        if claim is not None and abs(claim - value) > tolerance:
            raise RejectedError(
                "frames-disagree", f"the log states {name} {claim:g}, its frames give {value:g}"
            )
