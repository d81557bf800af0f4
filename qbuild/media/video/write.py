"""Write H.264 files nearly without loss, with the same bytes on every run.

One thread, since the output of libx264 depends on the number of threads; a constant quantiser,
which bounds the error for any content; no B-frames and no lookahead, so that memory is a few
frames; no encoder string and no date. Frames are 4:2:0 or 4:4:4 of 8 bits; their colour range and
matrix are kept. There is no sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self, cast

import av
from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.video.frame import PictureType
from av.video.stream import VideoStream

CODEC = "libx264"
_OPTIONS = {"preset": "superfast", "bf": "0", "threads": "1", "rc-lookahead": "0"}
_BITEXACT = 1 << 23  # AV_CODEC_FLAG_BITEXACT
_NO_SEI = "filter_units=remove_types=6"  # where x264 writes its version and settings
PIXEL_FORMATS = ("yuv420p", "yuv444p")


def encoding(qp: int) -> str:
    """Codec and options as stored in rows: `libx264 bf=0 preset=superfast qp=12 …`."""
    options = {**_OPTIONS, "qp": str(qp)}
    return " ".join([CODEC, *(f"{name}={options[name]}" for name in sorted(options))])


@dataclass(frozen=True)
class VideoFormat:
    """Format of a video's frames: even sides in pixels, chroma, frame rate, and colours.

    The colour fields are ISO/IEC 23091-2 numbers, 2 for unspecified; `color_range` is 2 for 0 to
    255, 1 for 16 to 235, 0 for unspecified. `aspect` is that of a pixel, width to height.
    """

    width: int
    height: int
    fps: Fraction
    pix_fmt: str = "yuv420p"
    color_range: int = 0
    colorspace: int = 2
    color_primaries: int = 2
    color_trc: int = 2
    aspect: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if self.pix_fmt not in PIXEL_FORMATS:
            raise ValueError(f"expected {' or '.join(PIXEL_FORMATS)}, not {self.pix_fmt!r}")
        if self.width % 2 or self.height % 2 or min(self.width, self.height) < 2:
            raise ValueError(f"expected even sides from 2 px, not {self.width} x {self.height}")
        if self.fps <= 0:
            raise ValueError(f"expected a frame rate above 0, not {self.fps}")


class VideoWriter:
    """An open MP4 file to which frames are written one by one, at a constant rate.

    A context manager: without an error the file is complete, after an error it is removed.
    """

    def __init__(self, path: Path, video_format: VideoFormat, qp: int) -> None:
        self.path, self.format, self.frames = path, video_format, 0
        self._container = av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"})
        options = {**_OPTIONS, "qp": str(qp)}
        stream = self._container.add_stream(CODEC, rate=video_format.fps, options=options)
        self._stream = cast("VideoStream", stream)
        codec = self._stream.codec_context
        codec.width, codec.height = video_format.width, video_format.height
        codec.pix_fmt = video_format.pix_fmt
        codec.thread_count = 1
        codec.flags |= _BITEXACT
        codec.sample_aspect_ratio = video_format.aspect
        for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
            setattr(codec, name, getattr(video_format, name))
        self._filter: BitStreamFilterContext | None = None

    def write(self, frame: av.VideoFrame) -> None:
        """Encode a frame of the writer's format; its timestamp is overwritten."""
        actual = (frame.width, frame.height, frame.format.name)
        expected = (self.format.width, self.format.height, self.format.pix_fmt)
        if actual != expected:
            raise ValueError(f"{self.path.name}: a frame of {actual}, expected {expected}")
        frame.pts, frame.time_base = self.frames, 1 / self.format.fps
        frame.pict_type = PictureType.NONE  # the encoder decides
        self.frames += 1
        self._mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write pending packets and close the file; without a frame there is no file."""
        self._mux(self._stream.encode(None))
        self._container.close()

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            # the filter needs the stream's header, which exists once the first frame is encoded
            self._filter = self._filter or BitStreamFilterContext(_NO_SEI, self._stream)
            for filtered in self._filter.filter(packet):
                self._container.mux(filtered)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None:
            self.close()
            return
        self._container.close()
        self.path.unlink(missing_ok=True)
