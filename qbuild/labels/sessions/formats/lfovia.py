"""LFOVIA QoE database: one MATLAB file per video, with scores per second.

Stalls are 0/1 per second on the wall clock, or places and lengths in media seconds
(`rebuf_position`, `rebuf_duration`), or a bitrate per second that is 0 while playback is stalled.
The first of these that is present is read. A reference video has none and plays through.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.sessions.folders import file_layout
from qbuild.labels.sessions.matlab import read as matlab
from qbuild.labels.sessions.options import Clock, SessionOptions
from qbuild.labels.sessions.rates import exact_rate
from qbuild.labels.sessions.session import Session, one_session

# stalls, their clock, seconds of media, claims
LoggedStalls = tuple[tuple[tuple[float, float], ...], Clock, float | None, dict[str, float]]

FLAGS = ("rebuf_flags", "rebuf_flag", "stall_flags", "stall_flag", "is_rebuffered")
_PLACES, _LENGTHS, _BITRATE = "rebuf_position", "rebuf_duration", "bitrate"
_SCORES, _MOS, _RATE = "subjective_score_continuous", "subjective_score_overall", "fps"
_NAMES = (*FLAGS, _PLACES, _LENGTHS, _BITRATE, _SCORES, _MOS, _RATE)
_SCALE = {"scale_low": 0.0, "scale_high": 100.0}


def is_log(path: Path) -> bool:
    """A MATLAB file with flags per second, or with the database's scores per second."""
    return any(matlab.has_variables(path, name) for name in (*FLAGS, _SCORES)) or (
        matlab.has_variables(path, _PLACES, _LENGTHS)
    )


def _session(path: Path, _: SessionOptions) -> Session:
    variables = matlab.read_variables(path, _NAMES)
    events, clock, media_s, claims = _stalls(path, variables)
    rate, mos = matlab.number_in(variables, _RATE), matlab.number_in(variables, _MOS)
    return Session(
        path=path.stem,
        source_file=path.name,
        fps=None if rate is None else exact_rate(rate),
        media_s=media_s,
        events=events,
        clock=clock,
        rating={} if mos is None else {"mos": mos, **_SCALE},
        claims=claims,
    )


def _stalls(path: Path, variables: dict[str, Any]) -> LoggedStalls:
    flags = next((name for name in FLAGS if name in variables), None)
    if flags is not None:
        vector = matlab.to_vector(variables[flags], flags)
        return _from_flags(matlab.to_digits(vector, flags, (1,)))
    if {_PLACES, _LENGTHS} <= variables.keys():
        events = _from_lists(variables[_PLACES], variables[_LENGTHS])
        return events, "media", _played(variables, sum(length for _, length in events)), {}
    if _BITRATE in variables:
        bitrate = matlab.to_vector(variables[_BITRATE], _BITRATE)
        if not len(bitrate):
            raise RejectedError("empty-log", f"{_BITRATE} is empty")
        return _from_flags((bitrate == 0).astype("int8"))
    if _SCORES in variables:
        return (), "media", float(len(matlab.to_vector(variables[_SCORES], _SCORES))), {}
    raise matlab.other_form(path, f"one of {', '.join(FLAGS)}, or {_PLACES} and {_LENGTHS}")


def _from_flags(flags: NDArray[np.int8]) -> LoggedStalls:
    played = float((flags == 0).sum())
    return matlab.stalls_of_seconds(flags), "wall", played, {"wall_s": float(len(flags))}


def _from_lists(places: Any, lengths: Any) -> tuple[tuple[float, float], ...]:
    """One stall per place; one length for all, or one each."""
    starts = matlab.to_vector(places, _PLACES).tolist()
    durations = matlab.to_vector(lengths, _LENGTHS).tolist()
    if len(durations) == 1:
        durations *= len(starts)
    if len(starts) != len(durations):
        raise RejectedError(
            "another-form", f"{len(starts)} in {_PLACES} but {len(durations)} in {_LENGTHS}"
        )
    return tuple(zip(starts, durations, strict=True))


def _played(variables: dict[str, Any], stalled: float) -> float | None:
    """Seconds of media: those with a bitrate, else those with a score less the stalls."""
    if _BITRATE in variables:
        return float((matlab.to_vector(variables[_BITRATE], _BITRATE) != 0).sum())
    if _SCORES in variables:
        return len(matlab.to_vector(variables[_SCORES], _SCORES)) - stalled
    return None


LAYOUT = file_layout("lfovia", is_log, one_session(_session), dataset="lfovia")
