"""A video file opened, and what its container says, before anything is decoded."""

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

# Containers of one file. Playlists, which fetch what they name, pictures and text are not here.
CONTAINERS = (
    "asf avi dv flv gxf h264 hevc ivf m4v matroska mov mpeg mpegts mpegvideo mxf nut ogg rm"
)
OPTIONS = {
    "format_whitelist": f"{CONTAINERS} webm wtv y4m yuv4mpegpipe".replace(" ", ","),
    "protocol_whitelist": "file",
}


@dataclass(frozen=True)
class Source:
    """A file that holds a video, by its header: nothing here is counted."""

    path: Path
    codec: str
    decodable: bool
    fps: Fraction
    declared_frames: int  # 0 where the container does not say
    has_audio: bool
    max_pixels: int


def source(path: Path, max_pixels: int) -> Source:
    """What the header says; raises UnreadableMediaError for what is no video or too large."""
    with opened(path) as (container, stream):
        coded = stream.codec_context
        codec = "unknown" if coded is None else str(coded.codec.canonical_name)
        if coded is not None:
            check_pixels(path.name, coded.width, coded.height, max_pixels)
        return Source(
            path=path,
            codec=codec,
            decodable=coded is not None,
            fps=_rate(path, stream),
            declared_frames=stream.frames,
            has_audio=bool(container.streams.audio),
            max_pixels=max_pixels,
        )


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first video stream; a cover picture of a piece of music is none."""
    size = file_size(path)
    try:
        container = av.open(str(path), options=OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise _no_video(path, error) from error
    with container:
        cover = av.stream.Disposition.attached_pic
        streams = [s for s in container.streams.video if not s.disposition & cover]
        if not streams:
            raise UnreadableMediaError(
                "no-video-stream", f"{path.name} holds no video stream, only {_kinds(container)}"
            )
        reach = max((entry.pos + entry.size for entry in streams[0].index_entries), default=0)
        if reach > size:
            raise UnreadableMediaError(
                "truncated", f"{path.name} has {size:,} bytes; its index reaches to {reach:,}"
            )
        yield container, streams[0]


def _kinds(container: InputContainer) -> str:
    """What streams there are where a video stream can only be a cover picture."""
    kinds = {"a cover picture" if s.type == "video" else str(s.type) for s in container.streams}
    return ", ".join(sorted(kinds)) or "nothing"


def _no_video(path: Path, error: Exception) -> UnreadableMediaError:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        message = f"{path.name} begins as MP4 but its index (moov) is missing"
        return UnreadableMediaError("truncated", message)
    message = f"{path.name} is no video that can be read; expected MP4, WebM, MKV, AVI or the like"
    return UnreadableMediaError("not-a-video", f"{message} ({type(error).__name__})")


def _rate(path: Path, stream: VideoStream) -> Fraction:
    rate = stream.average_rate or stream.guessed_rate
    if not rate or rate <= 0:
        raise UnreadableMediaError("no-frame-rate", f"{path.name} states no frame rate")
    return Fraction(rate)
