"""Why a picture or a video cannot be read, as a typed word and a sentence."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
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
    "too-large",
    "too-short",
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
    with disk_refusals(path):
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            message = f"{name} is a folder or a device; expected a file"
            raise UnreadableMediaError("not-a-file", message)
        with path.open("rb"):
            pass
    if found.st_size == 0:
        raise UnreadableMediaError("empty-file", f"{name} holds 0 bytes")
    return found.st_size


@contextmanager
def disk_refusals(path: Path) -> Iterator[None]:
    """Raise UnreadableMediaError for a file that the disk does not give, or gives no longer."""
    name = path.name
    try:
        yield
    except PermissionError as error:
        raise UnreadableMediaError("no-permission", f"{name} may not be read") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "is a link to a file that is not there" if path.is_symlink() else "is not there"
        raise UnreadableMediaError("missing-file", f"{name} {what}") from error
    except OSError as error:  # links in a circle, a name too long, a disk that fails
        message = f"{name} cannot be opened ({error.strerror})"
        raise UnreadableMediaError("missing-file", message) from error


def check_pixels(name: str, width: int, height: int, limit: int) -> None:
    """Raise UnreadableMediaError for a size that is no size, or beyond the limit."""
    if width < 1 or height < 1:
        raise UnreadableMediaError("damaged", f"{name} says it is {width}x{height} pixels")
    if width * height > limit:
        raise UnreadableMediaError(
            "too-many-pixels",
            f"{name} says it is {width}x{height} pixels; expected {limit:,} at most",
        )
