"""The provider `openai-batch`: half price, within a day, through files.

    reserve → shard → input file on the disk → `sent` lines → upload → batch → poll → rows → ledger

Ids are on the disk before polling starts; a restart polls existing batches and creates none
twice. Requests that an expired, failed or cancelled batch left out are sent in the next round.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from qbuild.core.errors import QbuildError
from qbuild.llm.answers import Answer
from qbuild.llm.batch.files import (
    ENDPOINT,
    Limits,
    Shard,
    decide_row,
    read_bodies,
    read_rows,
    split_requests,
    write_durably,
)
from qbuild.llm.batch.records import BatchRecord, BatchRecords
from qbuild.llm.batch.service import ENDED, BatchService
from qbuild.llm.budget import Budget, Reservation
from qbuild.llm.ledger import Ledger
from qbuild.llm.openai_client import OpenAIClient
from qbuild.llm.rate_limit import RetryPolicy
from qbuild.llm.request_body import BodyForm
from qbuild.llm.requests import ChatRequest

TIER = "batch"


@dataclass(frozen=True)
class Polling:
    """The interval between polls of a batch, doubled from the first to the longest; in seconds."""

    first_s: float = 15.0
    longest_s: float = 300.0


class BatchProvider:
    """Has the requests that the ledger cannot answer answered by the Batch API."""

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
        policy: RetryPolicy | None = None,
    ) -> None:
        self.ledger, self.budget, self.form = ledger, budget, form
        self.limits, self.polling = limits or Limits(), polling or Polling()
        self.rounds = rounds
        self.counts: Counter[str] = Counter()
        self.notes: list[str] = []
        self._client = client
        self._service = BatchService(client, policy or RetryPolicy())
        self._records = BatchRecords(ledger.folder)
        self._held: dict[str, Reservation] = {}
        self._fatal: QbuildError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.sdk.close()

    async def answer_all(self, requests: Iterable[ChatRequest]) -> dict[str, Answer]:
        """The answers by request id; batches of earlier runs are finished first."""
        distinct = {request.request_id: request for request in requests}
        await self._finish(self._records.open())
        over_budget: dict[str, Answer] = {}
        for _ in range(self.rounds):
            missing = [
                request
                for name, request in distinct.items()
                if not self.ledger.has_answer(name) and self._reserve(request, over_budget)
            ]
            if not missing:
                break
            await self._run_round(missing)
        nothing = Answer("http_error", message="no batch answered it")
        outcome = self.ledger.last_outcome
        return {name: over_budget.get(name) or outcome(name) or nothing for name in distinct}

    def _reserve(self, request: ChatRequest, over_budget: dict[str, Answer]) -> bool:
        """Whether the cap has room for a request; its price is reserved if so."""
        if request.request_id in over_budget:
            return False
        reservation = self.budget.try_reserve(request)
        if reservation is None:
            message = self.budget.no_room_message(request)
            over_budget[request.request_id] = Answer("over_budget", message=message)
            return False
        self._held[request.request_id] = reservation
        return True

    async def _run_round(self, requests: list[ChatRequest]) -> None:
        """One round: as many batches at a time as the limit of enqueued tokens allows."""
        limit = math.inf if self.limits.tokens is None else self.limits.tokens
        active: list[BatchRecord] = []
        for shard in split_requests(requests, self.form, self.limits):
            while active and limit < sum(record.tokens for record in active) + shard.tokens:
                await self._finish([active.pop(0)])
            active.append(await self._start(shard))
        await self._finish(active)

    async def _start(self, shard: Shard) -> BatchRecord:
        """Write a shard to the disk, then upload it and create its batch."""
        write_durably(self._path(shard.name), shard.data)
        await asyncio.gather(*(self._record_sent(request) for request in shard.requests))
        record = self._records.begin(shard.name, shard.tokens)
        await self._create(record)
        self.counts["batches"] += 1
        return record

    async def _record_sent(self, request: ChatRequest) -> None:
        attempt = self.ledger.next_attempt(request.request_id)
        await self.ledger.record_sent(request, attempt, self._held[request.request_id].usd)

    async def _create(self, record: BatchRecord) -> None:
        """Do what is left until the shard's batch has an id."""
        resumed = record.file_id is not None
        if record.file_id is None:
            file_id = await self._service.upload(record.shard, self._path(record.shard))
            self._records.advance(record, "uploaded", file_id=file_id)
        if record.batch_id is None:
            batch_id = await self._service.create(record.file_id or "", ENDPOINT, resumed)
            self._records.advance(record, "created", batch_id=batch_id)

    async def _finish(self, records: list[BatchRecord]) -> None:
        """Wait until batches end, and record their rows in the ledger."""
        waiting, interval_s = list(records), self.polling.first_s
        while waiting:
            for record in list(waiting):
                await self._create(record)
                batch = await self._service.retrieve(record.batch_id or "")
                if batch.status in ENDED:
                    await self._collect(record, batch)
                    waiting.remove(record)
            if waiting:
                await asyncio.sleep(interval_s)
                interval_s = min(2 * interval_s, self.polling.longest_s)
        if self._fatal is not None:
            raise self._fatal

    async def _collect(self, record: BatchRecord, batch: Any) -> None:
        """Record the rows of an ended batch, each id once, and the requests that it left out."""
        bodies = read_bodies(self._path(record.shard))
        pending = set(bodies)
        for kind in ("output", "error"):
            file_id = getattr(batch, f"{kind}_file_id")
            if not file_id:
                continue
            path = self._path(f"{record.batch_id}.{kind}")
            await self._service.download(file_id, path)
            for row in read_rows(path):
                await self._collect_row(row, bodies, pending)
        for name in sorted(pending):
            message = f"batch {record.batch_id} {batch.status} without it{_reason(batch)}"
            await self._record(name, Answer("http_error", message=message, cost_usd=0.0))
        self._records.advance(record, "collected")

    async def _collect_row(
        self, row: dict[str, Any], bodies: dict[str, dict[str, Any]], pending: set[str]
    ) -> None:
        """Record the answer of one row; unknown ids and duplicates are counted and skipped."""
        name = str(row.get("custom_id"))
        if name not in bodies:
            self.counts["unknown"] += 1
            self.notes.append(f"a batch answered {name[:80]!r}, which was not requested")
            return
        if name not in pending:
            self.counts["duplicate"] += 1
            return
        pending.discard(name)
        decision = decide_row(row, bodies[name])
        if decision.rejected_parameter is not None:
            self.notes.append(self.form.drop(decision.rejected_parameter))
        self._fatal = self._fatal or decision.fatal
        await self._record(name, decision.answer)

    async def _record(self, name: str, answer: Answer) -> None:
        """Price and record an answer, unless an earlier run already did."""
        unanswered = self.ledger.unanswered_request(name)
        if unanswered is None or self.ledger.has_answer(name):
            return
        request, estimate = unanswered
        if answer.usage is not None:
            cost = self.budget.prices.cost(request.model, answer.usage, TIER)
            answer = replace(answer, cost_usd=cost)
        answer = replace(answer, attempt=self.ledger.next_attempt(name) - 1)
        await self.ledger.record_answer(request, answer)
        reservation = self._held.pop(name, None)
        if reservation is not None:
            self.budget.settle(reservation, answer.cost_usd, answer.usage)
        else:
            self.budget.settle_earlier(estimate, answer.cost_usd)

    def _path(self, name: str) -> Path:
        return self.ledger.folder / "batches" / f"{name}.jsonl"


def _reason(batch: Any) -> str:
    """Why a batch failed, where the service states it."""
    errors = getattr(batch.errors, "data", None) if batch.errors is not None else None
    return f": {errors[0].code}: {errors[0].message}" if errors else ""
