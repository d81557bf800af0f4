"""A picture or video as the model takes it: square key frames, and motion frames of all it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbuild.media.pictures import Pixels, picture_format, read_picture
from qbuild.media.squashing import Squash
from qbuild.media.videos import read_frames, video_info

MULTIPLE = 4  # motion frames beyond a multiple of it are left out (released code)


@dataclass(frozen=True)
class Clip:
    """One medium's frames, uint8 RGB.

    keys is [k, s, s, 3]: a frame a second, or the picture itself. motion is [t, m, m, 3], or in
    its place what `MotionExtractor.features` made of it, float [t, 256]; None for a picture or
    where it was not asked for. num_frames is the video's own, 1 for a picture; duration_s is 0
    for a picture.
    """

    keys: Pixels
    motion: NDArray[Any] | None = None
    num_frames: int = 1
    duration_s: float = 0.0


def read_clip(
    file: Path, *, key_size: int, motion_size: int | None, threads: int = 1, decoder: str = "auto"
) -> Clip:
    """The frames of a picture or video file; raises UnreadableMediaError.

    Motion frames of a long video are many (0.15 MB each at 224 px): `motion_chunks` reads them a
    chunk at a time.
    """
    if picture_format(file) is not None:
        return picture_clip(read_picture(file).pixels, key_size)
    info = video_info(file)
    read = partial(read_frames, key_size=key_size, threads=threads, decoder=decoder)
    parts = list(read(file, motion_size=motion_size))
    keys = np.stack([frame for part in parts for frame in part.keys.values()])
    motion = [part.motion for part in parts if part.motion is not None]
    whole = _truncated(np.concatenate(motion)) if motion else None
    return Clip(keys, whole, info.num_frames, info.duration_s)


def picture_clip(pixels: Pixels, key_size: int) -> Clip:
    """A picture uint8 [h, w, 3] as a video of one frame, without motion."""
    return Clip(Squash(key_size)(pixels)[None])


def motion_chunks(
    file: Path, *, motion_size: int, chunk: int = 256, threads: int = 1, decoder: str = "auto"
) -> Iterator[Pixels]:
    """The motion frames of a video of any length, up to `chunk` at a time: uint8 [n, m, m, 3].

    What `MotionExtractor.stream` takes, whose features stand in for the frames. `chunk` is a
    multiple of 4.
    """
    if chunk <= 0 or chunk % MULTIPLE:
        raise ValueError(f"chunk {chunk}: expected a multiple of {MULTIPLE} above 0")
    read = partial(read_frames, motion_size=motion_size, threads=threads, decoder=decoder)
    for part in read(file, key_indices=None, chunk=chunk):
        frames = part.motion
        if frames is not None and part.first:
            frames = frames[: len(frames) // MULTIPLE * MULTIPLE]
        elif frames is not None:
            frames = _truncated(frames)
        if frames is not None and len(frames):
            yield frames


def _truncated(motion: Pixels) -> Pixels:
    """As many frames as the multiple of 4 below; all of a video that has fewer than 4."""
    return motion[: len(motion) // MULTIPLE * MULTIPLE] if len(motion) >= MULTIPLE else motion
