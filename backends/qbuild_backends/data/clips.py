"""A picture or video as the model takes it: square key frames, and motion frames of all it has.

Nothing here loads torch: processes that only decode import this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from qbuild.media.images.read_write import Pixels, image_format, read_image
from qbuild.media.video.read import SquareResizer, key_frame_indices, read_frames, video_info
from qbuild_backends.models.inputs import Clip, Context, Extent

MULTIPLE = 4  # motion frames beyond a multiple of it are left out (released code)


def read_clip(
    file: Path, *, key_size: int, motion_size: int | None, threads: int = 1, decoder: str = "auto"
) -> Clip:
    """The frames of a picture or video file; raises UnreadableMediaError.

    Motion frames of a long video are many (0.15 MB each at 224 px): `motion_chunks` reads them a
    chunk at a time.
    """
    if image_format(file) is not None:
        return picture_clip(read_image(file).buffer, key_size)
    extent = video_extent(file, with_motion=motion_size is not None)
    return _decoded(file, extent, key_size, motion_size, threads=threads, decoder=decoder)


def picture_clip(pixels: Pixels, key_size: int) -> Clip:
    """A picture uint8 [h, w, 3 or 4] as a video of one frame, without motion."""
    return Clip(SquareResizer(key_size)(pixels)[None])


def video_clip(
    file: Path, key_size: int, motion_size: int | None, context: Context | None = None
) -> Clip | Extent:
    """A video's frames; its extent alone, and nothing decoded, where the context cannot hold it.

    Raises UnreadableMediaError.
    """
    extent = video_extent(file, with_motion=motion_size is not None)
    if context is not None and not context.holds(extent):
        return extent
    return _decoded(file, extent, key_size, motion_size)


def video_extent(file: Path, *, with_motion: bool) -> Extent:
    """How much a clip of the video will show, from its packets; raises UnreadableMediaError."""
    info = video_info(file)
    keys = len(key_frame_indices(info.num_frames, info.fps))
    motion = _whole_fours(info.num_frames) if with_motion else None
    return Extent(keys, motion, info.num_frames, info.duration_s)


def _decoded(
    file: Path,
    extent: Extent,
    key_size: int,
    motion_size: int | None,
    *,
    threads: int = 1,
    decoder: str = "auto",
) -> Clip:
    read = partial(read_frames, key_size=key_size, threads=threads, decoder=decoder)
    parts = list(read(file, motion_size=motion_size))
    keys = np.stack([frame for part in parts for frame in part.keys.values()])
    motion = [part.motion for part in parts if part.motion is not None]
    whole = _truncated(np.concatenate(motion)) if motion else None
    return Clip(keys, whole, extent.num_frames, extent.duration_s)


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


def _whole_fours(count: int) -> int:
    """The multiple of 4 below; all frames of a video that has fewer than 4."""
    return count // MULTIPLE * MULTIPLE if count >= MULTIPLE else count


def _truncated(motion: Pixels) -> Pixels:
    return motion[: _whole_fours(len(motion))]
