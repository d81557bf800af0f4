"""Durable appending for many waiters at once: one write and one sync for all lines that wait.

A thread writes, so that the event loop never waits for the disk. When the disk fails, the lines
that could not be written stay in memory; those that were paid for are tried again in a segment of
their own, on the room of a file kept in reserve for that.
"""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.core.errors import DiskError
from qbuild.llm.ledger.segments import SEGMENT_BYTES, segment_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RESERVE = "ledger.reserve"


@dataclass
class _Waiting:
    """A line on its way to the disk; `place` is set where it got there."""

    line: bytes
    paid: bool
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[int]


class Journal:
    """Appends lines to the segments of a folder; a place is `segment << 40 | offset`."""

    def __init__(self, folder: Path, last: int, reserve_bytes: int) -> None:
        self.folder, self.number = folder, last
        self.failure: OSError | None = None
        self.unwritten: list[bytes] = []  # paid answers that found no room
        self.syncs = 0
        self._reserve = folder / RESERVE
        self._waiting: list[_Waiting] = []
        self._wake = threading.Condition()
        self._closed = False
        self._rescuing = False  # whether we write in the segment that a full disk made us begin
        self._handle, self._size = -1, 0
        with disk_errors(folder):
            _fill(self._reserve, reserve_bytes)
            self._open(last)
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    def append(self, line: bytes, paid: bool = False) -> asyncio.Future[int]:
        """The place of the line, once it is durable; DiskError where it never will be here.

        Lines come to the disk in the order of the calls. After a failure only those that are
        `paid` for are still tried.
        """
        if self.failure is not None and not paid:
            raise self.error()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(line, paid, loop, loop.create_future())
        # seen, whether or not its waiter is still there: asyncio would print it on stderr
        waiting.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        with self._wake:
            self._waiting.append(waiting)
            self._wake.notify()
        return waiting.done

    def close(self) -> None:
        """End the thread after all that waits; DiskError where a paid answer was not written."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        if self.unwritten and self._rescue(self.unwritten) is not None:
            self.unwritten = []
        os.close(self._handle)
        self._reserve.unlink(missing_ok=True)
        if self.unwritten:
            raise self.error()

    def error(self) -> DiskError:
        """What ended the writing, in words."""
        lost = f"; {len(self.unwritten)} paid answers are not on the disk" if self.unwritten else ""
        reason = os.strerror(self.failure.errno or 0) if self.failure else "unknown"
        return DiskError(
            str(segment_path(self.folder, self.number)),
            f"the ledger cannot be written: {reason}{lost}",
            "expected room for every answer; nothing more was sent",
            "Free some space and run again: what is in the ledger is not asked again.",
        )

    def _work(self) -> None:
        """The thread: takes all that waits, writes it, tells each waiter."""
        while True:
            with self._wake:
                while not self._waiting and not self._closed:
                    self._wake.wait()
                batch, self._waiting = self._waiting, []
            if not batch:
                return
            self._commit(batch)

    def _commit(self, batch: list[_Waiting]) -> None:
        if self.failure is None:
            try:
                places = self._write([each.line for each in batch])
            except OSError as error:
                self.failure = error
            else:
                return _tell(batch, places)
        paid = [each for each in batch if each.paid]
        rescued = self._rescue([each.line for each in paid])
        if rescued is None:
            self.unwritten += [each.line for each in paid]
        at = dict(zip(map(id, paid), rescued or [], strict=False))
        return _tell(batch, [at.get(id(each), self.error()) for each in batch])

    def _rescue(self, lines: list[bytes]) -> list[int] | None:
        """The places of lines in a segment of their own; None where there is no room for it."""
        if not lines:
            return []
        try:
            self._reserve.unlink(missing_ok=True)
            if not self._rescuing:
                self._open(self.number + 1)
            self._rescuing = True
            return self._write(lines)
        except OSError:
            self._rescuing = False
            return None

    def _write(self, lines: list[bytes]) -> list[int]:
        """The places of lines that are now durable; nothing of them is left where that failed."""
        if self._size >= SEGMENT_BYTES:
            self._open(self.number + 1)
        begin, places = self._size, []
        at = begin
        for line in lines:
            places.append(self.number << 40 | at)
            at += len(line)
        try:
            _write_all(self._handle, b"".join(lines))
            os.fdatasync(self._handle)
        except OSError:
            os.ftruncate(self._handle, begin)
            raise
        self._size = at
        self.syncs += 1
        return places

    def _open(self, number: int) -> None:
        """Go on in that segment."""
        path = segment_path(self.folder, number)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self.number = handle, number
        self._size = os.fstat(handle).st_size
        sync(self.folder)


def _tell(batch: list[_Waiting], outcomes: Sequence[int | DiskError]) -> None:
    """Hand each waiter its outcome, with one call into each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, int | DiskError]]] = {}
    for each, outcome in zip(batch, outcomes, strict=True):
        by_loop.setdefault(each.loop, []).append((each, outcome))
    for loop, told in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, told)


def _settle(told: list[tuple[_Waiting, int | DiskError]]) -> None:
    for each, outcome in told:
        if each.done.done():  # its waiter was cancelled; the line stands all the same
            continue
        if isinstance(outcome, int):
            each.done.set_result(outcome)
        else:
            each.done.set_exception(outcome)


def _fill(path: Path, size: int) -> None:
    """A file of `size` bytes whose blocks are really there."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        if size:
            os.posix_fallocate(handle, 0, size)
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
