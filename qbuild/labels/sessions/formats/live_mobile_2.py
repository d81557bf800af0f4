"""LIVE Mobile Stall Video Database-II: a MATLAB file with the stalls of one video or of all.

Stalls are a waveform on the wall clock, 0 or 100 (or 0 or 1) per frame or per second, or lists of
places and lengths in media seconds. A list ends at a place of 1000 or more, or of -1; such end
marks may fill its rest, but no stall may follow them. Of several forms, the waveform of frames is
read first, then the lists, then the waveform of seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbuild.core.rows.rejections import RejectedError, RejectedRow
from qbuild.labels.sessions.folders import file_layout
from qbuild.labels.sessions.matlab import read as matlab
from qbuild.labels.sessions.options import SessionOptions
from qbuild.labels.sessions.rates import exact_rate
from qbuild.labels.sessions.session import Session, rejected_log
from qbuild.labels.tables.cells import is_null

SCORES_FILE = "subjectiveData.mat"

# names of fields, lower case; the first of those present is read
FIELDS: dict[str, tuple[str, ...]] = {
    "frames": ("stallwaveforms", "stallwaveform", "stall_waveforms", "stall_waveform"),
    "seconds": ("stallwaveforms_s", "stallwaveform_s", "stall_waveforms_s", "stall_waveform_s"),
    "places": ("stalllocations", "stalllocation", "stall_locations", "stall_location"),
    "lengths": ("stalllengths", "stalllength", "stall_lengths", "stall_length"),
    "names": ("vidnames", "vidname", "video_names", "video_name"),
    "rates": ("vid_fps", "fps", "framerate", "framerates", "frame_rate", "frame_rates"),
    "media": ("media_s", "playback_duration_sec"),
    "mos": ("mos_overall", "mos"),
}
_STALL_FIELDS = ("frames", "seconds", "places", "lengths")
_END, _NONE = 1000.0, -1.0  # places that end a list; the videos are shorter than three minutes
_HIGHS = (100, 1)


@dataclass(frozen=True)
class _Video:
    """The raw values that the file holds for one video."""

    name: str
    stalls: dict[str, Any]  # frames, seconds, places, lengths
    rate: float | None
    media_s: float | None
    mos: float | None


def is_log(path: Path) -> bool:
    """A MATLAB file with a waveform, with both lists, or with the struct of the videos' data."""
    if not matlab.is_mat(path):
        return False
    try:
        names = {name.lower() for name in matlab.variable_names(path)}
    except RejectedError:
        return False
    fields = {field for field, synonyms in FIELDS.items() if names & set(synonyms)}
    return _has_stalls(fields) or any("stall" in n and "metadata" in n for n in names)


def read_log(path: Path, _: SessionOptions) -> Iterator[Session | RejectedRow]:
    """One session per video, in the order of the file."""
    try:
        videos = _read_videos(path)
    except RejectedError as error:
        yield rejected_log(error, path.name)
        return
    for row, video in enumerate(videos, start=1):
        try:
            yield _session(video, path.name, row)
        except RejectedError as error:
            yield rejected_log(error, path.name, row)


def _has_stalls(fields: set[str]) -> bool:
    return bool(fields & {"frames", "seconds"}) or {"places", "lengths"} <= fields


def _read_videos(path: Path) -> list[_Video]:
    variables = _read_fields(path)
    fields = {
        field: variables[name]
        for field, synonyms in FIELDS.items()
        if (name := next((s for s in synonyms if s in variables), None))
    }
    if not _has_stalls(set(fields)):
        known = variables.keys() | set(matlab.variable_names(path))
        raise matlab.other_form(path, "a waveform or lists of stalls", known)
    columns = {field: _per_video(fields[field]) for field in _STALL_FIELDS if field in fields}
    count = len(next(iter(columns.values())))
    names = [matlab.to_text(name) for name in matlab.to_items(fields.get("names", ""))]
    for field, column in (columns | ({"names": names} if "names" in fields else {})).items():
        if len(column) != count:
            raise RejectedError(
                "another-form", f"it holds {count} videos, but {len(column)} of their {field}"
            )
    default = [path.stem] if count == 1 else [f"{path.stem}/{n}" for n in range(1, count + 1)]
    if "names" not in fields:
        names = default
    rates, media, mos = (_numbers(fields, field, count) for field in ("rates", "media", "mos"))
    return [
        _Video(
            names[at] or default[at],
            {field: column[at] for field, column in columns.items()},
            rates[at], media[at], mos[at],
        )
        for at in range(count)
    ]  # fmt: skip


def _read_fields(path: Path) -> dict[str, Any]:
    """The fields of the file by lower-case name, those of a struct among them, and the MOS."""
    fields = _flatten(path)
    scores = path.parent / SCORES_FILE
    if not set(FIELDS["mos"]) & fields.keys() and scores.is_file():
        side_fields = _flatten(scores)
        fields.update({name: side_fields[name] for name in FIELDS["mos"] if name in side_fields})
    return fields


def _flatten(path: Path) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    known = {synonym for synonyms in FIELDS.values() for synonym in synonyms}
    names = [n for n in matlab.variable_names(path) if n.lower() in known or "stall" in n.lower()]
    for name, value in matlab.read_variables(path, names).items():
        fields.update(matlab.struct_fields(value) or {name: value})
    return {name.lower(): value for name, value in fields.items()}


def _per_video(value: Any) -> list[Any]:
    """A field's value for each video: elements of a cell array, rows of a matrix, one vector."""
    if getattr(value, "ndim", 0) == 2 and value.dtype.kind in "biuf":
        return list(value)
    return matlab.to_items(value)


def _numbers(fields: dict[str, Any], field: str, count: int) -> list[float | None]:
    """One number per video; a single one applies to all."""
    if field not in fields:
        return [None] * count
    values = matlab.to_vector(fields[field], field).tolist()
    if len(values) not in (1, count):
        raise RejectedError(
            "another-form", f"it holds {count} videos, but {len(values)} of their {field}"
        )
    numbers = [None if is_null(value) else value for value in values]
    return numbers * count if len(numbers) == 1 else numbers


def _session(video: _Video, source_file: str, row: int) -> Session:
    session = Session(
        path=video.name,
        source_file=source_file,
        source_row=row,
        fps=None if video.rate is None else exact_rate(video.rate),
        rating={} if video.mos is None else {"mos": video.mos},
    )
    raw = video.stalls
    if "frames" in raw:
        return replace(session, digits=_digits(raw["frames"]), clock="wall")
    flags = _digits(raw["seconds"]) if "seconds" in raw else None
    media_s = video.media_s
    if flags is not None and media_s is None:
        media_s = float((flags == 0).sum())
    if {"places", "lengths"} <= raw.keys() or flags is None:
        return replace(session, events=_from_lists(raw["places"], raw["lengths"]), media_s=media_s)
    claims = {"wall_s": float(len(flags))}
    stalls = matlab.stalls_of_seconds(flags)
    return replace(session, events=stalls, media_s=media_s, clock="wall", claims=claims)


def _digits(value: Any) -> NDArray[np.int8]:
    return matlab.to_digits(matlab.to_vector(value, "the waveform"), "the waveform", _HIGHS)


def _from_lists(places: Any, lengths: Any) -> tuple[tuple[float, float], ...]:
    """The stalls of both lists before their end mark."""
    starts = matlab.to_vector(places, "the list of places").tolist()
    durations = matlab.to_vector(lengths, "the list of lengths").tolist()
    if not durations and all(_is_end(start) for start in starts):
        return ()
    if len(starts) != len(durations):
        raise RejectedError(
            "another-form",
            f"{len(starts)} places and {len(durations)} lengths of stalls; expected equal numbers",
        )
    stalls: list[tuple[float, float]] = []
    end: float | None = None
    for start, duration in zip(starts, durations, strict=True):
        if is_null(start) or (is_null(duration) and not _is_end(start)):
            raise RejectedError("not-a-number", "a place or a length is NaN; expected seconds")
        if _is_end(start):
            end = start
        elif end is not None:
            raise RejectedError("sentinel", f"a stall at {start:g} s follows the end mark {end:g}")
        else:
            stalls.append((start, duration))
    return tuple(stalls)


def _is_end(place: float) -> bool:
    return place >= _END or place == _NONE


LAYOUT = file_layout("live-mobile-2", is_log, read_log, (SCORES_FILE,), "live-mobile-2")
