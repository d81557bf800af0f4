"""LIVE-NFLX-I: a MATLAB file a video with its rate and frames, and one file with all stalls.

`LIVE_NFLX_Network_Impairments.mat`, beside the videos' files or in the folder above, is a cell
array with a row a video: name, frames of low bitrate, stalled frames. Frames count from 1 and run
on the wall clock. A video's own file may hold the stalled frames instead, as a list of them or as
lists of first and last ones.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any

from qbuild.labels.sessions.folders import one_a_file
from qbuild.labels.sessions.matlab import read as matfile
from qbuild.labels.sessions.rates import exact_rate
from qbuild.labels.sessions.rejection import Refusal, one
from qbuild.labels.sessions.session import Refused, Session, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_ALL = "LIVE_NFLX_Network_Impairments"
BESIDE = (f"{_ALL}.mat",)

_RATE, _FRAMES, _MOS, _COUNT, _SECONDS = "vid_fps", "Nframes", "final_subj_score", "ns", "ds"
_LISTS = ("stall_frames", "rebuf_frames", "rebuffered_frames")
_FIRSTS, _LASTS = ("stall_start", "rebuf_start"), ("stall_end", "rebuf_end")
_NAMES = (_MOS, _COUNT, _SECONDS, *_LISTS, *_FIRSTS, *_LASTS)
_NUMBERED = re.compile(r"cont(?:ent)?_0*(\d+)_seq_0*(\d+)", re.ASCII)
_MOST_FRAMES = 100_000_000  # ten days at 120 a second; more is no count of frames


def is_log(path: Path) -> bool:
    """A MATLAB file with the rate and the number of frames of a video."""
    return matfile.holds(path, _RATE, _FRAMES)


def read_log(path: Path, _: SessionOptions) -> Iterator[Session | Refused]:
    """The one session of a video's file."""
    return one(lambda: _session(path), path.name)


def _session(path: Path) -> Session:
    found = matfile.fields(path, (_RATE, _FRAMES), _NAMES)
    rate, count, mos = (matfile.number_of(found, name) for name in (_RATE, _FRAMES, _MOS))
    frames = _whole(count)
    return Session(
        path=path.stem,
        source_file=path.name,
        source_row=1,
        fps=exact_rate("none" if rate is None else rate),
        clock="wall",
        digits=_digits(_stalled(path, found), frames),
        rating={} if mos is None else {"mos": mos},
        claims=_claims(found),
    )


def _claims(found: dict[str, Any]) -> dict[str, float]:
    claims = {}
    stalls = matfile.number_of(found, _COUNT)
    if stalls is not None:
        claims["stalls"] = stalls
    seconds = matfile.vector(found.get(_SECONDS, ()), _SECONDS).tolist()
    if seconds and all(map(isfinite, seconds)):  # one for all stalls, or one each
        claims["stalled_s"] = sum(seconds)
    return claims


def _whole(count: float | None) -> int:
    if count is None or count != int(count) or not 0 <= count <= _MOST_FRAMES:
        raise Refusal("not-a-number", f"{_FRAMES} is {count}; expected a whole number of frames")
    if not count:
        raise Refusal("empty-log", f"{_FRAMES} is 0")
    return int(count)


def _stalled(path: Path, found: dict[str, Any]) -> NDArray[np.float64]:
    """The stalled frames, from 1, of the video's own file, else of the file for all videos."""
    import numpy as np

    for name in _LISTS:
        if name in found:
            return matfile.vector(found[name], name)
    first = next((n for n in _FIRSTS if n in found), None)
    last = next((n for n in _LASTS if n in found), None)
    if first and last:
        return _spread(matfile.vector(found[first], first), matfile.vector(found[last], last))
    every = next((f for up in path.parents[:2] if (f := up / BESIDE[0]).is_file()), None)
    if every is None:
        raise matfile.another_form(path, f"stalled frames, or {BESIDE[0]} beside it or above")
    rows = _all_rows(every, every.stat().st_mtime_ns)
    frames = rows.get(_key(path.stem))
    if frames is None:
        raise Refusal("another-form", f"{BESIDE[0]} has no row for {path.stem}")
    return np.empty(0) if frames is _NONE else matfile.vector(frames, "the stalled frames")


def _spread(firsts: NDArray[np.float64], lasts: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    if len(firsts) != len(lasts):
        raise Refusal(
            "another-form",
            f"{len(firsts)} first and {len(lasts)} last frames; expected as many of both",
        )
    for first, last in zip(firsts, lasts, strict=True):
        if not 1 <= first <= last <= _MOST_FRAMES:
            raise Refusal("bad-frame", f"a stall from frame {first:g} to {last:g}; both from 1")
    parts = [np.arange(a, b + 1) for a, b in zip(firsts, lasts, strict=True)]
    return np.concatenate(parts) if parts else np.empty(0)


def _digits(stalled: NDArray[np.float64], frames: int) -> NDArray[np.int8]:
    import numpy as np

    whole = np.rint(stalled)
    wrong = stalled[~((whole == stalled) & (stalled >= 1) & (stalled <= frames))]
    if len(wrong):
        raise Refusal(
            "bad-frame", f"stalled frame {wrong[0]:g}; expected whole numbers from 1 to {frames:,}"
        )
    digits = np.zeros(frames, np.int8)
    digits[whole.astype(np.int64) - 1] = 1
    return digits


_NONE = object()


@lru_cache(maxsize=4)
def _all_rows(path: Path, _changed: int) -> dict[str, Any]:
    """The stalled frames of every video in the file for all of them."""
    import numpy as np

    table = np.asarray(matfile.variables(path, (_ALL,)).get(_ALL))
    if table.ndim == 1 and table.shape == (3,):
        table = table.reshape(1, 3)
    if table.dtype.kind != "O" or table.ndim != 2 or table.shape[1] != 3:
        raise Refusal("another-form", f"{BESIDE[0]} is no cell array of three columns")
    return {
        _key(matfile.text(name)): _NONE if np.size(frames) == 0 else frames
        for name, _, frames in table
    }


def _key(name: str) -> str:
    numbered = _NUMBERED.search(name)
    return f"{numbered[1]}/{numbered[2]}" if numbered else name.rpartition(".")[0] or name


LAYOUT = one_a_file(
    "live-nflx-1",
    "LIVE-NFLX-I: a .mat a video, stalled frames counted from 1",
    is_log,
    read_log,
    beside=BESIDE,
    dataset="live-nflx-1",
)
