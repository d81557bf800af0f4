"""LIVE-NFLX-II: one MATLAB file per session with 0/1 for every frame shown, stalled ones included.

The log also states its stalls, their seconds and its frames; these claims are checked.
"""

from __future__ import annotations

from pathlib import Path

from qbuild.labels.sessions.folders import file_layout
from qbuild.labels.sessions.matlab import read as matlab
from qbuild.labels.sessions.options import SessionOptions
from qbuild.labels.sessions.rates import exact_rate
from qbuild.labels.sessions.session import Session, one_session

_DIGITS, _RATE = "is_rebuffered_bool", "frame_rate"
_NAME, _MOS = "distorted_mp4_video", "retrospective_zscored_mos"
_CLAIMS = {
    "rebuffer_number": "stalls",
    "rebuffer_duration_sec": "stalled_s",
    "playback_duration_sec": "media_s",
    "video_duration_sec": "wall_s",
    "N_playback_frames": "media_frames",
    "N_rebuffer_frames": "stalled_frames",
    "N_total_frames": "frames",
}


def is_log(path: Path) -> bool:
    """A MATLAB file with the digits and the rate."""
    return matlab.has_variables(path, _DIGITS, _RATE)


def _session(path: Path, _: SessionOptions) -> Session:
    variables = matlab.read_required(path, (_DIGITS, _RATE), (_NAME, _MOS, *_CLAIMS))
    digits = matlab.to_digits(matlab.to_vector(variables[_DIGITS], _DIGITS), _DIGITS, (1,))
    rate = matlab.number_in(variables, _RATE)
    mos = matlab.number_in(variables, _MOS)
    claims = {claim: matlab.number_in(variables, name) for name, claim in _CLAIMS.items()}
    return Session(
        path=matlab.to_text(variables.get(_NAME, "")) or path.stem,
        source_file=path.name,
        fps=exact_rate("none" if rate is None else rate),
        clock="wall",
        digits=digits,
        rating={} if mos is None else {"mos": mos},
        claims={name: value for name, value in claims.items() if value is not None},
    )


LAYOUT = file_layout("live-nflx-2", is_log, one_session(_session), dataset="live-nflx-2")
