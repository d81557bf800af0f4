"""Frames as small squares, the way the published loaders make motion frames."""

from __future__ import annotations

import numpy as np

from qbuild.media.images.read_write import Pixels


class Squash:
    """Makes squares [size, size, 3] of frames, the aspect not kept, by antialiased bilinear.

    swscale's bilinear filter widens as a frame shrinks, as Pillow's does, at twice its speed; the
    filter is computed once for all frames of one size. The squares do not depend on the number of
    threads. Figures: docs/media.md.
    """

    def __init__(self, size: int, threads: int = 1) -> None:
        from av.video.reformatter import VideoReformatter

        self._size, self._threads, self._reformatter = size, threads, VideoReformatter()

    def __call__(self, frame: Pixels) -> Pixels:
        """The square of a frame uint8 [h, w, 3], or [h, w, 4] whose fourth place is left out."""
        from av import VideoFrame

        stored = "rgba" if frame.shape[2] == 4 else "rgb24"
        whole = VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame), format=stored)
        small = self._reformatter.reformat(
            whole,
            width=self._size,
            height=self._size,
            format="rgb24",
            interpolation="BILINEAR",
            threads=self._threads,
        )
        return np.asarray(small.to_ndarray(), dtype=np.uint8)
