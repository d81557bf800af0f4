"""Folders that stages fill with files: media next to an artifact, or an export.

Only the engine writes here. A file is written to a temporary name and renamed, or kept where it
has the same bytes already, so that a resumed run reuses it. Files of earlier runs are removed
after the description is in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.core.canonical import hash_bytes, hash_file
from qbuild.core.errors import StageError, UsageError
from qbuild.core.scratch import LocksUnsupportedError, sweep_temporaries, temporary_name, try_lock

DESCRIPTION = "qbuild.json"
FOLDER_ARTIFACT = "artifact.parquet"
MEDIA = "media"
_MARK = ".qbuild-output"  # marks a folder that qbuild may fill and sweep


@dataclass(frozen=True)
class File:
    """A file of a stage: its name below the folder, and its bytes or a scratch file to move."""

    name: str
    data: bytes | Path


def safe_name(name: str) -> bool:
    """Whether a relative POSIX path stays below its folder; `a..b` is allowed as a name."""
    parts = PurePosixPath(name).parts
    unsafe = name.startswith("/") or "\\" in name or "\0" in name or ".." in parts
    return bool(parts) and not unsafe and PurePosixPath(name).as_posix() == name


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Lock the folder for this run; UsageError where it holds other files or is locked."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            str(folder), "is a file", "expected a folder or a new name", "Choose another output."
        )
    if folder.is_dir() and not (folder / _MARK).exists() and any(folder.iterdir()):
        raise UsageError(
            str(folder),
            "holds files that were not written by a stage of qbuild",
            "expected an empty folder, a new name or an earlier output",
            "Choose another output.",
        )
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).touch()
        try:
            lock = try_lock(folder / _MARK)
        except LocksUnsupportedError:  # without locks nothing is swept
            yield
            return
    if lock is None:
        raise UsageError(
            str(folder),
            "is in use by another run",
            "expected one run at a time",
            "Wait until it ends, or choose another output.",
        )
    try:
        sweep_temporaries(folder)
        yield
    finally:
        lock.release()


def put(folder: Path, file: File) -> None:
    """Write a file durably below `folder`, unless it has the same bytes already."""
    if not safe_name(file.name):
        raise StageError(file.name, "leaves its folder", "expected a relative path without `..`")
    target = folder / file.name
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(file.data, Path):
            _move(file.data, target)
        elif not (target.is_file() and target.read_bytes() == file.data):
            _write(file.data, target)


def export(folder: Path, files: Iterable[File]) -> dict[str, str]:
    """Write an export's files; the hash of each by name, so that an incomplete export is noticed.

    The hash is of the stage's bytes, not of the file afterwards: another run may write there too.
    """
    hashes = {}
    for file in files:
        data = file.data
        hashes[file.name] = hash_file(data) if isinstance(data, Path) else hash_bytes(data)
        put(folder, file)
    return dict(sorted(hashes.items()))


def describe(folder: Path, description: str) -> None:
    """Write `qbuild.json` (canonical JSON), the last file of an export."""
    target = folder / DESCRIPTION
    with disk_errors(target):
        _write((description + "\n").encode(), target)
        sync(folder)


def sweep(folder: Path, keep: set[str]) -> list[str]:
    """Remove files below `folder` with relative names outside `keep`; return the names removed."""
    removed: list[str] = []
    if not folder.is_dir():
        return removed
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif name not in keep and name != _MARK:
            path.unlink()
            removed.append(name)
    return sorted(removed)


def _write(data: bytes, target: Path) -> None:
    """Write to a temporary name, then rename; a failure leaves no file."""
    temporary = temporary_name(target)
    try:
        temporary.write_bytes(data)
        sync(temporary)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _move(source: Path, target: Path) -> None:
    if target.is_file() and hash_file(target) == hash_file(source):
        source.unlink()
        return
    sync(source)
    source.replace(target)
