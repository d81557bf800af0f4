"""Key frames and motion frames of a video in one pass, a chunk at a time, and its properties.

Motion frames are all frames, resized to a small square as in the published loaders. Key frames are
about one per second, by the published rule, at full size unless `key_size` is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from av import VideoFrame
from av.video.reformatter import VideoReformatter

from qbuild.media.images.read_write import MAX_PIXELS, Pixels
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.media.video.decoders import with_pyav
from qbuild.media.video.decoders.header import VideoHeader, read_header
from qbuild.media.video.decoders.stream_stats import StreamStats


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video; sizes are as displayed, frames are counted.

    fps is the exact average rate in the container. duration_s is num_frames / fps; for a variable
    rate, it comes from the timestamps. rotation is the clockwise rotation, in degrees, that the
    file specifies; all frames returned here are already rotated.
    """

    codec: str
    width: int
    height: int
    fps: Fraction
    num_frames: int
    duration_s: float
    rotation: int
    variable_rate: bool


@dataclass(frozen=True)
class Frames:
    """A chunk of a video that begins with frame `first`.

    motion is uint8 [n, size, size, 3], None if not requested; keys holds the key frames among
    these n frames by index, uint8 [h, w, 3].
    """

    first: int
    motion: Pixels | None
    keys: dict[int, Pixels]


class SquareResizer:
    """Resizes frames to [size, size, 3] by antialiased bilinear, ignoring the aspect ratio.

    swscale's bilinear filter widens as a frame shrinks, as Pillow's does, at twice its speed; the
    filter is computed once for all frames of one size. The result does not depend on the number of
    threads. Measurements: docs/media.md.
    """

    def __init__(self, size: int, threads: int = 1) -> None:
        self._size, self._threads, self._reformatter = size, threads, VideoReformatter()

    def __call__(self, frame: Pixels) -> Pixels:
        """Resize a frame uint8 [h, w, 3], or [h, w, 4] whose fourth channel is dropped."""
        stored = "rgba" if frame.shape[2] == 4 else "rgb24"
        source = VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame), format=stored)
        small = self._reformatter.reformat(
            source,
            width=self._size,
            height=self._size,
            format="rgb24",
            interpolation="BILINEAR",
            threads=self._threads,
        )
        return np.asarray(small.to_ndarray(), dtype=np.uint8)


def key_frame_indices(num_frames: int, fps: Fraction) -> range:
    """Indices of the key frames: 0, step, 2·step, … below num_frames (VQA², released code).

    The step is the average rate rounded, half to even, at least 1. The rate is rounded as the
    float that the released code uses.
    """
    return range(0, num_frames, max(1, round(float(fps))))


def read_frames(
    path: Path,
    *,
    motion_size: int | None = 224,
    key_size: int | None = None,
    chunk: int = 32,
    threads: int = 2,
) -> Iterator[Frames]:
    """Yield chunks of up to `chunk` frames, in order, from one pass; the last may be shorter.

    Key frames have their full size, or key_size. The frames do not depend on the number of threads.
    Raises UnreadableMediaError, for a damaged or truncated file when the pass reaches the damage.
    """
    header = read_header(path, MAX_PIXELS)
    resize_motion, resize_key = (
        SquareResizer(size, threads) if size else None for size in (motion_size, key_size)
    )
    key_step = key_frame_indices(1, header.fps).step
    first, motion, keys = 0, list[Pixels](), dict[int, Pixels]()
    for index, frame in decode_frames(header, key_step if motion_size is None else 1, threads):
        while index >= first + chunk:
            yield Frames(first, np.stack(motion) if motion else None, keys)
            first, motion, keys = first + chunk, [], {}
        if index % key_step == 0:
            keys[index] = resize_key(frame) if resize_key else frame
        if resize_motion:
            motion.append(resize_motion(frame))
    yield Frames(first, np.stack(motion) if motion else None, keys)


def decode_frames(
    header: VideoHeader, step: int = 1, threads: int = 1
) -> Iterator[tuple[int, Pixels]]:
    """Yield index and frame [h, w, 3], RGB, upright, of every `step`-th frame, in order.

    By PyAV, which is faster than decord, decodes AV1 and reports damage, where decord repeats the
    last good frame (docs/media.md); by decord if PyAV lacks the codec. UnreadableMediaError.
    """
    if header.decodable:
        return with_pyav.frames(header, step, threads)
    if find_spec("decord") is None:
        text = f"{header.path.name}: no installed decoder reads {header.codec}"
        raise UnreadableMediaError("unsupported-codec", text)
    from qbuild.media.video.decoders import with_decord

    return with_decord.frames(header, step, threads)


def video_info(path: Path) -> VideoInfo:
    """Properties of a video: its packets are counted, only its first frame is decoded.

    Raises UnreadableMediaError. `files.probe` checks that every frame decodes.
    """
    header = read_header(path, MAX_PIXELS)
    stats = with_pyav.count_packets(header)
    return info_of(header, stats, stats.packets - stats.discarded)


def info_of(header: VideoHeader, stats: StreamStats, num_frames: int) -> VideoInfo:
    """The properties from the header and from one pass through the stream."""
    variable = stats.variable_rate
    width, height = stats.size
    return VideoInfo(
        codec=header.codec,
        width=width,
        height=height,
        fps=header.fps,
        num_frames=num_frames,
        duration_s=stats.duration_s if variable else float(num_frames / header.fps),
        rotation=stats.rotation,
        variable_rate=variable,
    )
