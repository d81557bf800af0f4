"""LFOVIA QoE database: a MATLAB file a video, with scores a second.

Stalls stand as 0/1 a second on the wall clock, as places and lengths in media seconds
(`rebuf_position`, `rebuf_duration`), or as a bitrate a second that is 0 while playback stands. Of
several the first of these is read. A reference video has none and plays through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.labels.sessions.folders import one_a_file
from qbuild.labels.sessions.matlab import read as matfile
from qbuild.labels.sessions.rates import exact_rate
from qbuild.labels.sessions.rejection import Refusal, one
from qbuild.labels.sessions.second_flags import second_runs
from qbuild.labels.sessions.session import Clock, Refused, Session, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

FLAGS = ("rebuf_flags", "rebuf_flag", "stall_flags", "stall_flag", "is_rebuffered")
_PLACES, _LENGTHS, _BITRATE = "rebuf_position", "rebuf_duration", "bitrate"
_SCORES, _MOS, _RATE = "subjective_score_continuous", "subjective_score_overall", "fps"
_NAMES = (*FLAGS, _PLACES, _LENGTHS, _BITRATE, _SCORES, _MOS, _RATE)
_SCALE = {"scale_low": 0.0, "scale_high": 100.0}

Told = tuple[tuple[tuple[float, float], ...], Clock, float | None, dict[str, float]]


def is_log(path: Path) -> bool:
    """A MATLAB file with flags a second, or with the database's scores a second."""
    return any(matfile.holds(path, name) for name in (*FLAGS, _SCORES)) or matfile.holds(
        path, _PLACES, _LENGTHS
    )


def read_log(path: Path, _: SessionOptions) -> Iterator[Session | Refused]:
    """The one session of a file."""
    return one(lambda: _session(path), path.name)


def _session(path: Path) -> Session:
    found = matfile.variables(path, _NAMES)
    events, clock, media_s, claims = _told(path, found)
    rate, mos = matfile.number_of(found, _RATE), matfile.number_of(found, _MOS)
    return Session(
        path=path.stem,
        source_file=path.name,
        source_row=1,
        fps=None if rate is None else exact_rate(rate),
        media_s=media_s,
        events=events,
        clock=clock,
        rating={} if mos is None else {"mos": mos, **_SCALE},
        claims=claims,
    )


def _told(path: Path, found: dict[str, Any]) -> Told:
    """Stalls, their clock, the seconds of media and the claims, of the first form that is there."""
    flags = next((name for name in FLAGS if name in found), None)
    if flags is not None:
        return _of_flags(matfile.digits(matfile.vector(found[flags], flags), flags, (1,)))
    if {_PLACES, _LENGTHS} <= found.keys():
        events = _listed(found[_PLACES], found[_LENGTHS])
        return events, "media", _played(found, sum(length for _, length in events)), {}
    if _BITRATE in found:
        bitrate = matfile.vector(found[_BITRATE], _BITRATE)
        if not len(bitrate):
            raise Refusal("empty-log", f"{_BITRATE} is empty")
        return _of_flags((bitrate == 0).astype("int8"))
    if _SCORES in found:
        return (), "media", float(len(matfile.vector(found[_SCORES], _SCORES))), {}
    raise matfile.another_form(path, f"one of {', '.join(FLAGS)}, or {_PLACES} and {_LENGTHS}")


def _of_flags(flags: NDArray[np.int8]) -> Told:
    played = float((flags == 0).sum())
    return second_runs(flags), "wall", played, {"wall_s": float(len(flags))}


def _listed(places: Any, lengths: Any) -> tuple[tuple[float, float], ...]:
    """A stall a place; one length for all, or one each."""
    starts = matfile.vector(places, _PLACES).tolist()
    spans = matfile.vector(lengths, _LENGTHS).tolist()
    if len(spans) == 1:
        spans *= len(starts)
    if len(starts) != len(spans):
        raise Refusal("another-form", f"{len(starts)} in {_PLACES} but {len(spans)} in {_LENGTHS}")
    return tuple(zip(starts, spans, strict=True))


def _played(found: dict[str, Any], stalled: float) -> float | None:
    """Seconds of media: those with a bitrate, else those scored less the stalls."""
    if _BITRATE in found:
        return float((matfile.vector(found[_BITRATE], _BITRATE) != 0).sum())
    if _SCORES in found:
        return len(matfile.vector(found[_SCORES], _SCORES)) - stalled
    return None


LAYOUT = one_a_file(
    "lfovia",
    "LFOVIA QoE: a .mat a video, 0/1 a second or places of stalls",
    is_log,
    read_log,
    dataset="lfovia",
)
