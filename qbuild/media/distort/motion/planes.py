"""Frames of a video as upright planes Y, Cb, Cr, and back: never by way of RGB, which loses.

Full range, matrix and pixel aspect stay what the source says. What is not 4:2:0 or 4:4:4 of 8 bits
is brought there: 4:2:2 to 4:4:4, anything else to 4:2:0.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from av import VideoFrame

from qbuild.media.video.write import Form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.uint8]

_FULL = 2  # of a colour range
_TAKEN = {"yuv420p": "yuv420p", "yuv444p": "yuv444p", "yuvj420p": "yuv420p", "yuvj444p": "yuv444p"}
_WIDENED = {"yuv422p": "yuv444p", "yuvj422p": "yuvj444p"}


def form_of(frame: VideoFrame, fps: Fraction, aspect: Fraction) -> Form:
    """The form of a video with this frame, turned upright, its sides made even."""
    sideways = frame.rotation % 180 != 0
    width, height = (frame.height, frame.width) if sideways else (frame.width, frame.height)
    form = Form(
        width=width // 2 * 2,
        height=height // 2 * 2,
        fps=fps,
        pix_fmt=_TAKEN[_brought_to(frame)],
        aspect=1 / aspect if sideways else aspect,
    )
    if frame.format.is_rgb:  # its matrix says so, and is none of Y, Cb, Cr
        return form
    full = frame.format.name.startswith("yuvj") or int(frame.color_range) == _FULL
    return replace(
        form,
        color_range=_FULL if full else int(frame.color_range),
        colorspace=int(frame.colorspace),
        color_primaries=int(frame.color_primaries),
        color_trc=int(frame.color_trc),
    )


def planes_of(frame: VideoFrame) -> tuple[Plane, ...]:
    """Y, Cb and Cr, each `[h, w]` of its own size, upright: views of the frame's memory."""
    turns = frame.rotation // 90  # anticlockwise, as rot90 takes them
    if frame.format.name not in _TAKEN:
        frame = frame.reformat(format=_brought_to(frame))
    return tuple(np.rot90(_view(frame, at), turns) for at in range(3))


def frame_of(planes: tuple[Plane, ...], form: Form) -> VideoFrame:
    """A frame with these planes, in the form of its video."""
    frame = VideoFrame(form.width, form.height, form.pix_fmt)
    for at, plane in enumerate(planes):
        _view(frame, at)[:] = plane
    return frame


def cut_out(
    planes: tuple[Plane, ...], left: int, top: int, width: int, height: int
) -> tuple[Plane, ...]:
    """A window of each plane; offsets and sides in pixels of Y, even."""
    luma, chroma = planes[0], planes[1]
    down = 1 if chroma.shape[0] == luma.shape[0] else 2
    across = 1 if chroma.shape[1] == luma.shape[1] else 2
    window = luma[top : top + height, left : left + width]
    rows = slice(top // down, (top + height) // down)
    columns = slice(left // across, (left + width) // across)
    return (window, *(plane[rows, columns] for plane in planes[1:]))


def dark_of(form: Form) -> tuple[int, int, int]:
    """What stands for no light in each plane."""
    return (0 if form.color_range == _FULL else 16, 128, 128)


def _brought_to(frame: VideoFrame) -> str:
    name = frame.format.name
    return name if name in _TAKEN else _WIDENED.get(name, "yuv420p")


def _view(frame: VideoFrame, at: int) -> Plane:
    plane = frame.planes[at]
    whole = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return np.asarray(whole[: plane.height, : plane.width])
