"""How the toy family reads media; imported by decoding processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qbuild_backends.models.inputs import Clip, ClipReader, Extent

from qbuild.media.images.read_write import Pixels
from qbuild.media.video.read import SquareResizer, read_frames, video_info

SIDE = 32


@dataclass(frozen=True)
class ToyClips(ClipReader):
    """The image, or a key frame per second of the video, at 32 x 32."""

    @property
    def cache_key(self) -> str:
        return str(SIDE)

    def read_image(self, pixels: Pixels) -> Clip:
        return Clip(SquareResizer(SIDE)(pixels)[None])

    def read_video(self, file: Path) -> Clip | Extent:
        info = video_info(file)
        chunks = read_frames(file, key_size=SIDE, motion_size=None, threads=1)
        keys = np.stack([frame for chunk in chunks for frame in chunk.keys.values()])
        return Clip(keys, None, info.num_frames, info.duration_s)
