"""Why an image or a video cannot be read: the error, and the checks before decoding."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qbuild.core.rows.rejections import RejectedError


class UnreadableMediaError(RejectedError):
    """An image or video that cannot be read; `docs/media.md` lists the reasons."""


def file_size(path: Path) -> int:
    """The size in bytes of a readable, non-empty file; raises UnreadableMediaError otherwise."""
    name = path.name
    with reject_disk_errors(path):
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            message = f"{name} is a folder or a device; expected a file"
            raise UnreadableMediaError("not-a-file", message)
        with path.open("rb"):
            pass
    if status.st_size == 0:
        raise UnreadableMediaError("empty-file", f"{name} holds 0 bytes")
    return status.st_size


@contextmanager
def reject_disk_errors(path: Path) -> Iterator[None]:
    """Raise UnreadableMediaError for a file that is missing or that the disk cannot read."""
    name = path.name
    try:
        yield
    except PermissionError as error:
        raise UnreadableMediaError("no-permission", f"{name} may not be read") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "is a link to a missing file" if path.is_symlink() else "does not exist"
        raise UnreadableMediaError("missing-file", f"{name} {what}") from error
    except OSError as error:  # links in a circle, a name too long, a disk that fails
        message = f"{name} cannot be opened ({error.strerror})"
        raise UnreadableMediaError("missing-file", message) from error


def check_pixels(name: str, width: int, height: int, limit: int) -> None:
    """Raise UnreadableMediaError for a declared size that is not valid or exceeds the limit."""
    if width < 1 or height < 1:
        raise UnreadableMediaError("damaged", f"{name} declares a size of {width}x{height} pixels")
    if width * height > limit:
        raise UnreadableMediaError(
            "too-many-pixels",
            f"{name} declares a size of {width}x{height} pixels; expected {limit:,} at most",
        )
