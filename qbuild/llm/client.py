"""Requests to answers: bought once, under the cap, at the service's pace, with every step recorded.

known in the ledger → that answer
else: reserve → wait at the gate → record `sent` → send → record the answer → settle
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from qbuild.core.errors import QbuildError
from qbuild.llm.answers import Answer
from qbuild.llm.budget import OverBudget
from qbuild.llm.errors import ServiceError
from qbuild.llm.rate_limit import Breaker, Gate, Manners, pace
from qbuild.llm.reply_policy import judge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from typing import Self

    from qbuild.llm.budget import Budget, Reservation
    from qbuild.llm.ledger import Ledger, Queued
    from qbuild.llm.reply_policy import Lost, Reply, Verdict
    from qbuild.llm.request_body import BodyForm
    from qbuild.llm.requests import ChatRequest


class Provider(Protocol):
    """Who answers prompts."""

    async def submit(self, request: ChatRequest) -> Answer:
        """What came of one request."""

    def answers(self, requests: Iterable[ChatRequest]) -> AsyncIterator[tuple[ChatRequest, Answer]]:
        """Each request with its answer, in any order; requests are taken as they are needed."""


class Sender(Protocol):
    """What sends a body over the network."""

    key_env: str

    async def send(self, body: dict[str, Any]) -> Reply | Lost:
        """The reply, or how it was lost."""

    async def close(self) -> None:
        """Close all connections."""


@dataclass
class Counted:
    """What a run did, for its report."""

    from_ledger: int = 0
    sent: int = 0
    retried: int = 0
    notes: list[str] = field(default_factory=list)


class Dispatch:
    """The provider `openai`: asks a service what the ledger does not hold."""

    def __init__(
        self,
        sender: Sender,
        ledger: Ledger,
        budget: Budget,
        form: BodyForm,
        manners: Manners | None = None,
    ) -> None:
        self.ledger, self.budget, self.form = ledger, budget, form
        self.manners = manners or Manners()
        self.counted = Counted()
        self.stopped: QbuildError | None = None
        self._sender = sender
        self._gate = Gate(ramp=self.manners.concurrency)
        self._breaker = Breaker(self.manners.breaker)
        self._slots = asyncio.Semaphore(self.manners.concurrency)
        self._running: dict[str, asyncio.Task[Answer]] = {}
        self._draw = random.Random()  # noqa: S311 - spreads retries, decides nothing
        self._closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def submit(self, request: ChatRequest) -> Answer:
        """What came of a request: from the ledger, or bought now.

        The same question asked twice at once is sent once. Raises the error that ended the run
        (key, model, disk, a service that keeps failing): then the request was not bought.
        """
        known = self.ledger.known(request.request_id)
        if known is not None:
            self.counted.from_ledger += 1
            return known
        task = self._running.get(request.request_id)
        if task is None:
            task = asyncio.create_task(self._buy(request))
            self._running[request.request_id] = task
            task.add_done_callback(partial(self._bought, request.request_id))
        # a cancelled waiter leaves what is in flight to `close`, which waits for it
        return await asyncio.shield(task)

    async def answers(
        self, requests: Iterable[ChatRequest]
    ) -> AsyncIterator[tuple[ChatRequest, Answer]]:
        """Each request with its answer, in any order, a few more at work than go out at once.

        Where the run ends early, answers still in flight are given first, then the error is raised.
        """
        done: asyncio.Queue[tuple[ChatRequest, asyncio.Task[Answer]]] = asyncio.Queue()
        coming, waiting = iter(requests), 0
        tasks: set[asyncio.Task[Answer]] = set()
        try:
            while True:
                while waiting < 2 * self.manners.concurrency and self.stopped is None:
                    request = next(coming, None)
                    if request is None:
                        break
                    task = asyncio.create_task(self.submit(request))
                    tasks.add(task)
                    task.add_done_callback(lambda t, r=request: done.put_nowait((r, t)))  # type: ignore[misc]
                    waiting += 1
                if not waiting:
                    break
                request, task = await done.get()
                waiting -= 1
                tasks.discard(task)
                try:
                    answer = task.result()
                except QbuildError as error:
                    self._stop(error)
                    continue
                yield request, answer
        finally:
            for task in tasks:
                task.cancel()
        if self.stopped is not None:
            raise self.stopped

    async def close(self) -> None:
        """Wait a short while for what is in flight, record it, leave the rest pending."""
        self._closing = True
        self._gate.halt()
        flying = list(self._running.values())
        if flying:
            _, late = await asyncio.wait(flying, timeout=self.manners.grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)
        await self._sender.close()

    def _bought(self, request_id: str, task: asyncio.Task[Answer]) -> None:
        """Take a request off the list; its error counts as seen, though every waiter was cancelled.

        asyncio would print it on stderr, with all that it holds.
        """
        self._running.pop(request_id, None)
        if not task.cancelled():
            task.exception()

    def _stop(self, error: QbuildError) -> None:
        """Send nothing more; the first reason is the one told."""
        self.stopped = self.stopped or error
        self._gate.halt()

    def _check(self) -> None:
        if self.stopped is not None:
            raise self.stopped
        if self._closing:
            raise asyncio.CancelledError

    async def _buy(self, request: ChatRequest) -> Answer:
        """The answer to a request that the ledger does not hold; an error here ends the run."""
        try:
            async with self._slots:
                verdict, queued = await self._tried(request)
            # The slot is free once the answer is queued: it comes to the disk ahead of the next
            # `sent`, so that no more than `concurrency` attempts are ever unanswered there.
            await self.ledger.written(queued)
        except OverBudget as refusal:
            return Answer("over_budget", message=str(refusal))
        except QbuildError as error:
            self._stop(error)
            raise
        self._watch(verdict)
        return verdict.answer

    async def _tried(self, request: ChatRequest) -> tuple[Verdict, Queued]:
        """The outcome of as many attempts as it takes, or as are allowed."""
        failures = waits = 0
        while True:
            self._check()
            verdict, queued = await self._attempt(request, await self.budget.reserve(request))
            if verdict.refused is None:
                rested = verdict.again and verdict.wait_s is not None
                waits, failures = waits + rested, failures + (not rested)
                patient = failures < self.manners.attempts and waits < self.manners.rate_waits
                if verdict.fatal is None and not (verdict.again and patient):
                    return verdict, queued
            await self.ledger.written(queued)
            if verdict.fatal is not None:
                raise verdict.fatal
            if verdict.refused is not None:
                self._note(self.form.without(verdict.refused))
                continue
            self.counted.retried += 1
            await self._rest(verdict, failures)

    async def _attempt(self, request: ChatRequest, held: Reservation) -> tuple[Verdict, Queued]:
        """Send a request once, between its two lines in the ledger."""
        cost: float | None = 0.0
        usage = None
        try:
            await self._gate.wait()
            self._check()
            attempt = self.ledger.next_attempt(request.request_id)
            await self.ledger.sent(request, attempt, held.usd)
            if self.stopped is not None or self._closing:
                unsent = Answer("http_error", None, "not sent: the run ended", attempt=attempt)
                await self.ledger.answered(request, replace(unsent, cost_usd=0.0))
            self._check()
            cost = None  # from here on it may be charged
            self.counted.sent += 1
            body = self.form.body(request)
            verdict = self._judged(await self._sender.send(body), request, body, held, attempt)
            cost, usage = verdict.answer.cost_usd, verdict.answer.usage
            return verdict, self.ledger.queue(request, verdict.answer)
        finally:
            self.budget.settle(held, cost, usage)

    def _judged(
        self,
        reply: Reply | Lost,
        request: ChatRequest,
        body: dict[str, Any],
        held: Reservation,
        attempt: int,
    ) -> Verdict:
        """The verdict on a reply, its answer with attempt, cost and notes; the gate is told."""
        verdict = judge(reply, request, body, self._sender.key_env)
        answer = replace(verdict.answer, attempt=attempt)
        if answer.usage is not None:
            cost = self.budget.prices.cost(request.model, answer.usage, self.budget.tier(request))
            answer = replace(answer, cost_usd=cost)
        elif verdict.lost:
            answer = replace(answer, cost_usd=held.usd)
        if answer.final and (note := self.form.note(request)) is not None:
            answer = answer.noting(note)
        headers = getattr(reply, "headers", None)
        if headers:
            found = pace(headers, request.estimated_tokens(), self.manners.concurrency)
            if found is not None or not verdict.again:
                self._gate.keep(found)
        return replace(verdict, answer=answer)

    def _watch(self, verdict: Verdict) -> None:
        """End the run where the service failed alike too often in a row."""
        if self._breaker.took(verdict.kind):
            count, said = self._breaker.count, verdict.answer.message
            self._stop(
                ServiceError(
                    "the service",
                    f"failed {count} requests in a row alike ({verdict.kind}): {said}",
                    "expected answers; nothing more was sent, and what came is in the ledger",
                    "See to the cause, then run again: only what is missing is asked.",
                )
            )

    async def _rest(self, verdict: Verdict, failures: int) -> None:
        """Wait before another attempt: all requests where the service asks it, else this one."""
        if verdict.wait_s is not None:
            self._gate.hold(verdict.wait_s)
        else:
            await self._gate.rest(self.manners.back_off(failures, self._draw))

    def _note(self, note: str) -> None:
        if note not in self.counted.notes:
            self.counted.notes.append(note)
