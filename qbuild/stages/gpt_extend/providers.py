"""Whom a run of `gpt-extend` asks: made from its options, closed at its end, counted throughout."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qbuild.llm.answers import Answer
from qbuild.llm.errors import ServiceError
from qbuild.llm.ledger import Ledger
from qbuild.llm.replay import Replay
from qbuild.pairs.answerers import Gathering, Rules, Service
from qbuild.pairs.generate import Asker, Extension
from qbuild.stages.gpt_extend.state import INTERRUPTED, State, depictions

if TYPE_CHECKING:
    from qbuild.core.engine.stage import Inputs
    from qbuild.llm.batch.provider import BatchProvider
    from qbuild.llm.budget import Budget
    from qbuild.llm.client import Dispatch
    from qbuild.llm.openai_client import OpenAIClient
    from qbuild.llm.rate_limit import Manners
    from qbuild.llm.requests import ChatRequest
    from qbuild.pairs.answerers import Answering
    from qbuild.stages.gpt_extend.options import ExtendOptions


@asynccontextmanager
async def asker_of(inputs: Inputs, state: State, options: ExtendOptions) -> AsyncIterator[Asker]:
    """Whoever the options name; connections and ledger are closed at the end."""
    if options.provider == "rules":
        yield Rules(options.seed)
        return
    async with AsyncExitStack() as stack:
        write = options.provider != "replay"
        ledger = stack.enter_context(
            Ledger.open(state.ledger_folder, write=write, provider=options.provider)
        )
        if options.provider == "openai":
            provider = await stack.enter_async_context(_dispatch(ledger, state, options))
            stack.callback(_told, state, provider)
            gc.freeze()  # to search all that is imported for garbage would hold the loop for 0.1 s
            stack.callback(gc.unfreeze)
            yield Service(Counting(provider, ledger, state), state.style)
            return
        if options.provider == "openai-batch" and state.runtime.batch_files:
            await _by_files(inputs, state, options, ledger)
        elif options.provider == "openai-batch":
            async with _batch_provider(ledger, state, options) as batches:
                await _send_missing(inputs, state, options, batches)
                state.notes += batches.notes
        yield Service(Counting(Replay(ledger), ledger, state), state.style)


def _told(state: State, provider: Dispatch) -> None:
    """Take over what a provider did, however the run ended."""
    state.sent, state.retried = provider.counted.sent, provider.counted.retried
    state.notes += provider.counted.notes


@dataclass(frozen=True)
class Counting:
    """A provider whose answers are counted for the report: those of the ledger, and those bought.

    The same request twice in a run is bought once, and known the second time.
    """

    provider: Answering
    ledger: Ledger
    state: State
    asked: set[str] = field(default_factory=set)

    async def submit(self, request: ChatRequest) -> Answer:
        """What the provider has to say."""
        known = request.request_id in self.asked or self.ledger.holds(request.request_id)
        self.asked.add(request.request_id)
        answer = await self.provider.submit(request)
        self.state.count(answer)
        if not answer.final:
            return answer
        if known:
            self.state.from_ledger += 1
        else:
            self.state.bought(answer)
        return answer


def _dispatch(ledger: Ledger, state: State, options: ExtendOptions) -> Dispatch:
    from qbuild.llm.client import Dispatch
    from qbuild.llm.request_body import BodyForm

    return Dispatch(
        _client(state),
        ledger,
        _budget(ledger, state),
        BodyForm(options.structured),
        _manners(state),
    )


def _batch_provider(ledger: Ledger, state: State, options: ExtendOptions) -> BatchProvider:
    from qbuild.llm.batch.files import Limits
    from qbuild.llm.batch.provider import TIER, BatchProvider, Polling
    from qbuild.llm.request_body import BodyForm

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
    from qbuild.llm.openai_client import OpenAIClient

    runtime = state.runtime
    return OpenAIClient(runtime.base_url or None, runtime.key_env, runtime.time_limit)


def _manners(state: State) -> Manners:
    from qbuild.llm.rate_limit import Manners

    runtime = state.runtime
    return Manners(
        concurrency=runtime.concurrency, attempts=runtime.attempts, breaker=runtime.breaker
    )


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
    try:
        while (missing := await _missing(inputs, state, options, batches.ledger)) and (
            len(batches.ledger) > known and not state.stopped
        ):
            known = len(batches.ledger)
            async for _, answer in batches.answers(missing):
                _batched(answer, state)
    except ServiceError as error:
        state.stop(str(error))
    except asyncio.CancelledError:
        state.stop(f"{INTERRUPTED}; batches under way are waited for by the next run")


async def _by_files(inputs: Inputs, state: State, options: ExtendOptions, ledger: Ledger) -> None:
    """Take the answers of all rounds in the folder, and write a round of what is then missing."""
    from qbuild.llm.batch.files import read_batch_files, read_bodies, write_batch_files
    from qbuild.llm.request_body import BodyForm

    folder = Path(state.runtime.batch_files)
    rounds = sorted(folder.glob("round-*"))
    waiting = {r.request_id: r for r in await _missing(inputs, state, options, ledger)}
    for place in rounds:
        for name, answer in read_batch_files(place):
            if name in waiting and answer.final:
                await ledger.answered(waiting.pop(name), answer)
                _batched(answer, state)
    missing = {r.request_id: r for r in await _missing(inputs, state, options, ledger)}
    if not missing:
        return
    asked = {name for path in folder.glob("round-*/requests-*.jsonl") for name in read_bodies(path)}
    if not missing.keys() <= asked:
        place = folder / f"round-{len(rounds) + 1:03}"
        write_batch_files(missing.values(), place, BodyForm(options.structured))
    state.stop(
        f"{len(missing)} requests wait in {folder}: answer each requests-N.jsonl, such as with "
        "`vllm run-batch -i requests-N.jsonl -o answers-N.jsonl`, and run this again"
    )


def _batched(answer: Answer, state: State) -> None:
    """Count an answer of a batch."""
    if answer.state == "over_budget":
        state.stop(str(answer.message))
        return
    state.sent += 1
    if answer.final:
        state.bought(answer)


async def _missing(
    inputs: Inputs, state: State, options: ExtendOptions, ledger: Ledger | None
) -> list[ChatRequest]:
    """The requests whose answers the ledger does not hold, as known now, the same ones once."""
    gathering = Gathering(ledger, state.style)
    extension = Extension(gathering, state.templates, options.seed, options.again)
    for _, depiction in depictions(inputs):
        await extension.extend(depiction)
    return list({request.request_id: request for request in gathering.missing}.values())
