"""Open a video file and read its header, without decoding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from qbuild.media.unreadable import UnreadableMediaError, check_pixels, file_size

# Containers of one file; without playlists, which load other files, images and text.
CONTAINERS = (
    "asf avi dv flv gxf h264 hevc ivf m4v matroska mov mpeg mpegts mpegvideo mxf nut ogg rm"
)
OPTIONS = {
    "format_whitelist": f"{CONTAINERS} webm wtv y4m yuv4mpegpipe".replace(" ", ","),
    "protocol_whitelist": "file",
}


@dataclass(frozen=True)
class VideoHeader:
    """A video file as its header declares it; nothing is counted."""

    path: Path
    codec: str
    decodable: bool
    fps: Fraction
    declared_frames: int  # 0 if the container does not declare it
    max_pixels: int


def read_header(path: Path, max_pixels: int) -> VideoHeader:
    """Read the header; raises UnreadableMediaError for other content or a frame too large."""
    with open_video(path) as (_, stream):
        context = stream.codec_context
        codec = "unknown" if context is None else str(context.codec.canonical_name)
        if context is not None:
            check_pixels(path.name, context.width, context.height, max_pixels)
        rate = stream.average_rate or stream.guessed_rate
        if not rate or rate <= 0:
            raise UnreadableMediaError("no-frame-rate", f"{path.name} declares no frame rate")
        return VideoHeader(
            path=path,
            codec=codec,
            decodable=context is not None,
            fps=Fraction(rate),
            declared_frames=stream.frames,
            max_pixels=max_pixels,
        )


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the container and its first video stream; cover art of music does not count as video."""
    size = file_size(path)
    try:
        container = av.open(str(path), options=OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise _not_a_video(path, error) from error
    with container:
        cover = av.stream.Disposition.attached_pic
        streams = [s for s in container.streams.video if not s.disposition & cover]
        if not streams:
            raise UnreadableMediaError(
                "no-video-stream", f"{path.name} holds no video stream, only {_kinds(container)}"
            )
        index_end = max((entry.pos + entry.size for entry in streams[0].index_entries), default=0)
        if index_end > size:
            raise UnreadableMediaError(
                "truncated", f"{path.name} has {size:,} bytes; its index reaches to {index_end:,}"
            )
        yield container, streams[0]


def _kinds(container: InputContainer) -> str:
    """The kinds of the streams; a video stream here can only be cover art."""
    kinds = {"cover art" if s.type == "video" else str(s.type) for s in container.streams}
    return ", ".join(sorted(kinds)) or "nothing"


def _not_a_video(path: Path, error: Exception) -> UnreadableMediaError:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        message = f"{path.name} starts as an MP4 file but its index (moov) is missing"
        return UnreadableMediaError("truncated", message)
    message = f"{path.name} is not a readable video; expected MP4, WebM, MKV, AVI or similar"
    return UnreadableMediaError("not-a-video", f"{message} ({type(error).__name__})")
