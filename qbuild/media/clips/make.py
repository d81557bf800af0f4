"""Clips of one video as files: read, cut or spoiled, written, and counted by decoding them.

Made to run in a process of its own, for decoders crash. Frames are streamed: a few of them are in
memory at any time, whatever the video's length, and eight files at most are open.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from qbuild.core.canonical import hash_file
from qbuild.media.clips.plan import Clip, Extent, Recipe, Wish, planned
from qbuild.media.distort.motion import Motion, motion
from qbuild.media.distort.motion.planes import cut_out, dark_of, form_of, frame_of, planes_of
from qbuild.media.images.read_write import MAX_PIXELS
from qbuild.media.unreadable import UnreadableMediaError, reject_disk_errors
from qbuild.media.video.decoders.source import opened, source
from qbuild.media.video.decoders.with_pyav import decoded
from qbuild.media.video.shots import Thumbnails, shots
from qbuild.media.video.write import Form, VideoWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qbuild.media.distort.motion.planes import Plane

    Planes = tuple[Plane, ...]

OPEN_AT_ONCE = 8
OPEN_PIXELS = 16_000_000  # of the frames of all open files together: an encoder keeps some ten


@dataclass(frozen=True)
class Written:
    """A clip as its file holds it; `frames` were counted there.

    `changed` is whether what was put in shows: a freeze in a still does not.
    """

    clip: Clip
    file: Path
    frames: int
    sha256: str
    parameters: dict[str, float]
    changed: bool


@dataclass(frozen=True)
class Made:
    """What became of one video; `sha256` is the video's own."""

    clips: tuple[Written, ...]
    sha256: str
    fps: Fraction


def make_clips(path: Path, folder: Path, asked: Sequence[Wish], recipe: Recipe, qp: int) -> Made:
    """Clips of a video, as files in `folder`; fewer than asked where it has no room for more.

    Raises UnreadableMediaError for a video that cannot be read, or is too short or too small.
    """
    form, found = _looked_through(path, recipe.within_shots)
    extent = Extent(tuple(found), form.width, form.height, form.fps)
    waiting = sorted(planned(asked, recipe, extent), key=lambda clip: (clip.start, clip.frames))
    making = [_Making(clip, form, folder / f"{clip.seed:016x}.mp4", qp) for clip in waiting]
    while rest := [one for one in making if one.left]:
        _pass(path, rest)
    clips = tuple(one.written() for one in making)
    with reject_disk_errors(path):
        digest = hash_file(path)
    return Made(clips, digest.removeprefix("sha256:"), form.fps)


def _looked_through(path: Path, by_shots: bool) -> tuple[Form, list[range]]:
    """The form of a video and the frames of its shots, or of all of it as one."""
    thumbnails, form, count = Thumbnails(), None, 0
    with opened(path) as (_, stream):
        aspect = Fraction(stream.sample_aspect_ratio or 1)
    found = source(path, MAX_PIXELS)
    for frame, _ in decoded(found):
        form = form or form_of(frame, found.fps, aspect)
        count += 1
        if by_shots:
            thumbnails.add(planes_of(frame))
    if form is None:
        raise UnreadableMediaError("no-frames", f"{path.name}: no frame decodes")
    return form, shots(thumbnails.cuts(), count)


def _pass(path: Path, rest: list[_Making]) -> None:
    """Go through the video once; a clip that finds eight files open waits for the next time."""
    last = max(one.clip.start for one in rest)
    running: list[_Making] = []
    with ExitStack() as stack:
        for number, (frame, _) in enumerate(decoded(source(path, MAX_PIXELS))):
            for one in rest:
                if one.clip.start == number and _has_room(running, one.clip):
                    running.append(stack.enter_context(one))
            planes = planes_of(frame) if running else ()
            for one in running:
                one.take(planes)
            running = [one for one in running if one.left]
            if not running and number >= last:
                return
    raise UnreadableMediaError("damaged", f"{path.name} gave fewer frames when read again")


def _has_room(running: list[_Making], clip: Clip) -> bool:
    """Whether one more file can be open; one always can."""
    pixels = sum(one.clip.width * one.clip.height for one in running)
    fits = pixels + clip.width * clip.height <= OPEN_PIXELS
    return not running or (fits and len(running) < OPEN_AT_ONCE)


class _Making:
    """A clip on its way into its file; as a context, it leaves no half of one."""

    def __init__(self, clip: Clip, form: Form, file: Path, qp: int) -> None:
        self.clip, self.file, self.left = clip, file, clip.frames
        self._form = replace(form, width=clip.width, height=clip.height)
        self._motion = _motion(clip, form)
        self._shown: Planes = ()
        self._changed = False
        self._open = ExitStack()
        self._qp = qp

    def __enter__(self) -> Self:
        self._writer = self._open.enter_context(VideoWriter(self.file, self._form, self._qp))
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)

    def take(self, planes: Planes) -> None:
        """The next frame of the source, whole; the file is closed after the last."""
        number, given = self.clip.frames - self.left, self._cut(planes)
        if self._motion is None or not self._motion.repeats(number):
            self._shown = self._spoiled(given, number)
        self._changed = self._changed or not all(map(np.array_equal, self._shown, given))
        self._writer.write(frame_of(self._shown, self._form))
        self.left -= 1
        if not self.left:
            self._open.close()

    def written(self) -> Written:
        """The clip as its file holds it."""
        return Written(
            clip=self.clip,
            file=self.file,
            frames=sum(1 for _ in decoded(source(self.file, MAX_PIXELS))),
            sha256=hash_file(self.file).removeprefix("sha256:"),
            parameters={} if self._motion is None else self._motion.parameters,
            changed=self._changed,
        )

    def _cut(self, planes: Planes) -> Planes:
        clip = self.clip
        return cut_out(planes, clip.left, clip.top, clip.width, clip.height)

    def _spoiled(self, planes: Planes, number: int) -> Planes:
        if self._motion is None:
            return planes
        dark = zip(planes, dark_of(self._form), strict=True)
        return tuple(self._motion.applied(plane, number, least) for plane, least in dark)


def _motion(clip: Clip, form: Form) -> Motion | None:
    if clip.severity is None:
        return None
    return motion(clip.operation, clip.severity, clip.frames, form.fps, clip.seed)
