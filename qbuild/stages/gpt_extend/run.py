"""One run of `gpt-extend`: many depictions at a time, rows in input order; and its plan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, nullcontext
from dataclasses import asdict
from itertools import takewhile
from typing import Any

from qbuild.core.engine.stage import Output
from qbuild.llm.client import run_concurrently
from qbuild.llm.cost_plan import plan_cost
from qbuild.llm.ledger import Ledger
from qbuild.llm.reply_policy import ServiceError
from qbuild.pairs.generate import DepictionPairs, PairGenerator
from qbuild.pairs.tasks import request_of, tasks_of
from qbuild.stages.gpt_extend.providers import open_source
from qbuild.stages.gpt_extend.report import format_plan
from qbuild.stages.gpt_extend.rows import RowMaker
from qbuild.stages.gpt_extend.state import INTERRUPTED, State

# A depiction and its pairs, all of them or the reason why it is pending; numbered by input row.
Result = tuple[Mapping[str, Any], DepictionPairs]
Numbered = tuple[int, Result]

CHUNK = 128  # depictions whose rows are made at a time: a table of one row costs as much


async def extend_depictions(state: State) -> AsyncIterator[Output]:
    """The rows of depictions, chunk by chunk; `state.stopped` is why a run ended early."""
    options = state.options
    maker = RowMaker("rules" if options.provider == "rules" else f"model {options.model}")
    async with open_source(state) as source:
        results = _generate(state, state.pair_generator(source))
        async for output in outputs_in_order(results, maker):
            yield output


async def outputs_in_order(
    results: AsyncIterator[Numbered], maker: RowMaker
) -> AsyncIterator[Output]:
    """Outputs of consecutive depictions in input order, without the pending ones."""
    held: dict[int, Result] = {}
    start = ready = 0
    async for number, result in results:
        held[number] = result
        while ready in held:
            ready += 1
        if ready - start >= CHUNK:
            for output in _outputs({n: held.pop(n) for n in range(start, ready)}, maker):
                yield output
            start = ready
    for output in _outputs(dict(sorted(held.items())), maker):
        yield output


def _outputs(held: Mapping[int, Result], maker: RowMaker) -> Iterator[Output]:
    """An output for each run of consecutive depictions that were answered in full."""
    consecutive: list[Result] = []
    for number, (depiction, pairs) in held.items():
        if pairs.pending is None:
            consecutive.append((depiction, pairs))
        if consecutive and (pairs.pending is not None or number + 1 not in held):
            begin = number + (pairs.pending is None) - len(consecutive)
            yield maker.make_output(begin, consecutive)
            consecutive = []


async def _generate(state: State, generator: PairGenerator) -> AsyncIterator[Numbered]:
    """Each depiction with its pairs, in any order, until they or the run end.

    Ctrl-C cancels pending requests; answers until then are kept.
    """

    async def generate(numbered: tuple[int, dict[str, Any]]) -> DepictionPairs:
        return await generator.generate(numbered[1])

    ended = False
    rows = takewhile(lambda _: not ended, state.depictions())
    try:
        async with aclosing(run_concurrently(rows, generate, state.runtime.concurrency)) as results:
            async for (number, depiction), pairs in results:
                ended = _count(pairs, state) or ended
                yield number, (depiction, pairs)
    except ServiceError as error:
        state.stop(str(error))
    except asyncio.CancelledError:
        state.stop(INTERRUPTED)


def _count(pairs: DepictionPairs, state: State) -> bool:
    """Count a depiction as done or pending; whether the cap is reached, which ends the run."""
    if pairs.pending is None:
        state.done += 1
        return False
    state.pending[pairs.pending] += 1
    if "over_budget" not in state.stats.states:
        return False
    state.stop(pairs.pending)
    return True


def plan_requests(state: State) -> dict[str, Any]:
    """What would be sent and cost: `plan` as figures, `text` as lines."""
    if state.options.provider == "rules":
        return {"plan": None, "text": "provider rules sends nothing and costs nothing"}
    requests = (
        request_of(task, state.style)
        for _, row in state.depictions()
        if (depiction := state.assigned.join(row)) is not None
        for task in tasks_of(depiction, state.templates, state.options.seed, state.assigned)
    )
    folder = state.ledger_folder
    with Ledger.open(folder) if folder.is_dir() else nullcontext() as ledger:
        plan = plan_cost(requests, ledger, state.prices)
    return {"plan": asdict(plan), "text": format_plan(plan, state.options.model)}
