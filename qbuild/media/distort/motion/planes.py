"""Convert video frames to upright planes Y, Cb, Cr and back, without lossy conversion to RGB.

Colour range, matrix and pixel aspect are those of the source. Frames that are not 4:2:0 or 4:4:4 of
8 bits are converted: 4:2:2 to 4:4:4, anything else to 4:2:0.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from av import VideoFrame

from qbuild.media.images.read_write import Pixels
from qbuild.media.video.write import VideoFormat

Planes = tuple[Pixels, ...]  # Y, Cb and Cr, each [h, w] of its own size
_FULL_RANGE = 2
_SUPPORTED = {
    "yuv420p": "yuv420p",
    "yuv444p": "yuv444p",
    "yuvj420p": "yuv420p",
    "yuvj444p": "yuv444p",
}
_CONVERTED = {"yuv422p": "yuv444p", "yuvj422p": "yuvj444p"}


def format_of(frame: VideoFrame, fps: Fraction, aspect: Fraction) -> VideoFormat:
    """The format of a video with this frame, upright and with even sides."""
    sideways = frame.rotation % 180 != 0
    width, height = (frame.height, frame.width) if sideways else (frame.width, frame.height)
    video_format = VideoFormat(
        width=width // 2 * 2,
        height=height // 2 * 2,
        fps=fps,
        pix_fmt=_SUPPORTED[_target_format(frame)],
        aspect=1 / aspect if sideways else aspect,
    )
    if frame.format.is_rgb:  # its colour fields describe RGB, not Y, Cb, Cr
        return video_format
    is_full_range = frame.format.name.startswith("yuvj") or int(frame.color_range) == _FULL_RANGE
    return replace(
        video_format,
        color_range=_FULL_RANGE if is_full_range else int(frame.color_range),
        colorspace=int(frame.colorspace),
        color_primaries=int(frame.color_primaries),
        color_trc=int(frame.color_trc),
    )


def planes_of(frame: VideoFrame) -> Planes:
    """Y, Cb and Cr, each `[h, w]` of its own size, upright: views of the frame's memory."""
    turns = frame.rotation // 90  # anticlockwise, as in rot90
    if frame.format.name not in _SUPPORTED:
        frame = frame.reformat(format=_target_format(frame))
    return tuple(np.rot90(_view(frame, at), turns) for at in range(3))


def frame_of(planes: Planes, video_format: VideoFormat) -> VideoFrame:
    """A frame with these planes, in the format of its video."""
    frame = VideoFrame(video_format.width, video_format.height, video_format.pix_fmt)
    for at, plane in enumerate(planes):
        _view(frame, at)[:] = plane
    return frame


def crop_planes(planes: Planes, left: int, top: int, width: int, height: int) -> Planes:
    """A window of each plane; offsets and sides are even, in pixels of Y."""
    luma, chroma = planes[0], planes[1]
    down = 1 if chroma.shape[0] == luma.shape[0] else 2
    across = 1 if chroma.shape[1] == luma.shape[1] else 2
    window = luma[top : top + height, left : left + width]
    rows = slice(top // down, (top + height) // down)
    columns = slice(left // across, (left + width) // across)
    return (window, *(plane[rows, columns] for plane in planes[1:]))


def black_levels(video_format: VideoFormat) -> tuple[int, int, int]:
    """The value of no light in each plane."""
    return (0 if video_format.color_range == _FULL_RANGE else 16, 128, 128)


def _target_format(frame: VideoFrame) -> str:
    name = frame.format.name
    return name if name in _SUPPORTED else _CONVERTED.get(name, "yuv420p")


def _view(frame: VideoFrame, at: int) -> Pixels:
    plane = frame.planes[at]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return np.asarray(rows[: plane.height, : plane.width])
