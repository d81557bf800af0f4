"""Why a picture or a video cannot be read, as a typed word and a sentence."""

from __future__ import annotations

from pathlib import Path

REASONS = (
    "missing-file",
    "not-a-file",
    "no-permission",
    "empty-file",
    "not-a-picture",
    "not-a-video",
    "no-video-stream",
    "unsupported-codec",
    "unsupported-mode",
    "too-many-pixels",
    "too-many-frames",
    "too-small",
    "size-changes",
    "truncated",
    "damaged",
    "no-frames",
    "no-frame-rate",
    "decoder-crashed",
    "decoder-hung",
)


class UnreadableMediaError(Exception):
    """A medium that cannot be read: one of REASONS, and what is wrong with which value.

    It stands in the rejected file of a stage and travels between processes.
    """

    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(reason, message)

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


def file_size(path: Path) -> int:
    """Bytes of a file that can be opened and holds any; raises UnreadableMediaError otherwise."""
    name = path.name
    if not path.exists():
        raise UnreadableMediaError("missing-file", f"{name} is not there")
    if not path.is_file():
        raise UnreadableMediaError("not-a-file", f"{name} is a folder or a device; expected a file")
    try:
        with path.open("rb"):
            size = path.stat().st_size
    except PermissionError as error:
        raise UnreadableMediaError("no-permission", f"{name} may not be read") from error
    if size == 0:
        raise UnreadableMediaError("empty-file", f"{name} holds 0 bytes")
    return size


def check_pixels(name: str, width: int, height: int, limit: int) -> None:
    """Raise UnreadableMediaError for a size that is no size, or beyond the limit."""
    if width < 1 or height < 1:
        raise UnreadableMediaError("damaged", f"{name} says it is {width}x{height} pixels")
    if width * height > limit:
        raise UnreadableMediaError(
            "too-many-pixels",
            f"{name} says it is {width}x{height} pixels; expected {limit:,} at most",
        )
