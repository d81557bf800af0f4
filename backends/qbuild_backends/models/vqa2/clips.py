"""Images and videos as the model takes them: square key frames, and all frames for motion.

Nothing here loads torch: decoding processes import this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qbuild.media.images.read_write import Pixels
from qbuild.media.video.read import SquareResizer, key_frame_indices, read_frames, video_info
from qbuild_backends.models.inputs import Clip, ClipReader, Extent

MULTIPLE = 4  # motion frames beyond a multiple of it are left out (released code)


@dataclass(frozen=True)
class Context:
    """How many tokens a model holds, and how many a key frame is."""

    tokens_per_key: int
    max_tokens: int

    def tokens(self, extent: Extent) -> list[int]:
        """Tokens of the key frames with one newline, then of the motion frames if there are any."""
        keys = extent.keys * self.tokens_per_key + 1
        return [keys] if extent.motion is None else [keys, extent.motion]

    def holds(self, extent: Extent) -> bool:
        """Whether the media's tokens fit; with the text around them they may still not."""
        return sum(self.tokens(extent)) <= self.max_tokens


@dataclass(frozen=True)
class Vqa2Clips(ClipReader):
    """Reads clips at these sizes in pixels; motion_size is None for only key frames."""

    key_size: int
    motion_size: int | None
    context: Context | None = None  # None: videos of any length are decoded

    @property
    def cache_key(self) -> str:
        """`KEY-MOTION`, 0 for no motion frames."""
        return f"{self.key_size}-{self.motion_size or 0}"

    def read_image(self, pixels: Pixels) -> Clip:
        """The image as a video of one frame, without motion."""
        return Clip(SquareResizer(self.key_size)(pixels)[None])

    def read_video(self, file: Path) -> Clip | Extent:
        """A key frame per second, and all frames for motion."""
        extent = video_extent(file, with_motion=self.motion_size is not None)
        if self.context is not None and not self.context.holds(extent):
            return extent
        chunks = list(
            read_frames(file, key_size=self.key_size, motion_size=self.motion_size, threads=1)
        )
        keys = np.stack([frame for chunk in chunks for frame in chunk.keys.values()])
        parts = [chunk.motion for chunk in chunks if chunk.motion is not None]
        motion = np.concatenate(parts) if parts else None
        if motion is not None:
            motion = motion[: _multiple_of_four(len(motion))]
        return Clip(keys, motion, extent.num_frames, extent.duration_s)


def video_extent(file: Path, *, with_motion: bool) -> Extent:
    """How much a clip of the video will show, from its packets; raises UnreadableMediaError."""
    info = video_info(file)
    keys = len(key_frame_indices(info.num_frames, info.fps))
    motion = _multiple_of_four(info.num_frames) if with_motion else None
    return Extent(keys, motion, info.num_frames, info.duration_s)


def _multiple_of_four(count: int) -> int:
    """The multiple of 4 below; all frames of a video that has fewer than 4."""
    return count // MULTIPLE * MULTIPLE if count >= MULTIPLE else count
