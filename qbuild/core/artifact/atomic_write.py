"""Durable files, and errors of the disk (full, read-only, removed) as DiskError."""

from __future__ import annotations

import os
from pathlib import Path

from qbuild.core.errors import DiskError


def sync(path: Path) -> None:
    """Flush a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class disk_errors:  # noqa: N801 - reads as a statement: `with disk_errors(path):`
    """Turns an OSError into a DiskError that names `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise DiskError(
                str(self.path),
                f"cannot be written: {_reason(error)}",
                "expected a folder with room and with permission to write",
                "Free some space or choose another output; existing files were not changed.",
            ) from error


def _reason(error: OSError) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{error.filename} is not a folder"
    return os.strerror(error.errno) if error.errno else str(error)  # pyarrow has its own messages
