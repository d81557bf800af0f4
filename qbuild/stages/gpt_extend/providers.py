"""The source of answers of a run of `gpt-extend`: opened by its options, closed at its end."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from qbuild.llm.answers import Answer
from qbuild.llm.batch.files import Limits, read_batch_files, read_bodies, write_batch_files
from qbuild.llm.batch.provider import TIER, BatchProvider, Polling
from qbuild.llm.budget import Budget
from qbuild.llm.client import ChatClient, Replay
from qbuild.llm.ledger import Ledger
from qbuild.llm.openai_client import OpenAIClient
from qbuild.llm.rate_limit import RetryPolicy
from qbuild.llm.reply_policy import ServiceError
from qbuild.llm.request_body import BodyForm
from qbuild.llm.requests import ChatRequest
from qbuild.pairs.answerers import AnswerSource, ModelSource, RulesSource
from qbuild.stages.gpt_extend.state import INTERRUPTED, State


@asynccontextmanager
async def open_source(state: State) -> AsyncIterator[AnswerSource]:
    """The source of answers that the options name; connections and ledger are closed at the end."""
    options = state.options
    if options.provider == "rules":
        yield RulesSource(options.seed)
        return
    async with AsyncExitStack() as stack:
        write = options.provider != "replay"
        ledger = stack.enter_context(
            Ledger.open(state.ledger_folder, write=write, provider=options.provider)
        )
        if options.provider == "openai":
            client = await stack.enter_async_context(_chat_client(ledger, state))
            gc.freeze()  # a collection of all that is imported would block the loop for 0.1 s
            stack.callback(gc.unfreeze)
            yield ModelSource(client.submit, state.style)
            return
        if options.provider == "openai-batch" and state.runtime.batch_files:
            await _exchange_files(state, ledger)
        elif options.provider == "openai-batch":
            async with _batch_provider(ledger, state) as batches:
                await _send_missing(state, batches)
                state.stats.notes += batches.notes
        yield ModelSource(Replay(ledger, state.stats).submit, state.style)


def _chat_client(ledger: Ledger, state: State) -> ChatClient:
    form, budget = BodyForm(state.options.structured), _budget(ledger, state)
    return ChatClient(_client(state), ledger, budget, form, _policy(state), state.stats)


def _batch_provider(ledger: Ledger, state: State) -> BatchProvider:
    runtime = state.runtime
    return BatchProvider(
        _client(state),
        ledger,
        _budget(ledger, state, TIER),
        BodyForm(state.options.structured),
        limits=Limits(tokens=runtime.enqueued_tokens or None),
        polling=Polling(runtime.poll_interval, max(300.0, runtime.poll_interval)),
        policy=_policy(state),
    )


def _client(state: State) -> OpenAIClient:
    runtime = state.runtime
    return OpenAIClient(runtime.base_url or None, runtime.key_env, runtime.timeout)


def _policy(state: State) -> RetryPolicy:
    runtime = state.runtime
    return RetryPolicy(
        concurrency=runtime.concurrency,
        max_attempts=runtime.max_attempts,
        max_consecutive_failures=runtime.max_consecutive_failures,
    )


def _budget(ledger: Ledger, state: State, tier: str | None = None) -> Budget:
    """The cap of this run; unanswered attempts of earlier runs count from the start."""
    state.possibly_paid = len(ledger.unanswered_attempts())
    cap = float(state.runtime.max_usd) if state.runtime.max_usd else None
    state.budget = Budget(state.prices, cap, ledger.unanswered_usd(), tier)
    return state.budget


async def _send_missing(state: State, batches: BatchProvider) -> None:
    """Send what the ledger cannot answer, then what the answers make necessary, and so on."""
    answered = -1
    try:
        while not state.stopped and len(batches.ledger) > answered:
            missing = await _find_missing(state, batches.ledger)
            if not missing:
                return
            answered = len(batches.ledger)
            for answer in (await batches.answer_all(missing.values())).values():
                _count(answer, state)
    except ServiceError as error:
        state.stop(str(error))
    except asyncio.CancelledError:
        state.stop(f"{INTERRUPTED}; the next run waits for the batches in progress")


async def _exchange_files(state: State, ledger: Ledger) -> None:
    """Record the answers of all rounds in the folder, and write a round of missing requests."""
    folder = Path(state.runtime.batch_files)
    rounds = sorted(folder.glob("round-*"))
    missing = await _find_missing(state, ledger)
    for place in rounds:
        for name, answer in read_batch_files(place):
            if name in missing and answer.final:
                await ledger.record_answer(missing.pop(name), answer)
                _count(answer, state)
    missing = await _find_missing(state, ledger)
    if not missing:
        return
    asked = {name for path in folder.glob("round-*/requests-*.jsonl") for name in read_bodies(path)}
    if not missing.keys() <= asked:
        place = folder / f"round-{len(rounds) + 1:03}"
        write_batch_files(missing.values(), place, BodyForm(state.options.structured))
    state.stop(
        f"{len(missing)} requests wait in {folder}: answer each requests-N.jsonl, for example with "
        "`vllm run-batch -i requests-N.jsonl -o answers-N.jsonl`, and run this again"
    )


def _count(answer: Answer, state: State) -> None:
    if answer.state == "over_budget":
        state.stop(str(answer.message))
        return
    state.stats.sent += 1
    state.stats.count_paid(answer)


async def _find_missing(state: State, ledger: Ledger) -> dict[str, ChatRequest]:
    """The requests known so far that the ledger cannot answer, by id."""
    replay = Replay(ledger)
    generator = state.pair_generator(ModelSource(replay.submit, state.style))
    for _, depiction in state.depictions():
        await generator.generate(depiction)
    return replay.missing
