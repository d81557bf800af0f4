"""The record of every request: written before it goes out, and before its answer counts.

A folder of segments (`segments.py`), one writer at a time, any number of readers. In memory lies
an index alone, request → places of its lines; answers are read from the disk when asked for.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.errors import InputError, UsageError
from qbuild.core.scratch import LocksUnsupportedError, try_lock
from qbuild.llm.answers import ANSWERED, Answer, Usage
from qbuild.llm.ledger.journal import Journal
from qbuild.llm.ledger.segments import (
    decode,
    encode,
    read_lines,
    segment_path,
    segments,
    set_torn_apart,
)
from qbuild.llm.requests import Heading

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from filelock import BaseFileLock

    from qbuild.llm.requests import Asked

LOCK = "ledger.lock"
RESERVE_BYTES = 4 << 20  # room for what is in flight when the disk is full: 64 answers of 64 KiB
_OFFSET = (1 << 40) - 1


@dataclass(frozen=True)
class InFlight:
    """An attempt that was sent and never answered: it may have been paid."""

    request_id: str
    attempt: int
    estimate_usd: float | None


@dataclass(frozen=True)
class Queued:
    """An answer on its way to the disk."""

    line: dict[str, Any]
    place: asyncio.Future[int]


class Ledger:
    """All requests ever sent from this folder; open one with `Ledger.open`."""

    def __init__(self, folder: Path, provider: str) -> None:
        self.folder, self.provider = folder, provider
        self.damaged: list[str] = []  # `segment: byte` of lines whose checksum does not fit
        self._answers: dict[bytes, tuple[int, ...]] = {}  # request → places of its answers
        self._final: dict[bytes, int] = {}  # request → place of what a model answered
        self._attempts: dict[bytes, int] = {}
        self._open: dict[bytes, dict[int, int]] = {}  # request → attempt → place, unanswered
        self._spent = 0.0
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
        """The ledger of a folder, made where it is to be written.

        Raises InputError where there is none to read, UsageError where another run writes it,
        DiskError where it cannot be written.
        """
        ledger = cls(folder, provider)
        if write:
            ledger._lock_folder()
            try:
                for _, path in segments(folder):
                    set_torn_apart(path)
                ledger._index()
                last = max((number for number, _ in segments(folder)), default=1)
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
        """Write what waits and let go of the folder; DiskError where paid answers are lost."""
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
        """Requests that a model answered."""
        return len(self._final)

    @property
    def spent_usd(self) -> float:
        """Sum of all recorded costs, in dollars."""
        return self._spent

    def holds(self, request_id: str) -> bool:
        """Whether a model answered this request."""
        return bytes.fromhex(request_id) in self._final

    def known(self, request_id: str) -> Answer | None:
        """What a model answered to this request, be it of use or not; None: not yet."""
        place = self._final.get(bytes.fromhex(request_id))
        return None if place is None else _answer(self._line(place))

    def answers_of(self, request_id: str) -> list[Answer]:
        """All that came of this request, in the order it came."""
        places = self._answers.get(bytes.fromhex(request_id), ())
        return [_answer(self._line(place)) for place in places]

    def next_attempt(self, request_id: str) -> int:
        """The number of the next attempt, from 1."""
        return self._attempts.get(bytes.fromhex(request_id), 0) + 1

    def possibly_paid_twice(self) -> list[InFlight]:
        """Attempts that were in flight at a kill: sent, and no answer recorded."""
        return [
            InFlight(key.hex(), attempt, self._line(place).get("estimate_usd"))
            for key, attempts in sorted(self._open.items())
            for attempt, place in sorted(attempts.items())
        ]

    def heading(self, request_id: str) -> Heading | None:
        """What a request was made from, if it was ever sent and is unanswered."""
        places = self._open.get(bytes.fromhex(request_id))
        if not places:
            return None
        line = self._line(max(places.values()))
        return Heading(request_id, line["parent_id"], line["prompt"], line["model"])

    def open_estimate(self, request_id: str) -> float:
        """What the unanswered attempts at a request may have cost at worst, in dollars."""
        places = self._open.get(bytes.fromhex(request_id), {}).values()
        return sum(self._line(place)["estimate_usd"] or 0.0 for place in places)

    async def sent(self, request: Asked, attempt: int, estimate_usd: float | None = None) -> None:
        """Record, durably, that this attempt is about to be sent, and what it costs at worst."""
        line = {"is": "sent", **self._head(request, attempt), "estimate_usd": estimate_usd}
        key = bytes.fromhex(request.request_id)
        place = await self._writer().append(encode(line))
        self._open.setdefault(key, {})[attempt] = place
        self._attempts[key] = max(attempt, self._attempts.get(key, 0))

    async def answered(self, request: Asked, answer: Answer) -> None:
        """Record, durably, what came of an attempt."""
        await self.written(self.queue(request, answer))

    def queue(self, request: Asked, answer: Answer) -> Queued:
        """Have an answer written, ahead of every line that is asked for after this."""
        line = {"is": "answered", **self._head(request, answer.attempt), **asdict(answer)}
        return Queued(line, self._writer().append(encode(line), paid=answer.final))

    async def written(self, queued: Queued) -> None:
        """Come back when a queued answer is durable; from then on it counts."""
        self._take_answer(queued.line, await queued.place)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows of schema `response`, by request and attempt; `sent` are those never answered."""
        for key in sorted(self._answers.keys() | self._open.keys()):
            places = [*self._open.get(key, {}).values(), *self._answers.get(key, ())]
            lines = {line["attempt"]: line for line in map(self._line, places)}
            yield from (_row(lines[attempt]) for attempt in sorted(lines))

    def _writer(self) -> Journal:
        if self._journal is None:
            raise UsageError(str(self.folder), "the ledger is open for reading only")
        return self._journal

    def _head(self, request: Asked, attempt: int) -> dict[str, Any]:
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
            except LocksUnsupportedError:  # such a disk is trusted
                return
        if self._lock is None:
            raise UsageError(
                str(self.folder),
                "another run writes this ledger",
                "expected one writer at a time",
                "Wait for its end, or name another --ledger.",
            )

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _index(self) -> None:
        """Read every line once; keep the places alone."""
        for number, path in segments(self.folder):
            for line in read_lines(path):
                if line.value is None:
                    self.damaged.append(f"{path.name}: byte {line.start}")
                elif line.value["is"] == "sent":
                    self._take_sent(line.value, number << 40 | line.start)
                else:
                    self._take_answer(line.value, number << 40 | line.start)

    def _take_sent(self, line: dict[str, Any], place: int) -> None:
        key, attempt = bytes.fromhex(line["request_id"]), line["attempt"]
        self._open.setdefault(key, {})[attempt] = place
        self._attempts[key] = max(attempt, self._attempts.get(key, 0))

    def _take_answer(self, line: dict[str, Any], place: int) -> None:
        key, attempt = bytes.fromhex(line["request_id"]), line["attempt"]
        self._answers[key] = (*self._answers.get(key, ()), place)
        self._attempts[key] = max(attempt, self._attempts.get(key, 0))
        self._spent += line["cost_usd"] or 0.0
        if line["state"] in ANSWERED:
            self._final[key] = place
        unanswered = self._open.get(key, {})
        unanswered.pop(attempt, None)
        if not unanswered:
            self._open.pop(key, None)

    def _line(self, place: int) -> dict[str, Any]:
        """The object of the line at a place."""
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


def _answer(line: dict[str, Any]) -> Answer:
    usage = line["usage"]
    return Answer(
        state=line["state"],
        usage=Usage(**usage) if usage is not None else None,
        **{
            name: line[name]
            for name in ("raw", "message", "cost_usd", "served_model", "fingerprint", "remote_id")
        },
        attempt=line["attempt"],
    )


_COLUMNS = ("request_id", "parent_id", "prompt", "model", "provider", "attempt")
_OUTCOME = ("raw", "message", "usage", "cost_usd", "served_model", "fingerprint", "remote_id")


def _row(line: dict[str, Any]) -> dict[str, Any]:
    """A row of schema `response`."""
    return {
        **{name: line[name] for name in _COLUMNS},
        "state": line.get("state", "sent"),
        **{name: line.get(name) for name in _OUTCOME},
    }
