"""Frames as small squares, the way the published loaders make motion frames."""

from __future__ import annotations

import numpy as np

from qbuild.media.pictures import Pixels


class Squash:
    """Makes squares [size, size, 3] of frames, the aspect not kept, by antialiased bilinear.

    swscale's bilinear filter widens as a frame shrinks, as Pillow's does, at twice its speed; the
    filter is computed once for all frames of one size. Figures: docs/media.md.
    """

    def __init__(self, size: int) -> None:
        from av.video.reformatter import VideoReformatter

        self._size, self._reformatter = size, VideoReformatter()

    def __call__(self, frame: Pixels) -> Pixels:
        """The square of a frame uint8 [h, w, 3]."""
        from av import VideoFrame

        whole = VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame), format="rgb24")
        small = self._reformatter.reformat(
            whole, width=self._size, height=self._size, interpolation="BILINEAR"
        )
        return np.asarray(small.to_ndarray(), dtype=np.uint8)
