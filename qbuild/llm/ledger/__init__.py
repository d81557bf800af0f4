"""The record of every request: written before it is sent, and before its answer counts.

A folder of segments (`segments.py`), one writer at a time, any number of readers. Only an index is
in memory, request → places of its lines; answers are read from the disk on request.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from filelock import BaseFileLock

from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.errors import InputError, UsageError
from qbuild.core.scratch import LocksUnsupportedError, try_lock
from qbuild.llm.answers import FINAL_STATES, Answer, Usage
from qbuild.llm.ledger.journal import Journal
from qbuild.llm.ledger.segments import (
    cut_torn_line,
    decode,
    encode,
    list_segments,
    read_lines,
    segment_path,
)
from qbuild.llm.requests import ChatRequest, RequestHead

Request = ChatRequest | RequestHead

LOCK = "ledger.lock"
RESERVE_BYTES = 4 << 20  # for answers in flight when the disk is full: 64 answers of 64 KiB
_OFFSET = (1 << 40) - 1
_REQUEST_COLUMNS = ("request_id", "parent_id", "prompt", "model", "provider", "attempt")
_OUTCOME_COLUMNS = (
    "raw", "message", "usage", "cost_usd", "served_model", "fingerprint", "remote_id"
)  # fmt: skip


@dataclass(frozen=True)
class UnansweredAttempt:
    """An attempt that was sent and never answered: it may have been paid."""

    request_id: str
    attempt: int
    estimate_usd: float | None


@dataclass(frozen=True)
class QueuedAnswer:
    """An answer that is being written."""

    line: dict[str, Any]
    place: asyncio.Future[int]


class Ledger:
    """All requests ever sent from this folder; open one with `Ledger.open`."""

    def __init__(self, folder: Path, provider: str) -> None:
        self.folder, self.provider = folder, provider
        self.damaged: list[str] = []  # `segment: byte` of lines whose checksum does not match
        self._answers: dict[bytes, tuple[int, ...]] = {}  # request → places of its answers
        self._final: dict[bytes, int] = {}  # request → place of what the model answered
        self._attempts: dict[bytes, int] = {}
        self._unanswered: dict[bytes, dict[int, int]] = {}  # request → attempt → place
        self._handles: dict[int, int] = {}
        self._journal: Journal | None = None
        self._lock: BaseFileLock | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        write: bool = False,
        *,
        provider: str = "openai",
        reserve_bytes: int = RESERVE_BYTES,
    ) -> Self:
        """The ledger of a folder, created where it is to be written.

        Raises InputError where there is none to read, UsageError where another run has it open,
        DiskError where it cannot be written.
        """
        ledger = cls(folder, provider)
        if write:
            ledger._lock_folder()
            try:
                for _, path in list_segments(folder):
                    cut_torn_line(path)
                ledger._index()
                last = max((number for number, _ in list_segments(folder)), default=1)
                ledger._journal = Journal(folder, last, reserve_bytes)
            except BaseException:
                ledger._unlock()
                raise
        elif not folder.is_dir():
            raise InputError(str(folder), "no such ledger", "expected a folder", "Check the path.")
        else:
            ledger._index()
        return ledger

    def close(self) -> None:
        """Write what waits and unlock the folder; DiskError where paid answers are lost."""
        journal, self._journal = self._journal, None
        try:
            if journal is not None:
                journal.close()
        finally:
            for handle in self._handles.values():
                os.close(handle)
            self._handles.clear()
            self._unlock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Requests that the model answered."""
        return len(self._final)

    def has_answer(self, request_id: str) -> bool:
        """Whether the model answered this request, usable or not."""
        return bytes.fromhex(request_id) in self._final

    def answer(self, request_id: str) -> Answer | None:
        """What the model answered to this request, usable or not; None where it did not yet."""
        place = self._final.get(bytes.fromhex(request_id))
        return None if place is None else _read_answer(self._line(place))

    def last_outcome(self, request_id: str) -> Answer | None:
        """The outcome of the last attempt that has one, an error too; None where none has."""
        places = self._answers.get(bytes.fromhex(request_id), ())
        return _read_answer(self._line(places[-1])) if places else None

    def next_attempt(self, request_id: str) -> int:
        """The number of the next attempt, from 1."""
        return self._attempts.get(bytes.fromhex(request_id), 0) + 1

    def unanswered_attempts(self) -> list[UnansweredAttempt]:
        """Attempts that were sent and have no answer: in flight at a kill, possibly paid."""
        return [
            UnansweredAttempt(key.hex(), attempt, self._line(place).get("estimate_usd"))
            for key, attempts in sorted(self._unanswered.items())
            for attempt, place in sorted(attempts.items())
        ]

    def unanswered_usd(self) -> float:
        """The most that all unanswered attempts may have cost, in dollars."""
        return sum(attempt.estimate_usd or 0.0 for attempt in self.unanswered_attempts())

    def unanswered_request(self, request_id: str) -> tuple[RequestHead, float] | None:
        """An unanswered request and the most that its attempts may have cost, if it is one."""
        places = self._unanswered.get(bytes.fromhex(request_id))
        if not places:
            return None
        lines = [self._line(place) for place in sorted(places.values())]
        last, cost = lines[-1], sum(line["estimate_usd"] or 0.0 for line in lines)
        return RequestHead(request_id, last["parent_id"], last["prompt"], last["model"]), cost

    async def record_sent(
        self, request: Request, attempt: int, estimate_usd: float | None = None
    ) -> None:
        """Record durably that this attempt is about to be sent, and what it costs at most."""
        line = {"is": "sent", **self._head(request, attempt), "estimate_usd": estimate_usd}
        self._index_sent(line, await self._writer().append(encode(line)))

    async def record_answer(self, request: Request, answer: Answer) -> None:
        """Record durably the outcome of an attempt."""
        await self.wait_written(self.queue_answer(request, answer))

    def queue_answer(self, request: Request, answer: Answer) -> QueuedAnswer:
        """Start writing an answer, before every line that is queued after it."""
        line = {"is": "answered", **self._head(request, answer.attempt), **asdict(answer)}
        return QueuedAnswer(line, self._writer().append(encode(line), paid=answer.final))

    async def wait_written(self, queued: QueuedAnswer) -> None:
        """Return when a queued answer is durable; from then on it counts."""
        self._index_answer(queued.line, await queued.place)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows of schema `response` by request and attempt; unanswered ones have state `sent`."""
        for key in sorted(self._answers.keys() | self._unanswered.keys()):
            places = [*self._unanswered.get(key, {}).values(), *self._answers.get(key, ())]
            lines = {line["attempt"]: line for line in map(self._line, places)}
            yield from (_row(lines[attempt]) for attempt in sorted(lines))

    def _writer(self) -> Journal:
        if self._journal is None:
            raise UsageError(str(self.folder), "the ledger is open for reading only")
        return self._journal

    def _head(self, request: Request, attempt: int) -> dict[str, Any]:
        """What both kinds of line hold; never a key, an address or a header."""
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "request_id": request.request_id,
            "parent_id": request.parent_id,
            "prompt": request.prompt,
            "model": request.model,
            "provider": self.provider,
            "attempt": attempt,
        }

    def _lock_folder(self) -> None:
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock = try_lock(self.folder / LOCK)
            except LocksUnsupportedError:  # without locks, a single writer is assumed
                return
        if self._lock is None:
            raise UsageError(
                str(self.folder),
                "another run writes this ledger",
                "expected one writer at a time",
                "Wait until it ends, or name another --ledger.",
            )

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _index(self) -> None:
        """Read every line once; keep only the places."""
        for number, path in list_segments(self.folder):
            for line in read_lines(path):
                if line.value is None:
                    self.damaged.append(f"{path.name}: byte {line.start}")
                elif line.value["is"] == "sent":
                    self._index_sent(line.value, number << 40 | line.start)
                else:
                    self._index_answer(line.value, number << 40 | line.start)

    def _index_sent(self, line: dict[str, Any], place: int) -> None:
        key, attempt = bytes.fromhex(line["request_id"]), line["attempt"]
        self._unanswered.setdefault(key, {})[attempt] = place
        self._attempts[key] = max(attempt, self._attempts.get(key, 0))

    def _index_answer(self, line: dict[str, Any], place: int) -> None:
        key, attempt = bytes.fromhex(line["request_id"]), line["attempt"]
        self._answers[key] = (*self._answers.get(key, ()), place)
        self._attempts[key] = max(attempt, self._attempts.get(key, 0))
        if line["state"] in FINAL_STATES:
            self._final[key] = place
        unanswered = self._unanswered.get(key, {})
        unanswered.pop(attempt, None)
        if not unanswered:
            self._unanswered.pop(key, None)

    def _line(self, place: int) -> dict[str, Any]:
        number, start = place >> 40, place & _OFFSET
        handle = self._handles.get(number)
        if handle is None:
            handle = os.open(segment_path(self.folder, number), os.O_RDONLY)
            self._handles[number] = handle
        raw = b""
        while b"\n" not in raw:
            block = os.pread(handle, 1 << 14, start + len(raw))
            if not block:
                break
            raw += block
        value = decode(raw.partition(b"\n")[0])
        if value is None:
            where = str(segment_path(self.folder, number))
            raise InputError(where, f"the line at byte {start} changed since it was read")
        return value


def _read_answer(line: dict[str, Any]) -> Answer:
    usage = line["usage"]
    return Answer(
        state=line["state"],
        usage=Usage(**usage) if usage is not None else None,
        **{name: line[name] for name in _OUTCOME_COLUMNS if name != "usage"},
        attempt=line["attempt"],
    )


def _row(line: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: line[name] for name in _REQUEST_COLUMNS},
        "state": line.get("state", "sent"),
        **{name: line.get(name) for name in _OUTCOME_COLUMNS},
    }
