"""What a medium is, known only after every pixel of it was decoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from qbuild.core.canonical import hash_file
from qbuild.media.images.read_write import MAX_PIXELS, image_format, read_image
from qbuild.media.unreadable import UnreadableMediaError, file_size, reject_disk_errors
from qbuild.quality.media_types import IMAGES


@dataclass(frozen=True)
class Probed:
    """One medium; sizes as displayed. What only a video has is None for an image.

    codec is the picture's format (png, jpeg) or the video's codec (h264); sha256 is of the file.
    """

    kind: Literal["image", "video"]
    codec: str | None
    width: int
    height: int
    fps: Fraction | None
    num_frames: int | None
    duration_s: float | None
    rotation: int | None
    variable_rate: bool | None
    sha256: str
    size_bytes: int


def probe(path: Path, max_pixels: int = MAX_PIXELS) -> Probed:
    """What the content is, whatever the name says; an animated GIF or WebP is an image.

    Raises UnreadableMediaError for anything that does not decode from its first byte to its last.
    """
    size = file_size(path)
    with reject_disk_errors(path):
        found = image_format(path)
        if found is not None:
            return _picture(path, found, size, max_pixels)
        return _video(path, size, max_pixels)


def _picture(path: Path, codec: str, size: int, max_pixels: int) -> Probed:
    height, width, _ = read_image(path, max_pixels).buffer.shape
    return Probed(
        kind="image",
        codec=codec,
        width=width,
        height=height,
        fps=None,
        num_frames=None,
        duration_s=None,
        rotation=None,
        variable_rate=None,
        sha256=hash_file(path).removeprefix("sha256:"),
        size_bytes=size,
    )


def _video(path: Path, size: int, max_pixels: int) -> Probed:
    from qbuild.media.video.decoders.source import source
    from qbuild.media.video.decoders.with_pyav import decoded
    from qbuild.media.video.read import info_of

    try:
        opened = source(path, max_pixels)
    except UnreadableMediaError as error:
        if error.reason == "not-a-video" and path.suffix[1:].lower() in IMAGES.split("|"):
            text = f"{path.name} is neither a picture that can be read nor a video"
            raise UnreadableMediaError("not-a-picture", text) from error
        raise
    for _, tally in decoded(opened):  # noqa: B007 - at the end it is the whole tally
        pass
    info = info_of(opened, tally, tally.decoded)
    return Probed(
        kind="video",
        codec=info.codec,
        width=info.width,
        height=info.height,
        fps=info.fps,
        num_frames=info.num_frames,
        duration_s=info.duration_s,
        rotation=info.rotation,
        variable_rate=info.variable_rate,
        sha256=hash_file(path).removeprefix("sha256:"),
        size_bytes=size,
    )
