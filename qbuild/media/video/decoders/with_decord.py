"""Decode frames with decord, for comparison and for codecs missing from PyAV's build.

decord rotates frames upright itself. It hides damage by repeating the last good frame, does not
decode AV1, and prefetches frames without limit: memory grows with the length of a video.
"""

from __future__ import annotations

from collections.abc import Iterator

import decord
import numpy as np

from qbuild.media.images.read_write import Pixels
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.decoders.header import VideoHeader


def frames(header: VideoHeader, step: int = 1, threads: int = 1) -> Iterator[tuple[int, Pixels]]:
    """Yield index and frame [h, w, 3], RGB, upright, of every `step`-th frame, in order.

    Frames are read one at a time: decord keeps more of a batch in memory.
    """
    decord.logging.set_level(decord.logging.QUIET)
    name = header.path.name
    try:
        reader = decord.VideoReader(str(header.path), num_threads=threads)
        for index in range(len(reader)):
            if index % step == 0:
                yield index, _without_padding(reader.next().asnumpy())
            else:
                reader.skip_frames(1)
    except (decord.DECORDError, RuntimeError, AssertionError) as error:
        text = f"decord cannot read {name} ({header.codec})"
        raise UnreadableMediaError("unsupported-codec", text) from error
    except StopIteration as error:
        text = f"{name}: decord returned fewer frames than it counted"
        raise UnreadableMediaError("truncated", text) from error


def _without_padding(frame: Pixels) -> Pixels:
    """The frame [h, w, 3]: below 64 pixels of width decord may return padded rows, as [h, w, 4]."""
    height, width, channels = frame.shape
    if channels == 3:
        return frame
    rows = frame.reshape(height, width * channels)[:, : width * 3]
    return np.ascontiguousarray(rows).reshape(height, width, 3)
