"""Durable appending for many waiters at once: one write and one sync for all waiting lines.

A thread writes, so that the event loop never waits for the disk. When the disk fails, lines that
could not be written stay in memory; paid answers are written to a separate segment, in
space that was reserved for this.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.core.errors import DiskError
from qbuild.llm.ledger.segments import SEGMENT_BYTES, segment_path

RESERVE = "ledger.reserve"


@dataclass
class _Waiting:
    """A line to be written; `done` gets its place."""

    line: bytes
    paid: bool
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[int]


class Journal:
    """Appends lines to the segments of a folder; a place is `segment << 40 | offset`."""

    def __init__(self, folder: Path, last: int, reserve_bytes: int) -> None:
        self.folder, self.number = folder, last
        self.failure: OSError | None = None
        self.unwritten: list[bytes] = []  # paid answers for which there was no space
        self._reserve = folder / RESERVE
        self._waiting: list[_Waiting] = []
        self._wake = threading.Condition()
        self._closed = False
        self._rescuing = False  # whether the current segment was begun because of a full disk
        self._handle, self._size = -1, 0
        with disk_errors(folder):
            with self._reserve.open("ab") as stream:
                if reserve_bytes:
                    os.posix_fallocate(stream.fileno(), 0, reserve_bytes)
            self._open(last)
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    def append(self, line: bytes, paid: bool = False) -> asyncio.Future[int]:
        """The place of the line, once it is durable; DiskError where it cannot be written.

        Lines are written in the order of the calls. After a failure only `paid` ones are tried.
        """
        if self.failure is not None and not paid:
            raise self.error()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(line, paid, loop, loop.create_future())
        # retrieved, even where its waiter has gone: asyncio would print it on stderr
        waiting.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        with self._wake:
            self._waiting.append(waiting)
            self._wake.notify()
        return waiting.done

    def close(self) -> None:
        """Write what waits and end the thread; DiskError where a paid answer was not written."""
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
        """The error that ended the writing."""
        count = len(self.unwritten)
        lost = f"; {count} paid answers are not on the disk" if count else ""
        reason = os.strerror(self.failure.errno or 0) if self.failure else "unknown"
        return DiskError(
            str(segment_path(self.folder, self.number)),
            f"the ledger cannot be written: {reason}{lost}",
            "expected space for every answer; nothing more was sent",
            "Free some space and run again: what the ledger has is not sent again.",
        )

    def _work(self) -> None:
        """The thread: takes all waiting lines, writes them, informs each waiter."""
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
                return _inform(batch, places)
        paid = [each for each in batch if each.paid]
        rescued = self._rescue([each.line for each in paid])
        if rescued is None:
            self.unwritten += [each.line for each in paid]
        place_of = dict(zip(map(id, paid), rescued or [], strict=False))
        return _inform(batch, [place_of.get(id(each), self.error()) for each in batch])

    def _rescue(self, lines: list[bytes]) -> list[int] | None:
        """The places of lines in a separate segment; None where there is no space for it."""
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
        """The places of lines that are now durable; on failure none of them is left."""
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
        return places

    def _open(self, number: int) -> None:
        """Continue in that segment."""
        path = segment_path(self.folder, number)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self.number = handle, number
        self._size = os.fstat(handle).st_size
        sync(self.folder)


def _inform(batch: list[_Waiting], outcomes: Sequence[int | DiskError]) -> None:
    """Give each waiter its outcome, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, int | DiskError]]] = {}
    for waiting, outcome in zip(batch, outcomes, strict=True):
        by_loop.setdefault(waiting.loop, []).append((waiting, outcome))
    for loop, pairs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: list[tuple[_Waiting, int | DiskError]]) -> None:
    for waiting, outcome in pairs:
        if waiting.done.done():  # its waiter was cancelled; the line is written all the same
            continue
        if isinstance(outcome, int):
            waiting.done.set_result(outcome)
        else:
            waiting.done.set_exception(outcome)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
