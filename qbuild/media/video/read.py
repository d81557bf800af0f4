"""Key frames and motion frames of a video in one pass, a chunk at a time, and what a video is.

Motion frames are all frames squashed to a small square, as the published loaders take them; key
frames are those of `key_frames`, at their full size unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from qbuild.media.images.read_write import MAX_PIXELS, Pixels
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.key_frames import key_frame_step
from qbuild.media.video.resize import Squash

if TYPE_CHECKING:
    from qbuild.media.video.decoders.source import Source
    from qbuild.media.video.decoders.tally import Tally

Keys: TypeAlias = Literal["auto"] | Collection[int] | None
MAX_FRAMES = 2_000  # motion frames that read_video collects: 287 MiB at 224 x 224


@dataclass(frozen=True)
class VideoInfo:
    """What a video is; sizes are as displayed, frames are counted.

    fps is the average that the container states, exact; duration_s is num_frames / fps, for a
    variable rate from the timestamps; rotation is the clockwise turn, in degrees, that the file
    asks for and that every frame here has had.
    """

    codec: str
    width: int
    height: int
    fps: Fraction
    num_frames: int
    duration_s: float
    rotation: int
    variable_rate: bool
    has_audio: bool


@dataclass(frozen=True)
class Frames:
    """A chunk of a video that begins with frame `first`.

    motion is uint8 [n, size, size, 3], None where it was not asked for; keys holds the key frames
    among these n frames by index, uint8 [h, w, 3].
    """

    first: int
    motion: Pixels | None
    keys: dict[int, Pixels]


@dataclass(frozen=True)
class Video:
    """A whole video in memory: key frames uint8 [h, w, 3], motion uint8 [t, size, size, 3]."""

    info: VideoInfo
    key_indices: list[int]
    key_frames: list[Pixels]
    motion: Pixels | None


def read_frames(
    path: Path,
    *,
    motion_size: int | None = 224,
    key_indices: Keys = "auto",
    key_size: int | None = None,
    chunk: int = 32,
    decoder: str = "auto",
    threads: int = 2,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Frames]:
    """Chunks of up to `chunk` frames, in order, from one pass; the last may be shorter.

    The frames do not depend on the number of threads. Raises UnreadableMediaError, for a file
    that is cut off or damaged when the pass gets there; ValueError for a key frame beyond the end.
    """
    from qbuild.media.video import decoders
    from qbuild.media.video.decoders.source import source

    opened = source(path, max_pixels)
    squash, squash_key = (
        Squash(size, threads) if size else None for size in (motion_size, key_size)
    )
    is_key = _key_rule(key_indices, opened.fps)
    wanted = is_key if motion_size is None else _every
    first, small, keys = 0, list[Pixels](), dict[int, Pixels]()
    missing = set() if isinstance(key_indices, str) else set(key_indices or ())
    for index, frame in decoders.frames(opened, wanted, decoder, threads):
        while index >= first + chunk:
            yield _chunk(first, small, keys, motion_size)
            first, small, keys = first + chunk, [], {}
        if is_key(index):
            keys[index] = squash_key(frame) if squash_key else frame
        if squash:
            small.append(squash(frame))
        missing.discard(index)
    yield _chunk(first, small, keys, motion_size)
    if missing:
        raise ValueError(f"key frame {min(missing)} of {path.name}: the video ends before it")


def _every(_: int) -> bool:
    return True


def _is_multiple(step: int, index: int) -> bool:
    return index % step == 0


def _key_rule(key_indices: Keys, fps: Fraction) -> Callable[[int], bool]:
    if key_indices == "auto":
        return partial(_is_multiple, key_frame_step(fps))
    return frozenset(key_indices or ()).__contains__


def _chunk(
    first: int, small: list[Pixels], keys: dict[int, Pixels], motion_size: int | None
) -> Frames:
    return Frames(first, None if motion_size is None else np.stack(small), keys)


def read_video(
    path: Path,
    *,
    motion_size: int | None = 224,
    key_indices: Keys = "auto",
    key_size: int | None = None,
    max_frames: int = MAX_FRAMES,
    decoder: str = "auto",
    threads: int = 2,
) -> Video:
    """Everything read_frames gives, collected, and the info.

    Raises UnreadableMediaError too-many-frames, before decoding, for a video of more than
    max_frames frames: read that one in chunks.
    """
    info = video_info(path)
    if info.num_frames > max_frames:
        raise UnreadableMediaError(
            "too-many-frames",
            f"{path.name} has {info.num_frames:,} frames; expected {max_frames:,} at most. "
            "Read it in chunks",
        )
    read = partial(read_frames, motion_size=motion_size, key_size=key_size, threads=threads)
    chunks = list(read(path, key_indices=key_indices, decoder=decoder))
    keys = {index: frame for part in chunks for index, frame in part.keys.items()}
    motion = [part.motion for part in chunks if part.motion is not None]
    return Video(info, list(keys), list(keys.values()), np.concatenate(motion) if motion else None)


def video_info(path: Path, max_pixels: int = MAX_PIXELS) -> VideoInfo:
    """What a video is; its packets are counted, its first frame decoded, the rest not looked at.

    Raises UnreadableMediaError. Whether every frame decodes, `files.probe` finds out.
    """
    from qbuild.media.video.decoders.source import source
    from qbuild.media.video.decoders.with_pyav import counted

    opened = source(path, max_pixels)
    tally = counted(opened)
    return info_of(opened, tally, tally.packets - tally.discarded)


def info_of(opened: Source, tally: Tally, num_frames: int) -> VideoInfo:
    """The info that a source and a way through it give."""
    variable = tally.variable_rate
    width, height = tally.size
    return VideoInfo(
        codec=opened.codec,
        width=width,
        height=height,
        fps=opened.fps,
        num_frames=num_frames,
        duration_s=tally.shown_s if variable else float(num_frames / opened.fps),
        rotation=tally.rotation,
        variable_rate=variable,
        has_audio=opened.has_audio,
    )
