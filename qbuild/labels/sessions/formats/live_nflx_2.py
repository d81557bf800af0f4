"""LIVE-NFLX-II: a MATLAB file a session with 0/1 for every frame shown, stalled frames among them.

The log counts its stalls, their seconds and its frames as well; these are claims to be checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.labels.sessions.folders import one_a_file
from qbuild.labels.sessions.matlab import read as matfile
from qbuild.labels.sessions.rates import exact_rate
from qbuild.labels.sessions.rejection import one
from qbuild.labels.sessions.session import Refused, Session, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    return matfile.holds(path, _DIGITS, _RATE)


def read_log(path: Path, _: SessionOptions) -> Iterator[Session | Refused]:
    """The one session of a file."""
    return one(lambda: _session(path), path.name)


def _session(path: Path) -> Session:
    found = matfile.fields(path, (_DIGITS, _RATE), (_NAME, _MOS, *_CLAIMS))
    digits = matfile.digits(matfile.vector(found[_DIGITS], _DIGITS), _DIGITS, (1,))
    rate = matfile.number_of(found, _RATE)
    mos = matfile.number_of(found, _MOS)
    claims = {claim: matfile.number_of(found, name) for name, claim in _CLAIMS.items()}
    return Session(
        path=matfile.text(found.get(_NAME, "")) or path.stem,
        source_file=path.name,
        source_row=1,
        fps=exact_rate("none" if rate is None else rate),
        clock="wall",
        digits=digits,
        rating={} if mos is None else {"mos": mos},
        claims={name: value for name, value in claims.items() if value is not None},
    )


LAYOUT = one_a_file(
    "live-nflx-2",
    "LIVE-NFLX-II: a .mat a session, 0/1 a frame",
    is_log,
    read_log,
    dataset="live-nflx-2",
)
