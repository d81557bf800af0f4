"""The provider `openai-batch`: half price, within a day, through files.

    reserve → shard → input file on the disk → `sent` lines → upload → batch → poll → rows → ledger

Ids are on the disk before polling starts; a restart polls what was made and makes nothing twice.
What an expired, failed or cancelled batch left out goes into the next round.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import QbuildError
from qbuild.llm.answers import Answer
from qbuild.llm.batch.files import (
    ENDPOINT,
    Limits,
    Shard,
    judge_row,
    read_bodies,
    read_rows,
    shards,
    write_durably,
)
from qbuild.llm.batch.records import BatchRecord, BatchRecords
from qbuild.llm.batch.service import ENDED, BatchService
from qbuild.llm.rate_limit import Manners

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path
    from typing import Self

    from qbuild.llm.budget import Budget, Reservation
    from qbuild.llm.ledger import Ledger
    from qbuild.llm.openai_client import OpenAIClient
    from qbuild.llm.request_body import BodyForm
    from qbuild.llm.requests import ChatRequest

TIER = "batch"


@dataclass(frozen=True)
class Polling:
    """How long between two looks at a batch: doubling from the first to the longest, in seconds."""

    first_s: float = 15.0
    longest_s: float = 300.0


class BatchProvider:
    """Asks by the Batch API what the ledger does not hold."""

    def __init__(
        self,
        client: OpenAIClient,
        ledger: Ledger,
        budget: Budget,
        form: BodyForm,
        *,
        limits: Limits | None = None,
        polling: Polling | None = None,
        rounds: int = 3,
        manners: Manners | None = None,
    ) -> None:
        self.ledger, self.budget, self.form = ledger, budget, form
        self.limits, self.polling = limits or Limits(), polling or Polling()
        self.rounds = rounds
        self.counted: Counter[str] = Counter()
        self.notes: list[str] = []
        self._client = client
        self._service = BatchService(client, manners or Manners())
        self._records = BatchRecords(ledger.folder)
        self._held: dict[str, Reservation] = {}
        self._fatal: QbuildError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def submit(self, request: ChatRequest) -> Answer:
        """What came of one request, in a batch of its own."""
        found = [answer async for _, answer in self.answers([request])]
        return found[0]

    async def answers(
        self, requests: Iterable[ChatRequest]
    ) -> AsyncIterator[tuple[ChatRequest, Answer]]:
        """Each request with its answer, batch by batch; batches of earlier runs come first."""
        asked = list(requests)
        await self._finish(self._records.open())
        refused: dict[str, Answer] = {}
        for _ in range(self.rounds):
            missing = [r for r in self._missing(asked) if self._afford(r, refused)]
            if not missing:
                break
            await self._run(missing)
        for request in asked:
            yield request, self._outcome(request, refused)

    def _missing(self, asked: list[ChatRequest]) -> list[ChatRequest]:
        """Requests without an answer, identical ones once, in order."""
        distinct = {request.request_id: request for request in asked}
        return [r for name, r in distinct.items() if not self.ledger.holds(name)]

    def _afford(self, request: ChatRequest, refused: dict[str, Answer]) -> bool:
        """Whether the cap has room for a request; it is held if so."""
        if request.request_id in refused:
            return False
        held = self.budget.try_reserve(request)
        if held is None:
            message = self.budget.refusal(request)
            refused[request.request_id] = Answer("over_budget", message=message)
            return False
        self._held[request.request_id] = held
        return True

    def _outcome(self, request: ChatRequest, refused: dict[str, Answer]) -> Answer:
        known = self.ledger.known(request.request_id) or refused.get(request.request_id)
        if known is not None:
            return known
        before = self.ledger.answers_of(request.request_id)
        said = before[-1].message if before else "no batch answered it"
        return Answer("http_error", message=said, attempt=max(1, len(before)))

    async def _run(self, requests: list[ChatRequest]) -> None:
        """One round: as many batches at a time as the limit of enqueued tokens allows."""
        active: list[BatchRecord] = []
        for shard in shards(requests, self.form, self.limits):
            while active and self._full(active, shard.tokens):
                await self._finish([active.pop(0)])
            active.append(await self._start(shard))
        await self._finish(active)

    def _full(self, active: list[BatchRecord], more: int) -> bool:
        most = self.limits.tokens
        return most is not None and sum(record.tokens for record in active) + more > most

    async def _start(self, shard: Shard) -> BatchRecord:
        """Write a shard down, then upload it and make its batch."""
        write_durably(self._input(shard.name), shard.data)
        await asyncio.gather(*(self._send(request) for request in shard.requests))
        record = self._records.begin(shard.name, shard.tokens)
        await self._create(record)
        self.counted["batches"] += 1
        return record

    async def _send(self, request: ChatRequest) -> None:
        attempt = self.ledger.next_attempt(request.request_id)
        await self.ledger.sent(request, attempt, self._held[request.request_id].usd)

    async def _create(self, record: BatchRecord) -> None:
        """Bring a shard to where its batch has an id, from wherever it stands."""
        resumed = record.file_id is not None
        if record.file_id is None:
            file_id = await self._service.upload(record.shard, self._input(record.shard))
            self._records.uploaded(record, file_id)
        if record.batch_id is None:
            batch_id = await self._service.create(record.file_id or "", ENDPOINT, resumed)
            self._records.created(record, batch_id)

    async def _finish(self, records: list[BatchRecord]) -> None:
        """Wait for batches to end, and take their rows into the ledger."""
        waiting, rest = list(records), self.polling.first_s
        while waiting:
            for record in list(waiting):
                await self._create(record)
                batch = await self._service.look(record.batch_id or "")
                if batch.status in ENDED:
                    await self._collect(record, batch)
                    waiting.remove(record)
            if waiting:
                await asyncio.sleep(rest)
                rest = min(2 * rest, self.polling.longest_s)
        if self._fatal is not None:
            raise self._fatal

    async def _collect(self, record: BatchRecord, batch: Any) -> None:
        """Take the rows of an ended batch, each id once; note what it left out."""
        bodies = read_bodies(self._input(record.shard))
        open_ids = set(bodies)
        for kind in ("output", "error"):
            file_id = getattr(batch, f"{kind}_file_id")
            if not file_id:
                continue
            path = self._input(f"{record.batch_id}.{kind}")
            await self._service.fetch(file_id, path)
            for row in read_rows(path):
                await self._take(row, bodies, open_ids)
        for name in sorted(open_ids):
            what = f"batch {record.batch_id} {batch.status} without it{_reason(batch)}"
            await self._record(name, Answer("http_error", message=what, cost_usd=0.0))
            self.counted["left_out"] += 1
        self._records.collected(record)

    async def _take(
        self, row: dict[str, Any], bodies: dict[str, dict[str, Any]], open_ids: set[str]
    ) -> None:
        """The answer of one row; rows of unknown ids are counted and told."""
        name = str(row.get("custom_id"))
        if name not in bodies:
            self.counted["unknown"] += 1
            self.notes.append(f"a batch answered {name[:80]!r}, which was not asked")
            return
        if name not in open_ids:
            self.counted["twice"] += 1
            return
        open_ids.discard(name)
        verdict = judge_row(row, bodies[name])
        if verdict.refused is not None:
            self.notes.append(self.form.without(verdict.refused))
        self._fatal = self._fatal or verdict.fatal
        await self._record(name, verdict.answer)

    async def _record(self, name: str, answer: Answer) -> None:
        """Price an answer and write it down, unless an earlier run got that far."""
        heading = self.ledger.heading(name)
        if heading is None or self.ledger.holds(name):
            return
        if answer.usage is not None:
            cost = self.budget.prices.cost(heading.model, answer.usage, TIER)
            answer = replace(answer, cost_usd=cost)
        answer = replace(answer, attempt=self.ledger.next_attempt(name) - 1)
        estimate = self.ledger.open_estimate(name)
        await self.ledger.answered(heading, answer)
        held = self._held.pop(name, None)
        if held is not None:
            self.budget.settle(held, answer.cost_usd, answer.usage)
        else:
            self.budget.recovered(estimate, answer.cost_usd)

    def _input(self, name: str) -> Path:
        return self.ledger.folder / "batches" / f"{name}.jsonl"


def _reason(batch: Any) -> str:
    """Why a batch failed, where it says so."""
    found = getattr(batch.errors, "data", None) if batch.errors is not None else None
    return f": {found[0].code}: {found[0].message}" if found else ""
