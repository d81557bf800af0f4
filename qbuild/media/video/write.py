"""H.264 files that add no distortion of their own, with the same bytes on every run.

One thread, for libx264's output depends on their number; a constant quantiser, for its error is
bounded whatever the video shows; no B-frames and no lookahead, so that memory is a few frames; no
encoder string and no date. Frames come as 4:2:0 or 4:4:4 of 8 bits; their range and their matrix
are handed on. There is no sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self, cast

import av
from av.bitstream import BitStreamFilterContext
from av.video.frame import PictureType

if TYPE_CHECKING:
    from pathlib import Path

    from av.packet import Packet
    from av.video.stream import VideoStream

CODEC = "libx264"
_OPTIONS = {"preset": "superfast", "bf": "0", "threads": "1", "rc-lookahead": "0"}
_BITEXACT = 1 << 23  # AV_CODEC_FLAG_BITEXACT
_NO_SEI = "filter_units=remove_types=6"  # x264 names its build and all its settings there
FORMATS = ("yuv420p", "yuv444p")


def encoding(qp: int) -> str:
    """Codec and options as rows name them: `libx264 bf=0 preset=superfast qp=12 …`."""
    options = {**_OPTIONS, "qp": str(qp)}
    return " ".join([CODEC, *(f"{name}={options[name]}" for name in sorted(options))])


@dataclass(frozen=True)
class Form:
    """What a video's frames are: even sides in pixels, chroma, frame rate, and how colours count.

    The colour fields are ISO/IEC 23091-2 numbers, 2 where the source says nothing; `color_range`
    is 2 for 0 to 255, 1 for 16 to 235, 0 unsaid. `aspect` is that of a pixel, width to height.
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
        if self.pix_fmt not in FORMATS:
            raise ValueError(f"expected {' or '.join(FORMATS)}, not {self.pix_fmt!r}")
        if self.width % 2 or self.height % 2 or min(self.width, self.height) < 2:
            raise ValueError(f"expected even sides from 2 px, not {self.width} x {self.height}")
        if self.fps <= 0:
            raise ValueError(f"expected a frame rate above 0, not {self.fps}")


class VideoWriter:
    """An open MP4 file that takes frames one by one, at a constant rate.

    A context manager: left in good order the file is whole, left by an error it is removed.
    """

    def __init__(self, path: Path, form: Form, qp: int) -> None:
        self.path, self.form, self.frames = path, form, 0
        self._container = av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"})
        options = {**_OPTIONS, "qp": str(qp)}
        stream = self._container.add_stream(CODEC, rate=form.fps, options=options)
        self._stream = cast("VideoStream", stream)
        codec = self._stream.codec_context
        codec.width, codec.height, codec.pix_fmt = form.width, form.height, form.pix_fmt
        codec.thread_count = 1
        codec.flags |= _BITEXACT
        codec.sample_aspect_ratio = form.aspect
        for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
            setattr(codec, name, getattr(form, name))
        self._filter: BitStreamFilterContext | None = None

    def write(self, frame: av.VideoFrame) -> None:
        """Encode a frame of the writer's form; its own time is overwritten, its pixels are not."""
        given = (frame.width, frame.height, frame.format.name)
        wanted = (self.form.width, self.form.height, self.form.pix_fmt)
        if given != wanted:
            raise ValueError(f"{self.path.name}: a frame of {given}, expected {wanted}")
        frame.pts, frame.time_base = self.frames, 1 / self.form.fps
        frame.pict_type = PictureType.NONE  # the encoder decides
        self.frames += 1
        self._mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is pending; the file is whole then, and not there without a frame."""
        self._mux(self._stream.encode(None))
        self._container.close()

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            # the filter takes the stream's header, which is there once the first frame is encoded
            self._filter = self._filter or BitStreamFilterContext(_NO_SEI, self._stream)
            for kept in self._filter.filter(packet):
                self._container.mux(kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None:
            self.close()
            return
        self._container.close()
        self.path.unlink(missing_ok=True)
