"""Decode the frames of a video by whichever library supports its codec.

Each decoder is a module with `frames(header, is_wanted, threads)`, which yields index and RGB frame
in order. PyAV is tried first: it is faster, decodes AV1 and reports damage, where decord repeats
the last good frame. Measurements: docs/media.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

from qbuild.media.images.read_write import Pixels
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.decoders.header import VideoHeader

DECODERS = ("pyav", "decord")  # in the order in which "auto" tries them


def frames(
    header: VideoHeader, is_wanted: Callable[[int], bool], decoder: str = "auto", threads: int = 1
) -> Iterator[tuple[int, Pixels]]:
    """Yield index and frame [h, w, 3], RGB, upright, of each wanted frame, in order.

    Raises UnreadableMediaError; ValueError for a decoder that is not in DECODERS.
    """
    if decoder not in (*DECODERS, "auto"):
        raise ValueError(f"decoder {decoder!r}; expected auto or one of {', '.join(DECODERS)}")
    for name in DECODERS if decoder == "auto" else (decoder,):
        if decoder == "auto" and not _can_decode(name, header):
            continue
        yield from _frames_function(name)(header, is_wanted, threads)
        return
    raise UnreadableMediaError(
        "unsupported-codec", f"{header.path.name}: no installed decoder reads {header.codec}"
    )


def _can_decode(name: str, header: VideoHeader) -> bool:
    return header.decodable if name == "pyav" else find_spec("decord") is not None


def _frames_function(name: str) -> Callable[..., Iterator[tuple[int, Pixels]]]:
    if name == "pyav":
        from qbuild.media.video.decoders import with_pyav

        return with_pyav.frames
    from qbuild.media.video.decoders import with_decord

    return with_decord.frames
