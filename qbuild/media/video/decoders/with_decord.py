"""Frames by decord, for comparison and for codecs that PyAV's build lacks.

decord turns frames upright itself. It hides damage by repeating the last good frame, does not
decode AV1, and decodes ahead of its reader without a bound: memory grows with a video's length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import decord
import numpy as np

from qbuild.media.images.read_write import Pixels
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.decoders.source import Source


def frames(
    source: Source, wanted: Callable[[int], bool], threads: int = 1
) -> Iterator[tuple[int, Pixels]]:
    """Index and frame [h, w, 3], RGB, upright, of each frame that is wanted, in order.

    A frame is taken at a time: of batches it keeps more in memory.
    """
    decord.logging.set_level(decord.logging.QUIET)
    name = source.path.name
    try:
        reader = decord.VideoReader(str(source.path), num_threads=threads)
        for index in range(len(reader)):
            if wanted(index):
                yield index, _without_padding(reader.next().asnumpy())
            else:
                reader.skip_frames(1)
    except (decord.DECORDError, RuntimeError, AssertionError) as error:
        text = f"decord cannot read {name} ({source.codec})"
        raise UnreadableMediaError("unsupported-codec", text) from error
    except StopIteration as error:
        text = f"{name}: decord's frames end before the number it counted"
        raise UnreadableMediaError("truncated", text) from error


def _without_padding(frame: Pixels) -> Pixels:
    """Colours [h, w, 3]: below 64 pixels of width decord may give padded rows, as [h, w, 4]."""
    height, width, shown = frame.shape
    if shown == 3:
        return frame
    rows = frame.reshape(height, width * shown)[:, : width * 3]
    return np.ascontiguousarray(rows).reshape(height, width, 3)
