"""The frames of a video by whichever library can decode it.

Each decoder is a module with `frames(source, wanted, threads)`, which yields index and RGB frame in
order. PyAV is asked first: it is faster, decodes AV1 and says when it cannot go on, where decord
repeats the last good frame. Figures: docs/media.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

from qbuild.media.images.read_write import Pixels
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.decoders.source import Source

DECODERS = ("pyav", "decord")  # in the order in which "auto" asks them


def frames(
    source: Source, wanted: Callable[[int], bool], decoder: str = "auto", threads: int = 1
) -> Iterator[tuple[int, Pixels]]:
    """Index and frame [h, w, 3], RGB, upright, of each frame that is wanted, in order.

    Raises UnreadableMediaError; ValueError for a decoder that is not in DECODERS.
    """
    if decoder not in (*DECODERS, "auto"):
        raise ValueError(f"decoder {decoder!r}; expected auto or one of {', '.join(DECODERS)}")
    for name in DECODERS if decoder == "auto" else (decoder,):
        if decoder == "auto" and not _can_decode(name, source):
            continue
        yield from _frames_by(name)(source, wanted, threads)
        return
    raise UnreadableMediaError(
        "unsupported-codec", f"{source.path.name}: no decoder here reads {source.codec}"
    )


def _can_decode(name: str, source: Source) -> bool:
    return source.decodable if name == "pyav" else find_spec("decord") is not None


def _frames_by(name: str) -> Callable[..., Iterator[tuple[int, Pixels]]]:
    if name == "pyav":
        from qbuild.media.video.decoders import with_pyav

        return with_pyav.frames
    from qbuild.media.video.decoders import with_decord

    return with_decord.frames
