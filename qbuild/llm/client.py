"""Sources of answers: a service, each answer paid once and under the cap, or only the ledger.

the ledger has the answer → that answer
otherwise: reserve → wait at the gate → record `sent` → send → record the answer → settle
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, Self, TypeVar

from qbuild.core.errors import QbuildError
from qbuild.llm.answers import Answer
from qbuild.llm.budget import Budget, OverBudgetError, Reservation
from qbuild.llm.ledger import Ledger, QueuedAnswer
from qbuild.llm.openai_client import OpenAIClient
from qbuild.llm.rate_limit import CircuitBreaker, Gate, RetryPolicy, read_pace
from qbuild.llm.reply_policy import NoReply, Reply, ReplyDecision, ServiceError, decide
from qbuild.llm.request_body import BodyForm
from qbuild.llm.requests import ChatRequest

NOT_IN_LEDGER = "not in the ledger"
T = TypeVar("T")
R = TypeVar("R")


@dataclass
class RequestStats:
    """What a run sent and received, for its report."""

    states: Counter[str] = field(default_factory=Counter)  # of all answers, by state
    sent: int = 0
    retried: int = 0
    from_ledger: int = 0
    prompt_tokens: int = 0  # of answers paid in this run
    completion_tokens: int = 0
    notes: list[str] = field(default_factory=list)

    def count_paid(self, answer: Answer) -> None:
        """Add the tokens of an answer paid in this run."""
        if answer.final and answer.usage is not None:
            self.prompt_tokens += answer.usage.prompt_tokens
            self.completion_tokens += answer.usage.completion_tokens


@dataclass(frozen=True)
class Replay:
    """Answers only from the ledger: no network, no key, no cost.

    `missing` collects the requests that have no recorded answer, by id.
    """

    ledger: Ledger | None
    stats: RequestStats = field(default_factory=RequestStats)
    missing: dict[str, ChatRequest] = field(default_factory=dict)

    async def submit(self, request: ChatRequest) -> Answer:
        """The recorded answer; else state `http_error` with the message `not in the ledger`."""
        answer = self.ledger.answer(request.request_id) if self.ledger is not None else None
        if answer is None:
            self.missing[request.request_id] = request
            answer = Answer("http_error", message=NOT_IN_LEDGER)
        else:
            self.stats.from_ledger += 1
        self.stats.states[answer.state] += 1
        return answer


class ChatClient:
    """Answers requests from the ledger, or by a service: the provider `openai`."""

    def __init__(
        self,
        sender: OpenAIClient,
        ledger: Ledger,
        budget: Budget,
        form: BodyForm,
        policy: RetryPolicy | None = None,
        stats: RequestStats | None = None,
    ) -> None:
        self.ledger, self.budget, self.form = ledger, budget, form
        self.policy = policy or RetryPolicy()
        self.stats = stats or RequestStats()
        self._sender = sender
        self._gate = Gate(ramp=self.policy.concurrency)
        self._breaker = CircuitBreaker(self.policy.max_consecutive_failures)
        self._slots = asyncio.Semaphore(self.policy.concurrency)
        self._running: dict[str, asyncio.Task[Answer]] = {}
        self._draw = random.Random()  # noqa: S311 - only the time of retries
        self._failure: QbuildError | None = None
        self._closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def submit(self, request: ChatRequest) -> Answer:
        """The answer to a request: from the ledger, or paid now.

        The same request submitted twice at a time is sent once. Raises the error that ended the
        run (key, model, disk, a service that keeps failing): then nothing was paid.
        """
        answer = self.ledger.answer(request.request_id)
        paid_here = False
        if answer is None:
            task = self._running.get(request.request_id)
            paid_here = task is None
            # a cancelled waiter leaves its request in flight, for which `close` waits
            answer = await asyncio.shield(task or self._start(request))
        self.stats.from_ledger += answer.final and not paid_here
        self.stats.states[answer.state] += 1
        return answer

    async def close(self) -> None:
        """Wait a short while for requests in flight, record their answers, cancel the rest."""
        self._closing = True
        self._gate.release()
        running = list(self._running.values())
        if running:
            _, late = await asyncio.wait(running, timeout=self.policy.grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        await self._sender.sdk.close()

    def _start(self, request: ChatRequest) -> asyncio.Task[Answer]:
        task = asyncio.create_task(self._buy(request))
        self._running[request.request_id] = task
        task.add_done_callback(partial(self._finished, request.request_id))
        return task

    def _finished(self, request_id: str, task: asyncio.Task[Answer]) -> None:
        """Forget a task and retrieve its error, even where every waiter was cancelled.

        Otherwise asyncio would print the error, with the objects it refers to, on stderr.
        """
        self._running.pop(request_id, None)
        if not task.cancelled():
            task.exception()

    def _fail(self, error: QbuildError) -> None:
        """Send nothing more; the first error is the one reported."""
        self._failure = self._failure or error
        self._gate.release()

    def _raise_if_ended(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closing:
            raise asyncio.CancelledError

    async def _buy(self, request: ChatRequest) -> Answer:
        """The answer to a request that the ledger does not have; an error here ends the run."""
        try:
            async with self._slots:
                decision, queued = await self._attempt_all(request)
            # The slot is free once the answer is queued: it reaches the disk before the next
            # `sent`, so that at most `concurrency` attempts are ever unanswered there.
            await self.ledger.wait_written(queued)
        except OverBudgetError as error:
            return Answer("over_budget", message=str(error))
        except QbuildError as error:
            self._fail(error)
            raise
        self.stats.count_paid(decision.answer)
        self._watch(decision)
        return decision.answer

    async def _attempt_all(self, request: ChatRequest) -> tuple[ReplyDecision, QueuedAnswer]:
        """The outcome of as many attempts as are needed and allowed."""
        policy, failures, waits = self.policy, 0, 0
        while True:
            self._raise_if_ended()
            decision, queued = await self._attempt(request, await self.budget.reserve(request))
            if decision.rejected_parameter is None:
                waited = decision.retry and decision.wait_s is not None
                waits, failures = waits + waited, failures + (not waited)
                allowed = failures < policy.max_attempts and waits < policy.max_rate_waits
                if decision.fatal is None and not (decision.retry and allowed):
                    return decision, queued
            await self.ledger.wait_written(queued)
            if decision.fatal is not None:
                raise decision.fatal
            if decision.rejected_parameter is not None:
                note = self.form.drop(decision.rejected_parameter)
                self.stats.notes += [] if note in self.stats.notes else [note]
                continue
            self.stats.retried += 1
            if decision.wait_s is not None:
                self._gate.pause(decision.wait_s)  # all requests: the service asks for it
            else:
                await self._gate.sleep(policy.back_off_s(failures, self._draw))

    async def _attempt(
        self, request: ChatRequest, reservation: Reservation
    ) -> tuple[ReplyDecision, QueuedAnswer]:
        """Send a request once, between its two lines in the ledger."""
        cost: float | None = 0.0
        usage = None
        try:
            await self._gate.wait()
            self._raise_if_ended()
            attempt = self.ledger.next_attempt(request.request_id)
            await self.ledger.record_sent(request, attempt, reservation.usd)
            if self._failure is not None or self._closing:
                message = "not sent: the run ended"
                unsent = Answer("http_error", message=message, cost_usd=0.0, attempt=attempt)
                await self.ledger.record_answer(request, unsent)
            self._raise_if_ended()
            cost = None  # from here on it may be charged
            self.stats.sent += 1
            body = self.form.body(request)
            decision = self._decide(await self._sender.send(body), body, reservation, attempt)
            cost, usage = decision.answer.cost_usd, decision.answer.usage
            return decision, self.ledger.queue_answer(request, decision.answer)
        finally:
            self.budget.settle(reservation, cost, usage)

    def _decide(
        self, reply: Reply | NoReply, body: dict[str, Any], reservation: Reservation, attempt: int
    ) -> ReplyDecision:
        """The decision on a reply, its answer with attempt, cost and notes; sets the pace."""
        request = reservation.request
        decision = decide(reply, request, body, self._sender.key_env)
        answer = replace(decision.answer, attempt=attempt)
        if answer.usage is not None:
            answer = replace(answer, cost_usd=self.budget.cost(request, answer.usage))
        elif decision.maybe_charged:
            answer = replace(answer, cost_usd=reservation.usd)
        if answer.final and (note := self.form.note(request)) is not None:
            answer = answer.with_note(note)
        if not isinstance(reply, NoReply) and reply.headers:
            pace = read_pace(reply.headers, request.estimated_tokens, self.policy.concurrency)
            if pace is not None or not decision.retry:
                self._gate.set_pace(pace)
        return replace(decision, answer=answer)

    def _watch(self, decision: ReplyDecision) -> None:
        """End the run where too many consecutive requests failed in the same way."""
        if self._breaker.trips(decision.failure):
            count, message = self._breaker.count, decision.answer.message
            self._fail(
                ServiceError(
                    "the service",
                    f"failed {count} consecutive requests ({decision.failure}): {message}",
                    "expected answers; nothing more was sent, and the ledger has what came",
                    "Fix the cause, then run again: only what is missing is sent.",
                )
            )


async def run_concurrently(
    items: Iterable[T], work: Callable[[T], Awaitable[R]], limit: int
) -> AsyncGenerator[tuple[T, R]]:
    """Each item with the result of its work, in any order; items are taken as there is room.

    After a ServiceError no item is taken: running work is awaited and its results are yielded, then
    the error is raised. Any other error, and cancellation, cancels running work at once.
    """
    remaining, failure = iter(items), None
    running: dict[asyncio.Future[R], T] = {}
    try:
        while True:
            if failure is None:
                for item in islice(remaining, limit - len(running)):
                    running[asyncio.ensure_future(work(item))] = item
            if not running:
                break
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                try:
                    result = task.result()
                except ServiceError as error:
                    failure = failure or error
                else:
                    yield running[task], result
                del running[task]
    finally:
        for task in running:
            task.cancel()
        # the finished ones too: one error ends the run, and others may have met the same
        await asyncio.gather(*running, return_exceptions=True)
    if failure is not None:
        raise failure
