"""Decode the frames of a video with the installed library that supports its codec.

PyAV is tried first: it is faster, decodes AV1 and reports damage, where decord repeats the last
good frame. Measurements: docs/media.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from qbuild.media.images.read_write import Pixels
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.decoders.header import VideoHeader


def frames(header: VideoHeader, step: int = 1, threads: int = 1) -> Iterator[tuple[int, Pixels]]:
    """Yield index and frame [h, w, 3], RGB, upright, of every `step`-th frame, in order.

    Raises UnreadableMediaError.
    """
    if header.decodable:
        from qbuild.media.video.decoders import with_pyav

        return with_pyav.frames(header, step, threads)
    if find_spec("decord") is not None:
        from qbuild.media.video.decoders import with_decord

        return with_decord.frames(header, step, threads)
    raise UnreadableMediaError(
        "unsupported-codec", f"{header.path.name}: no installed decoder reads {header.codec}"
    )
