"""Write the clips of one video: read, cut or distort, encode, and count frames by decoding.

Runs in a child process, since decoders crash. Frames are streamed: only a few are in memory at any
time, whatever the length of the video, and at most eight files are open.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np

from qbuild.core.canonical import hash_file
from qbuild.media.clips.plan import Clip, ClipRequest, ClipSettings, VideoExtent, plan_clips
from qbuild.media.distort.motion.distortions import create_motion
from qbuild.media.distort.motion.planes import (
    Planes,
    black_levels,
    crop_planes,
    format_of,
    frame_of,
    planes_of,
)
from qbuild.media.images.read_write import MAX_PIXELS
from qbuild.media.unreadable import UnreadableMediaError, reject_disk_errors
from qbuild.media.video.decoders.header import open_video, read_header
from qbuild.media.video.decoders.with_pyav import decode
from qbuild.media.video.shots import find_cuts, make_thumbnail, shots
from qbuild.media.video.write import VideoFormat, VideoWriter

MAX_OPEN_FILES = 8
MAX_OPEN_PIXELS = 16_000_000  # per frame of all open files: an encoder keeps about ten frames


@dataclass(frozen=True)
class WrittenClip:
    """A clip as encoded in its file, in which `frames` were counted.

    `changed` is whether the distortion is visible: a freeze in a still is not.
    """

    clip: Clip
    file: Path
    frames: int
    sha256: str
    parameters: dict[str, float]
    changed: bool


@dataclass(frozen=True)
class VideoClips:
    """The clips of one video; `sha256` is that of the video."""

    clips: tuple[WrittenClip, ...]
    sha256: str
    fps: Fraction


def make_clips(
    path: Path, folder: Path, requests: Sequence[ClipRequest], settings: ClipSettings, qp: int
) -> VideoClips:
    """Write clips of a video to files in `folder`; fewer than requested if no more fit.

    Raises UnreadableMediaError for a video that cannot be read, or is too short or too small.
    """
    video_format, video_shots = _scan_video(path, settings.within_shots)
    extent = VideoExtent(
        tuple(video_shots), video_format.width, video_format.height, video_format.fps
    )
    clips = plan_clips(requests, settings, extent)
    writers = [
        _ClipWriter(clip, video_format, folder / f"{clip.seed:016x}.mp4", qp)
        for clip in sorted(clips, key=lambda clip: (clip.start, clip.frames))
    ]
    while unfinished := [writer for writer in writers if writer.remaining]:
        _run_pass(path, unfinished)
    written = tuple(writer.result() for writer in writers)
    with reject_disk_errors(path):
        digest = hash_file(path)
    return VideoClips(written, digest.removeprefix("sha256:"), video_format.fps)


def _scan_video(path: Path, by_shots: bool) -> tuple[VideoFormat, list[range]]:
    """The format of a video and the frames of its shots, or all frames as one shot."""
    thumbnails, video_format, count = [], None, 0
    with open_video(path) as (_, stream):
        aspect = Fraction(stream.sample_aspect_ratio or 1)
    header = read_header(path, MAX_PIXELS)
    for frame, _ in decode(header):
        video_format = video_format or format_of(frame, header.fps, aspect)
        count += 1
        if by_shots:
            thumbnails.append(make_thumbnail(planes_of(frame)))
    if video_format is None:
        raise UnreadableMediaError("no-frames", f"{path.name}: no frame decodes")
    return video_format, shots(find_cuts(thumbnails), count)


def _run_pass(path: Path, unfinished: list[_ClipWriter]) -> None:
    """Decode the video once; a clip for which no file can be opened waits for the next pass."""
    last = max(writer.clip.start for writer in unfinished)
    active: list[_ClipWriter] = []
    with ExitStack() as stack:
        for number, (frame, _) in enumerate(decode(read_header(path, MAX_PIXELS))):
            for writer in unfinished:
                if writer.clip.start == number and _can_open(active, writer.clip):
                    active.append(stack.enter_context(writer))
            planes = planes_of(frame) if active else ()
            for writer in active:
                writer.add_frame(planes)
            active = [writer for writer in active if writer.remaining]
            if not active and number >= last:
                return
    raise UnreadableMediaError("damaged", f"{path.name} gave fewer frames when read again")


def _can_open(active: list[_ClipWriter], clip: Clip) -> bool:
    """Whether one more file can be open; at least one always can."""
    pixels = sum(writer.clip.width * writer.clip.height for writer in active)
    fits = pixels + clip.width * clip.height <= MAX_OPEN_PIXELS
    return not active or (fits and len(active) < MAX_OPEN_FILES)


class _ClipWriter:
    """Writes one clip frame by frame; as a context manager, it removes an unfinished file."""

    def __init__(self, clip: Clip, source: VideoFormat, file: Path, qp: int) -> None:
        self.clip, self.file, self.remaining = clip, file, clip.frames
        self._format = replace(source, width=clip.width, height=clip.height)
        self._motion = (
            None
            if clip.severity is None
            else create_motion(clip.operation, clip.severity, clip.frames, source.fps, clip.seed)
        )
        self._shown: Planes = ()
        self._changed = False
        self._open = ExitStack()
        self._qp = qp

    def __enter__(self) -> Self:
        self._writer = self._open.enter_context(VideoWriter(self.file, self._format, self._qp))
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)

    def add_frame(self, planes: Planes) -> None:
        """Add the next frame of the source, uncropped; closes the file after the last."""
        clip = self.clip
        number = clip.frames - self.remaining
        cropped = crop_planes(planes, clip.left, clip.top, clip.width, clip.height)
        if not self._motion or not self._motion.repeats_previous(number):
            self._shown = self._distort(cropped, number)
        self._changed = self._changed or not all(map(np.array_equal, self._shown, cropped))
        self._writer.write(frame_of(self._shown, self._format))
        self.remaining -= 1
        if not self.remaining:
            self._open.close()

    def result(self) -> WrittenClip:
        """The clip as encoded in its file."""
        return WrittenClip(
            clip=self.clip,
            file=self.file,
            frames=sum(1 for _ in decode(read_header(self.file, MAX_PIXELS))),
            sha256=hash_file(self.file).removeprefix("sha256:"),
            parameters=self._motion.parameters if self._motion else {},
            changed=self._changed,
        )

    def _distort(self, planes: Planes, number: int) -> Planes:
        if not self._motion:
            return planes
        with_black = zip(planes, black_levels(self._format), strict=True)
        return tuple(self._motion.apply(plane, number, black) for plane, black in with_black)
