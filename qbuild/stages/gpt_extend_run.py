"""One run of `gpt-extend`: who is asked, many depictions at once, rows in input order."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from qbuild.core.errors import UsageError
from qbuild.llm.answers import Answer
from qbuild.llm.asking import Gathering, Rules, Service
from qbuild.llm.extending import Asker, Extended, Extension
from qbuild.llm.failures import ServiceError
from qbuild.llm.ledger import Ledger
from qbuild.llm.prices import Prices
from qbuild.llm.replay import Replay
from qbuild.llm.tasks import Style
from qbuild.llm.templates import Template, load_templates
from qbuild.stages.gpt_extend_rows import Rows

if TYPE_CHECKING:
    from qbuild.core.stage import Inputs, Output
    from qbuild.llm.asking import Answering
    from qbuild.llm.batch_provider import BatchProvider
    from qbuild.llm.budget import Budget
    from qbuild.llm.dispatch import Dispatch
    from qbuild.llm.manners import Manners
    from qbuild.llm.openai_provider import OpenAIClient
    from qbuild.llm.requests import ChatRequest, Parameter
    from qbuild.stages.gpt_extend import ExtendOptions, ExtendRuntime

Numbered = tuple[int, Mapping[str, Any], Extended]  # row of the inputs, depiction, what came of it

CHUNK = 128  # depictions whose rows are made at once: a table of one row costs as much
BATCH_ROUNDS = 8  # of gathering what is missing and sending it: first answers, then asked again


@dataclass
class State:
    """What a run works with, and what it did so far."""

    templates: Mapping[str, Template]
    style: Style
    prices: Prices
    ledger_folder: Path
    runtime: ExtendRuntime
    total: int
    stopped: str = ""
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    states: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    pending: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    sent: int = 0
    from_ledger: int = 0
    retried: int = 0
    budget: Budget | None = None
    possibly_paid: int = 0

    def count(self, answer: Answer) -> None:
        """Take in one answer."""
        self.states[answer.state] += 1
        if answer.usage is not None:
            self.tokens["prompt"] += answer.usage.prompt_tokens
            self.tokens["completion"] += answer.usage.completion_tokens

    def status(self) -> str:
        """Done, failed by kind, tokens, spend, rate and time left, in one line."""
        passed = max(time.monotonic() - self.started, 1e-6)
        rate = self.done / passed
        left = (self.total - self.done) / rate if self.done else None
        failed = ", ".join(f"{n} {name}" for name, n in sorted(self.states.items()) if name != "ok")
        said = [f"{self.done}/{self.total}", failed]
        if self.budget is not None:
            said.append(f"{sum(self.tokens.values()):,} tokens, ${self.budget.spent:.4f}")
        said.append(f"{rate:.1f}/s" + (f", {left:.0f} s left" if left is not None else ""))
        return "; ".join(filter(None, said))

    def run_figures(self) -> dict[str, Any]:
        """What was sent, answered and spent in this run."""
        return {
            "states": dict(sorted(self.states.items())),
            "sent": self.sent,
            "from_ledger": self.from_ledger,
            "retried": self.retried,
            "prompt_tokens": self.tokens["prompt"],
            "completion_tokens": self.tokens["completion"],
            "usd": round(self.budget.spent, 6) if self.budget is not None else 0.0,
            "prices_dated": self.prices.dated,
            "possibly_paid_twice": self.possibly_paid,
            "stopped": self.stopped,
            "pending": dict(sorted(self.pending.items())),
        }

    def warnings(self) -> list[str]:
        """What whoever runs it should know."""
        found = list(self.notes)
        if self.stopped:
            found.append(f"stopped early: {self.stopped}")
        if self.possibly_paid:
            found.append(
                f"{self.possibly_paid} requests of an earlier run were sent and never answered: "
                "they may be paid twice, and count against the cap"
            )
        return found


def templates_of(options: ExtendOptions) -> dict[str, Template]:
    """The templates that the options name."""
    return load_templates(Path(options.prompts) if options.prompts else None)


def state_of(inputs: Inputs, options: ExtendOptions) -> State:
    """What a run with these options works with; UsageError for options that do not fit."""
    runtime = cast("ExtendRuntime", inputs.runtime)
    if options.provider != "rules" and not options.model:
        raise UsageError(
            "--model", "is not given", f"provider {options.provider} needs one", "Name a model."
        )
    if options.provider == "openai-batch" and options.tier == "flex":
        raise UsageError("--tier", "a batch has a price of its own", "expected no --tier flex")
    parameters: dict[str, Parameter] = {"max_output_tokens": options.max_output_tokens}
    if options.temperature:
        parameters["temperature"] = float(options.temperature)
    if options.tier == "flex":
        parameters["service_tier"] = "flex"
    return State(
        templates=templates_of(options),
        style=Style(options.model, options.structured, parameters),
        prices=Prices.load(Path(runtime.prices) if runtime.prices else None),
        ledger_folder=Path(runtime.ledger) if runtime.ledger else inputs.scratch.parent / "ledger",
        runtime=runtime,
        total=inputs.rows,
    )


async def extended(inputs: Inputs, state: State, options: ExtendOptions) -> AsyncIterator[Output]:
    """The rows of depictions, chunk by chunk; `state.stopped` says why a run ended early."""
    origin = "rules" if options.provider == "rules" else f"model {options.model}"
    made = Rows(origin)
    async with _asker(inputs, state, options) as asker:
        extension = Extension(asker, state.templates, options.seed, options.again)
        async for output in in_order(_all(inputs, state, extension), made):
            yield output


async def in_order(found: AsyncIterator[Numbered], made: Rows) -> AsyncIterator[Output]:
    """Outputs of consecutive depictions; what lies behind one that is pending comes last."""
    held: dict[int, tuple[Mapping[str, Any], Extended]] = {}
    start = ready = 0
    async for at, depiction, extended_one in found:
        held[at] = (depiction, extended_one)
        while ready in held:
            ready += 1
        if ready - start >= CHUNK:
            yield made.output(start, [held.pop(n) for n in range(start, ready)])
            start = ready
    for first, last in _stretches(sorted(held)):
        yield made.output(first, [held.pop(n) for n in range(first, last + 1)])


def _stretches(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    for place, number in enumerate(numbers):
        if not place or numbers[place - 1] != number - 1:
            first = number
        if place + 1 == len(numbers) or numbers[place + 1] != number + 1:
            yield first, number


async def _all(inputs: Inputs, state: State, extension: Extension) -> AsyncIterator[Numbered]:
    """Each depiction that was answered in full, in any order, a few more under way than asked."""
    under_way: set[asyncio.Task[Numbered]] = set()

    async def one(at: int, depiction: Mapping[str, Any]) -> Numbered:
        return at, depiction, await extension.extend(depiction)

    rows = _rows(inputs)
    try:
        while True:
            while len(under_way) < state.runtime.concurrency and not state.stopped:
                numbered = next(rows, None)
                if numbered is None:
                    break
                under_way.add(asyncio.create_task(one(*numbered)))
            if not under_way:
                return
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (answered := _answered(task, state)) is not None:
                    yield answered
    finally:
        for task in under_way:
            task.cancel()


def _answered(task: asyncio.Task[Numbered], state: State) -> Numbered | None:
    """A depiction that was answered in full; what is pending is counted, and may end the run."""
    try:
        at, depiction, found = task.result()
    except ServiceError as error:
        state.stopped = state.stopped or str(error)
        return None
    if found.pending is None:
        state.done += 1
        return at, depiction, found
    state.pending[found.pending] += 1
    if "over_budget" in state.states:
        state.stopped = state.stopped or found.pending
    return None


def _rows(inputs: Inputs) -> Iterator[tuple[int, dict[str, Any]]]:
    for batch in inputs.scan():
        yield from enumerate(batch.rows.to_pylist(), batch.start)


@asynccontextmanager
async def _asker(inputs: Inputs, state: State, options: ExtendOptions) -> AsyncIterator[Asker]:
    """Whoever the options name; connections and ledger are closed at the end."""
    if options.provider == "rules":
        yield Rules(options.seed)
        return
    async with AsyncExitStack() as stack:
        write = options.provider != "replay"
        ledger = stack.enter_context(Ledger.open(state.ledger_folder, write=write))
        if options.provider == "openai":
            provider = await stack.enter_async_context(_dispatch(ledger, state, options))
            yield Service(Counting(provider, state), state.style)
            state.sent, state.retried = provider.counted.sent, provider.counted.retried
            state.from_ledger = provider.counted.from_ledger
            state.notes += provider.counted.notes
            return
        if options.provider == "openai-batch":
            async with _batch_provider(ledger, state, options) as batches:
                await _send_missing(inputs, state, options, batches)
                state.notes += batches.notes
        yield Service(Counting(Replay(ledger), state), state.style)


@dataclass(frozen=True)
class Counting:
    """A provider whose answers are counted for the report."""

    provider: Answering
    state: State

    async def submit(self, request: ChatRequest) -> Answer:
        """What the provider has to say."""
        answer = await self.provider.submit(request)
        self.state.count(answer)
        return answer


def _dispatch(ledger: Ledger, state: State, options: ExtendOptions) -> Dispatch:
    from qbuild.llm.body import BodyForm
    from qbuild.llm.dispatch import Dispatch

    return Dispatch(
        _client(state),
        ledger,
        _budget(ledger, state),
        BodyForm(options.structured),
        _manners(state),
    )


def _batch_provider(ledger: Ledger, state: State, options: ExtendOptions) -> BatchProvider:
    from qbuild.llm.batch_files import Limits
    from qbuild.llm.batch_provider import TIER, BatchProvider, Polling
    from qbuild.llm.body import BodyForm

    runtime = state.runtime
    return BatchProvider(
        _client(state),
        ledger,
        _budget(ledger, state, TIER),
        BodyForm(options.structured),
        limits=Limits(tokens=runtime.enqueued_tokens or None),
        polling=Polling(first_s=runtime.poll, longest_s=max(300.0, runtime.poll)),
        manners=_manners(state),
    )


def _client(state: State) -> OpenAIClient:
    from qbuild.llm.openai_provider import OpenAIClient

    runtime = state.runtime
    return OpenAIClient(runtime.base_url or None, runtime.key_env, runtime.time_limit)


def _manners(state: State) -> Manners:
    from qbuild.llm.manners import Manners

    return Manners(concurrency=state.runtime.concurrency, attempts=state.runtime.attempts)


def _budget(ledger: Ledger, state: State, tier: str | None = None) -> Budget:
    """The cap of this run; what an earlier one may have paid without an answer counts at once."""
    from qbuild.llm.budget import Budget, possible_usd

    in_flight = ledger.possibly_paid_twice()
    state.possibly_paid = len(in_flight)
    cap = float(state.runtime.max_usd) if state.runtime.max_usd else None
    state.budget = Budget(state.prices, cap, possible_usd(in_flight), tier)
    return state.budget


async def _send_missing(
    inputs: Inputs, state: State, options: ExtendOptions, batches: BatchProvider
) -> None:
    """Send what the ledger does not hold, then what its answers make necessary, and so on."""
    known = -1
    for _ in range(BATCH_ROUNDS):
        missing = await _missing(inputs, state, options, batches.ledger)
        if not missing or len(batches.ledger) == known:
            return
        known = len(batches.ledger)
        async for _, answer in batches.answers(missing):
            state.sent += 1
            if answer.state == "over_budget":
                state.stopped = state.stopped or str(answer.message)
        if state.stopped:
            return


async def _missing(
    inputs: Inputs, state: State, options: ExtendOptions, ledger: Ledger | None
) -> list[ChatRequest]:
    """The requests whose answers the ledger does not hold, as far as they are known now."""
    gathering = Gathering(ledger, state.style)
    extension = Extension(gathering, state.templates, options.seed, options.again)
    for _, depiction in _rows(inputs):
        await extension.extend(depiction)
    return gathering.missing


def planned(inputs: Inputs, state: State, options: ExtendOptions) -> dict[str, Any]:
    """What would be sent and cost: `plan` in figures, `text` in words."""
    from qbuild.llm.plan import plan
    from qbuild.llm.tasks import request_of, tasks_of
    from qbuild.stages.gpt_extend_report import told_plan

    if options.provider == "rules":
        return {"plan": None, "text": "provider rules sends nothing and costs nothing"}
    ledger = Ledger.open(state.ledger_folder) if state.ledger_folder.is_dir() else None
    try:
        requests = (
            request_of(task, state.style)
            for _, depiction in _rows(inputs)
            for task in tasks_of(depiction, state.templates, options.seed)
        )
        made = plan(requests, ledger, state.prices)
    finally:
        if ledger is not None:
            ledger.close()
    return {"plan": made.as_dict(), "text": told_plan(made, options.model)}
