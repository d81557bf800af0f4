"""The properties of an image or video, determined by decoding all of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from qbuild.core.canonical import hash_file
from qbuild.media.images.read_write import MAX_PIXELS, image_format, read_image
from qbuild.media.unreadable import UnreadableMediaError, file_size, reject_disk_errors
from qbuild.quality.media_types import SUFFIXES


@dataclass(frozen=True)
class MediaProperties:
    """Properties of one medium; sizes are as displayed. Those of videos are None for an image.

    codec is the format of an image (png, jpeg) or the codec of a video (h264); sha256 is that of
    the file.
    """

    kind: Literal["image", "video"]
    codec: str | None
    width: int
    height: int
    sha256: str
    size_bytes: int
    fps: Fraction | None = None
    num_frames: int | None = None
    duration_s: float | None = None
    rotation: int | None = None
    variable_rate: bool | None = None


def probe(path: Path, max_pixels: int = MAX_PIXELS) -> MediaProperties:
    """The properties by content, whatever the suffix; an animated GIF or WebP is an image.

    Raises UnreadableMediaError for a file that does not decode completely.
    """
    size = file_size(path)
    with reject_disk_errors(path):
        codec = image_format(path)
        if codec is None:
            return _probe_video(path, size, max_pixels)
        height, width, _ = read_image(path, max_pixels).buffer.shape
        return MediaProperties("image", codec, width, height, _sha256(path), size)


def _probe_video(path: Path, size: int, max_pixels: int) -> MediaProperties:
    from qbuild.media.video.decoders.header import read_header
    from qbuild.media.video.decoders.with_pyav import decode
    from qbuild.media.video.read import info_of

    try:
        header = read_header(path, max_pixels)
    except UnreadableMediaError as error:
        if error.reason == "not-a-video" and path.suffix[1:].lower() in SUFFIXES["image"]:
            text = f"{path.name} is neither a readable image nor a video"
            raise UnreadableMediaError("not-a-picture", text) from error
        raise
    for _, stats in decode(header):  # noqa: B007 - complete after the last frame
        pass
    info = info_of(header, stats, stats.decoded)
    return MediaProperties(kind="video", sha256=_sha256(path), size_bytes=size, **vars(info))


def _sha256(path: Path) -> str:
    return hash_file(path).removeprefix("sha256:")
