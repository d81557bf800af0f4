"""LIVE-NFLX-I: one MATLAB file per video with its rate and frames, and one file with all stalls.

`LIVE_NFLX_Network_Impairments.mat`, next to the videos' files or in the folder above, is a cell
array with a row per video: name, frames of low bitrate, stalled frames. Frames count from 1 on the
wall clock. A video's own file may hold the stalled frames instead, as a list of them or as lists
of first and last ones.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.sessions.folders import file_layout
from qbuild.labels.sessions.matlab import read as matlab
from qbuild.labels.sessions.options import SessionOptions
from qbuild.labels.sessions.rates import exact_rate
from qbuild.labels.sessions.session import Session, one_session
from qbuild.quality.arrays import Floats

_ALL = "LIVE_NFLX_Network_Impairments"
STALLS_FILE = f"{_ALL}.mat"

_RATE, _FRAMES, _MOS, _COUNT, _SECONDS = "vid_fps", "Nframes", "final_subj_score", "ns", "ds"
_LISTS = ("stall_frames", "rebuf_frames", "rebuffered_frames")
_FIRSTS, _LASTS = ("stall_start", "rebuf_start"), ("stall_end", "rebuf_end")
_NAMES = (_MOS, _COUNT, _SECONDS, *_LISTS, *_FIRSTS, *_LASTS)
_NUMBERED = re.compile(r"cont(?:ent)?_0*(\d+)_seq_0*(\d+)", re.ASCII)
_MAX_FRAMES = 100_000_000  # ten days at 120 per second


def is_log(path: Path) -> bool:
    """A MATLAB file with the rate and the number of frames of a video."""
    return matlab.has_variables(path, _RATE, _FRAMES)


def _session(path: Path, _: SessionOptions) -> Session:
    variables = matlab.read_required(path, (_RATE, _FRAMES), _NAMES)
    rate, count, mos = (matlab.number_in(variables, name) for name in (_RATE, _FRAMES, _MOS))
    frames = _frame_count(count)
    return Session(
        path=path.stem,
        source_file=path.name,
        fps=exact_rate("none" if rate is None else rate),
        clock="wall",
        digits=_digits(_stalled_frames(path, variables), frames),
        rating={} if mos is None else {"mos": mos},
        claims=_claims(variables),
    )


def _claims(variables: dict[str, Any]) -> dict[str, float]:
    claims = {}
    stalls = matlab.number_in(variables, _COUNT)
    if stalls is not None:
        claims["stalls"] = stalls
    seconds = matlab.to_vector(variables.get(_SECONDS, ()), _SECONDS).tolist()
    if seconds and all(map(isfinite, seconds)):  # one for all stalls, or one each
        claims["stalled_s"] = sum(seconds)
    return claims


def _frame_count(count: float | None) -> int:
    if count is None or count != int(count) or not 0 <= count <= _MAX_FRAMES:
        raise RejectedError(
            "not-a-number", f"{_FRAMES} is {count}; expected a whole number of frames"
        )
    if not count:
        raise RejectedError("empty-log", f"{_FRAMES} is 0")
    return int(count)


def _stalled_frames(path: Path, variables: dict[str, Any]) -> Floats:
    """The stalled frames, from 1, of the video's own file, else of the file for all videos."""
    for name in _LISTS:
        if name in variables:
            return matlab.to_vector(variables[name], name)
    first = next((n for n in _FIRSTS if n in variables), None)
    last = next((n for n in _LASTS if n in variables), None)
    if first and last:
        firsts, lasts = (matlab.to_vector(variables[name], name) for name in (first, last))
        return _fill_ranges(firsts, lasts)
    all_stalls = next((f for up in path.parents[:2] if (f := up / STALLS_FILE).is_file()), None)
    if all_stalls is None:
        raise matlab.other_form(path, f"stalled frames, or {STALLS_FILE} next to it or above")
    frames = _read_all(all_stalls, all_stalls.stat().st_mtime_ns).get(_key(path.stem))
    if frames is None:
        raise RejectedError("another-form", f"{STALLS_FILE} has no row for {path.stem}")
    return matlab.to_vector(frames, "the stalled frames")


def _fill_ranges(firsts: Floats, lasts: Floats) -> Floats:
    if len(firsts) != len(lasts):
        raise RejectedError(
            "another-form",
            f"{len(firsts)} first and {len(lasts)} last frames; expected equal numbers",
        )
    for first, last in zip(firsts, lasts, strict=True):
        if not 1 <= first <= last <= _MAX_FRAMES:
            raise RejectedError(
                "bad-frame", f"a stall from frame {first:g} to {last:g}; expected both from 1"
            )
    parts = [np.arange(a, b + 1) for a, b in zip(firsts, lasts, strict=True)]
    return np.concatenate(parts) if parts else np.empty(0)


def _digits(stalled: Floats, frames: int) -> NDArray[np.int8]:
    whole = np.rint(stalled)
    wrong = stalled[~((whole == stalled) & (stalled >= 1) & (stalled <= frames))]
    if len(wrong):
        raise RejectedError(
            "bad-frame", f"stalled frame {wrong[0]:g}; expected whole numbers from 1 to {frames:,}"
        )
    digits = np.zeros(frames, np.int8)
    digits[whole.astype(np.int64) - 1] = 1
    return digits


@lru_cache(maxsize=4)
def _read_all(path: Path, _changed: int) -> dict[str, Any]:
    """The stalled frames of every video in the file for all of them."""
    table = np.asarray(matlab.read_variables(path, (_ALL,)).get(_ALL))
    if table.ndim == 1 and table.shape == (3,):
        table = table.reshape(1, 3)
    if table.dtype.kind != "O" or table.ndim != 2 or table.shape[1] != 3:
        raise RejectedError("another-form", f"{STALLS_FILE} is not a cell array of three columns")
    return {
        _key(matlab.to_text(name)): np.empty(0) if np.size(frames) == 0 else frames
        for name, _, frames in table
    }


def _key(name: str) -> str:
    numbered = _NUMBERED.search(name)
    return f"{numbered[1]}/{numbered[2]}" if numbered else name.rpartition(".")[0] or name


LAYOUT = file_layout("live-nflx-1", is_log, one_session(_session), (STALLS_FILE,), "live-nflx-1")
