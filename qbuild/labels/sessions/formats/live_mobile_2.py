"""LIVE Mobile Stall Video Database-II: a MATLAB file with the stalls of one video or of all.

Stalls stand as a waveform on the wall clock, 0 or 100 (or 0 or 1), a value a frame or a value a
second, or as lists of place and length in media seconds. A list ends at a place of 1000 or more,
or of -1; such marks may fill its rest but not stand before a stall. Of several forms the waveform
of frames is read first, then the lists, then the waveform of seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qbuild.labels.sessions.folders import one_a_file
from qbuild.labels.sessions.matlab import read as matfile
from qbuild.labels.sessions.rates import exact_rate
from qbuild.labels.sessions.rejection import Refusal
from qbuild.labels.sessions.second_flags import second_runs
from qbuild.labels.sessions.session import Refused, Session, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

BESIDE = ("subjectiveData.mat",)

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
_END, _NONE = 1000.0, -1.0  # places that end a list; the videos last less than three minutes
_HIGHS = (100, 1)


@dataclass(frozen=True)
class _Video:
    """What the file says of one video, still raw."""

    name: str
    stalls: dict[str, Any]  # frames, seconds, places, lengths
    rate: float | None
    media_s: float | None
    mos: float | None


def is_log(path: Path) -> bool:
    """A MATLAB file with a waveform, with both lists, or with the struct of the videos' data."""
    if not matfile.is_mat(path):
        return False
    try:
        names = {name.lower() for name in matfile.names_in(path)}
    except Refusal:
        return False
    known = {what for what, synonyms in FIELDS.items() if names & set(synonyms)}
    return _tells(known) or any(_is_struct_of_videos(name) for name in names)


def read_log(path: Path, _: SessionOptions) -> Iterator[Session | Refused]:
    """A session for each video, in the order of the file."""
    try:
        videos = _videos(path)
    except Refusal as refusal:
        yield refusal.at(path.name)
        return
    for row, video in enumerate(videos, start=1):
        try:
            yield _session(video, path.name, row)
        except Refusal as refusal:
            yield refusal.at(path.name, row)


def _tells(known: set[str]) -> bool:
    return bool(known & {"frames", "seconds"}) or {"places", "lengths"} <= known


def _is_struct_of_videos(name: str) -> bool:
    return "stall" in name and "metadata" in name


def _videos(path: Path) -> list[_Video]:
    fields = _fields(path)
    found = {
        what: fields[name]
        for what, synonyms in FIELDS.items()
        if (name := next((s for s in synonyms if s in fields), None))
    }
    if not _tells(set(found)):
        seen = fields.keys() | set(matfile.names_in(path))
        raise Refusal(
            "another-form",
            f"it holds {matfile.seen(seen)}; expected a waveform or lists of stalls",
            {"fields": sorted(seen)},
        )
    columns = {
        what: _parts(found[what])
        for what in ("frames", "seconds", "places", "lengths")
        if what in found
    }
    count = len(next(iter(columns.values())))
    names = [matfile.text(name) for name in matfile.items_of(found.get("names", ""))]
    for what, column in (*columns.items(), *((("names", names),) if "names" in found else ())):
        if len(column) != count:
            raise Refusal(
                "another-form", f"it holds {count} videos, but {len(column)} of their {what}"
            )
    plain = [path.stem] if count == 1 else [f"{path.stem}/{n}" for n in range(1, count + 1)]
    if "names" not in found:
        names = plain
    rates, media, mos = (_numbers(found, what, count) for what in ("rates", "media", "mos"))
    return [
        _Video(
            names[at] or plain[at],
            {what: column[at] for what, column in columns.items()},
            rates[at], media[at], mos[at],
        )
        for at in range(count)
    ]  # fmt: skip


def _fields(path: Path) -> dict[str, Any]:
    """The fields of the file by name in lower case, those of a struct among them, and the MOS."""
    fields = _flat(path)
    scores = path.parent / BESIDE[0]
    if not set(FIELDS["mos"]) & fields.keys() and scores.is_file():
        beside = _flat(scores)
        fields.update({name: beside[name] for name in FIELDS["mos"] if name in beside})
    return fields


def _flat(path: Path) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    known = {synonym for synonyms in FIELDS.values() for synonym in synonyms}
    wanted = [n for n in matfile.names_in(path) if n.lower() in known or "stall" in n.lower()]
    for name, value in matfile.variables(path, wanted).items():
        inner = matfile.fields_of(value)
        fields.update({name: value} if inner is None else inner)
    return {name.lower(): value for name, value in fields.items()}


def _parts(value: Any) -> list[Any]:
    """What a field says of each video: elements of a cell array, rows of a matrix, one vector."""
    if getattr(value, "ndim", 0) == 2 and value.dtype.kind in "biuf":
        return list(value)
    return matfile.items_of(value)


def _numbers(found: dict[str, Any], what: str, count: int) -> list[float | None]:
    """One number a video; a single one holds for all."""
    if what not in found:
        return [None] * count
    values = matfile.vector(found[what], what).tolist()
    if len(values) not in (1, count):
        raise Refusal("another-form", f"it holds {count} videos, but {len(values)} of their {what}")
    known = [None if value != value else value for value in values]  # noqa: PLR0124 - NaN
    return known * count if len(known) == 1 else known


def _session(video: _Video, source_file: str, row: int) -> Session:
    bare = Session(
        path=video.name,
        source_file=source_file,
        source_row=row,
        fps=None if video.rate is None else exact_rate(video.rate),
        rating={} if video.mos is None else {"mos": video.mos},
    )
    raw = video.stalls
    if "frames" in raw:
        return replace(bare, digits=_digits(raw["frames"]), clock="wall")
    flags = _digits(raw["seconds"]) if "seconds" in raw else None
    media_s = video.media_s
    if flags is not None and media_s is None:
        media_s = float((flags == 0).sum())
    if {"places", "lengths"} <= raw.keys() or flags is None:
        return replace(bare, events=_listed(raw["places"], raw["lengths"]), media_s=media_s)
    claims = {"wall_s": float(len(flags))}
    return replace(bare, events=second_runs(flags), media_s=media_s, clock="wall", claims=claims)


def _digits(value: Any) -> NDArray[np.int8]:
    return matfile.digits(matfile.vector(value, "the waveform"), "the waveform", _HIGHS)


def _listed(places: Any, lengths: Any) -> tuple[tuple[float, float], ...]:
    """The stalls of both lists up to their end mark."""
    starts = matfile.vector(places, "the list of places").tolist()
    spans = matfile.vector(lengths, "the list of lengths").tolist()
    if not spans and all(_is_end(start) for start in starts):
        return ()
    if len(starts) != len(spans):
        raise Refusal(
            "another-form",
            f"{len(starts)} places and {len(spans)} lengths of stalls; expected as many of both",
        )
    kept: list[tuple[float, float]] = []
    ended: float | None = None
    for start, span in zip(starts, spans, strict=True):
        if start != start or (span != span and not _is_end(start)):  # noqa: PLR0124 - NaN
            raise Refusal("not-a-number", "a place or a length is NaN; expected seconds")
        if _is_end(start):
            ended = start
        elif ended is not None:
            raise Refusal("sentinel", f"a stall at {start:g} s stands after the end mark {ended:g}")
        else:
            kept.append((start, span))
    return tuple(kept)


def _is_end(place: float) -> bool:
    return place >= _END or place == _NONE


LAYOUT = one_a_file(
    "live-mobile-2",
    "LIVE Mobile Stall II: waveforms of 0/100, lists of stalls",
    is_log,
    read_log,
    beside=BESIDE,
    dataset="live-mobile-2",
)
