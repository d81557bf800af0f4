"""Small videos and damaged files for tests: a moving texture, encoded by PyAV on one thread."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from qbuild.media.distort.motion.distortions import create_motion

ENCODER_OPTIONS = {
    # with lookahead the bytes differed now and then: one of four clips in 25 processes
    "libx264": {"preset": "veryfast", "rc-lookahead": "0"},
    "libx265": {"preset": "ultrafast", "x265-params": "pools=1:frame-threads=1:log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
}


@dataclass(frozen=True)
class Clip:
    """Properties of a clip; `rotation` is the rotation in its header, in degrees anticlockwise.

    `starts` are the times of the frames in ticks of 1/1000 s, for a variable rate.
    """

    codec: str = "libx264"
    frames: int = 12
    width: int = 96
    height: int = 64
    rate: Fraction | int = 30
    pixel_format: str = "yuv420p"
    rotation: int = 0
    colorspace: int | None = None
    color_range: int | None = None
    starts: tuple[int, ...] | None = None
    sound: bool = False
    front_index: bool = False


def make_clip(path: Path, clip: Clip | None = None, **properties: Any) -> Path:
    """Write a clip and return its path; skips the test if the encoder is missing."""
    clip = clip or Clip(**properties)
    if clip.codec not in av.codecs_available:
        pytest.skip(f"this build of PyAV has no encoder {clip.codec}")
    flags = {"movflags": "+faststart"} if clip.front_index else {}
    with av.open(str(path), "w", options=flags) as container:
        stream = _video_stream(container, clip)
        sound = container.add_stream("aac", rate=8000) if clip.sound else None
        for index in range(clip.frames):
            container.mux(stream.encode(_frame(clip, index)))
        container.mux(stream.encode())
        if sound is not None:
            _add_sound(container, sound, float(clip.frames / Fraction(clip.rate)))
    return path


def make_sound(path: Path, seconds: float = 1.0) -> Path:
    """Write a file with sound only."""
    with av.open(str(path), "w") as container:
        _add_sound(container, container.add_stream("aac", rate=8000), seconds)
    return path


def truncate(path: Path, share: float) -> Path:
    """Write a copy that ends after this share of the bytes."""
    data = path.read_bytes()
    short = path.with_name(f"cut-{path.name}")
    short.write_bytes(data[: int(len(data) * share)])
    return short


def overwrite_middle(path: Path, start: float = 0.4, stop: float = 0.6) -> Path:
    """Write a copy with zeros between these shares of the bytes."""
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * stop)
    data[first:last] = bytes(last - first)
    bad = path.with_name(f"damaged-{path.name}")
    bad.write_bytes(data)
    return bad


@cache
def _texture() -> np.ndarray:
    """Blurred coloured noise, uint8 [1200, 2200, 3]."""
    noise = np.random.default_rng(7).integers(0, 256, (1200, 2200, 3), dtype=np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 4).astype(np.float32)
    return cv2.normalize(soft, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def draw_frame(index: int, width: int, height: int) -> np.ndarray:
    """Frame `index` before encoding, uint8 [height, width, 3]: moves by two pixels per frame.

    Its white upper left corner shows rotation.
    """
    at = index % 400
    pixels = _texture()[at : at + height, 2 * at : 2 * at + width].copy()
    pixels[: height // 4, : width // 4] = 250
    return pixels


def distort_clip(
    frames: np.ndarray, name: str, severity: int, fps: Fraction, seed: int
) -> np.ndarray:
    """A copy of a clip `[t, h, w, 3]` with a motion distortion."""
    distortion = create_motion(name, severity, len(frames), fps, seed)
    distorted = np.empty_like(frames)
    for number, pixels in enumerate(frames):
        repeats = distortion.repeats_previous(number)
        distorted[number] = distorted[number - 1] if repeats else distortion.apply(pixels, number)
    return distorted


def _video_stream(container: Any, clip: Clip) -> Any:
    stream = container.add_stream(clip.codec, rate=clip.rate)
    stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, clip.pixel_format
    stream.codec_context.thread_count = 1
    stream.options = ENCODER_OPTIONS.get(clip.codec, {})
    if clip.starts is not None:
        stream.codec_context.time_base = Fraction(1, 1000)
    if clip.colorspace is not None:
        stream.codec_context.colorspace = clip.colorspace
    if clip.color_range is not None:
        stream.codec_context.color_range = clip.color_range
    if clip.rotation:
        stream.set_display_rotation(clip.rotation)
    return stream


def _frame(clip: Clip, index: int) -> av.VideoFrame:
    rgb = av.VideoFrame.from_ndarray(draw_frame(index, clip.width, clip.height), format="rgb24")
    frame = rgb.reformat(
        format=clip.pixel_format,
        dst_colorspace=clip.colorspace,
        dst_color_range=clip.color_range,
    )
    ticks = clip.starts is not None
    frame.pts = clip.starts[index] if clip.starts is not None else index
    frame.time_base = Fraction(1, 1000) if ticks else 1 / Fraction(clip.rate)
    return frame


def _add_sound(container: Any, stream: Any, seconds: float) -> None:
    tone = np.sin(np.arange(int(8000 * seconds)) / 8).astype(np.float32)
    for start in range(0, len(tone), 1024):
        frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "fltp", "mono")
        frame.sample_rate, frame.pts = 8000, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
