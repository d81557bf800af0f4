"""Hidden folders for unfinished files; a lock shows whether the run that owns one is still alive.

A process id has no meaning across hosts and containers that share a folder. The kernel
releases a lock when the process that holds it ends, however it ends.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP
from pathlib import Path
from typing import TYPE_CHECKING

from qbuild.core.artifact.atomic_write import disk_errors, sync

if TYPE_CHECKING:
    from filelock import BaseFileLock

REPLACED = "replaced"  # in a scratch folder: the old output, until the new one is in place
_LOCK = ".lock"
_NAME = re.compile(r"\..*\.[0-9a-f]{16}\.(scratch|tmp)\Z", re.DOTALL)
_SHOWN = 40  # characters of the output's name, to stay within limits of file systems
_NO_LOCKS = frozenset({EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP})


class LocksUnsupportedError(Exception):
    """This disk does not support locks."""


def try_lock(path: Path) -> BaseFileLock | None:
    """Lock a file until the lock is released; None if another run holds it.

    Raises LocksUnsupportedError, and OSError where the file cannot be opened.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=0, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise LocksUnsupportedError(str(path)) from error
        raise
    return lock


def temporary_name(path: Path) -> Path:
    """A unique hidden name next to `path`, for a file in a folder that this run has claimed."""
    return path.with_name(f".{path.name[:_SHOWN]}.{secrets.token_hex(8)}.tmp")


@contextmanager
def scratch_folder(output: Path) -> Iterator[Path]:
    """A hidden folder next to `output` for this run only, removed at the end.

    Folders of runs that have ended are removed first.
    """
    with disk_errors(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        sweep_dead(output.parent)
        folder, lock = _locked_folder(output)
    try:
        yield folder
    finally:
        _restore(folder)
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            lock.release()


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary file that is synced and renamed to `path` at the end; removed on failure."""
    with scratch_folder(path) as scratch, disk_errors(path):
        temporary = scratch / path.name
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)


def sweep_dead(folder: Path) -> None:
    """Remove the scratch folders in `folder` whose run has ended."""
    for path in folder.glob(".*.scratch"):
        if path.is_symlink() or not _NAME.match(path.name):
            continue
        with suppress(OSError, LocksUnsupportedError):  # of another user
            lock = try_lock(path / _LOCK)
            if lock is not None:
                _restore(path)
                shutil.rmtree(path, ignore_errors=True)
                lock.release()


def sweep_temporaries(folder: Path) -> None:
    """Remove temporary files from a folder that this run has claimed: no other run writes there."""
    for path in folder.glob(".*.tmp"):
        if _NAME.match(path.name):
            with suppress(OSError):
                path.unlink()


def _locked_folder(output: Path) -> tuple[Path, BaseFileLock | None]:
    """A new folder and its lock; None where the disk has no locks: no run sweeps it then."""
    while True:
        token = secrets.token_hex(8)
        folder = output.parent / f".{output.name[:_SHOWN]}.{token}.scratch"  # `.` has no name
        folder.mkdir()
        try:
            lock = try_lock(folder / _LOCK)
        except LocksUnsupportedError:
            return folder, None
        except (FileNotFoundError, FileExistsError):
            continue  # removed by another run before it was locked
        if lock is not None:
            return folder, lock


def _restore(scratch: Path) -> None:
    """Put back an old output whose replacement was never finished."""
    if (scratch / REPLACED).is_dir():
        for old in (scratch / REPLACED).iterdir():
            target = scratch.with_name(old.name)
            if not target.exists():
                old.rename(target)
