"""One run of `gpt-extend`: many depictions at once, rows in input order; or what it would send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from qbuild.llm.errors import ServiceError
from qbuild.llm.ledger import Ledger
from qbuild.pairs.generate import Extended, Extension
from qbuild.stages.gpt_extend.providers import asker_of
from qbuild.stages.gpt_extend.rows import Rows
from qbuild.stages.gpt_extend.state import INTERRUPTED, State, depictions

if TYPE_CHECKING:
    from qbuild.core.engine.stage import Inputs, Output
    from qbuild.stages.gpt_extend.options import ExtendOptions

# Row of the inputs, the depiction there, what came of it: all of its pairs, or why it is pending.
Numbered = tuple[int, Mapping[str, Any], Extended]

CHUNK = 128  # depictions whose rows are made at once: a table of one row costs as much


async def extended(inputs: Inputs, state: State, options: ExtendOptions) -> AsyncIterator[Output]:
    """The rows of depictions, chunk by chunk; `state.stopped` says why a run ended early."""
    origin = "rules" if options.provider == "rules" else f"model {options.model}"
    made = Rows(origin)
    async with asker_of(inputs, state, options) as asker:
        extension = Extension(asker, state.templates, options.seed, options.again)
        async for output in in_order(_all(inputs, state, extension), made):
            yield output


async def in_order(found: AsyncIterator[Numbered], made: Rows) -> AsyncIterator[Output]:
    """Outputs of consecutive depictions in input order, those that are pending left out."""
    held: dict[int, tuple[Mapping[str, Any], Extended]] = {}
    start = ready = 0
    async for at, depiction, extended_one in found:
        held[at] = (depiction, extended_one)
        while ready in held:
            ready += 1
        if ready - start >= CHUNK:
            for output in _outputs({n: held.pop(n) for n in range(start, ready)}, made):
                yield output
            start = ready
    for output in _outputs(dict(sorted(held.items())), made):
        yield output


def _outputs(
    held: Mapping[int, tuple[Mapping[str, Any], Extended]], made: Rows
) -> Iterator[Output]:
    """An output for each stretch of consecutive depictions that were answered in full."""
    stretch: list[tuple[Mapping[str, Any], Extended]] = []
    for at, (depiction, found) in held.items():
        if found.pending is None:
            stretch.append((depiction, found))
        if stretch and (found.pending is not None or at + 1 not in held):
            begin = at + (found.pending is None) - len(stretch)
            yield made.output(begin, stretch)
            stretch = []


async def _all(inputs: Inputs, state: State, extension: Extension) -> AsyncIterator[Numbered]:
    """Each depiction with what came of it, in any order, until they or the run end.

    Ctrl-C cancels what waits here: what was answered until then is still given.
    """
    under_way: set[asyncio.Task[Numbered]] = set()
    done: set[asyncio.Task[Numbered]] = set()

    async def one(at: int, depiction: Mapping[str, Any]) -> Numbered:
        return at, depiction, await extension.extend(depiction)

    rows, ending = depictions(inputs), False
    try:
        while True:
            while len(under_way) < state.runtime.concurrency and not ending:
                numbered = next(rows, None)
                if numbered is None:
                    break
                under_way.add(asyncio.create_task(one(*numbered)))
            if not under_way:
                return
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                try:
                    at, depiction, found = task.result()
                except ServiceError as error:
                    state.stop(str(error))
                    ending = True
                    continue
                ending = _counted(found, state) or ending
                yield at, depiction, found
    except asyncio.CancelledError:
        state.stop(INTERRUPTED)
    finally:
        for task in under_way:
            task.cancel()
        # those that are done too: one error ends the run, and others may have met the same
        await asyncio.gather(*under_way, *done, return_exceptions=True)


def _counted(found: Extended, state: State) -> bool:
    """Count a depiction as done or pending; whether it ends the run, for the cap is reached."""
    if found.pending is None:
        state.done += 1
        return False
    state.pending[found.pending] += 1
    if "over_budget" not in state.states:
        return False
    state.stop(found.pending)
    return True


def planned(inputs: Inputs, state: State, options: ExtendOptions) -> dict[str, Any]:
    """What would be sent and cost: `plan` in figures, `text` in words."""
    from qbuild.llm.cost_plan import plan
    from qbuild.pairs.tasks import request_of, tasks_of
    from qbuild.stages.gpt_extend.report import told_plan

    if options.provider == "rules":
        return {"plan": None, "text": "provider rules sends nothing and costs nothing"}
    ledger = Ledger.open(state.ledger_folder) if state.ledger_folder.is_dir() else None
    try:
        requests = (
            request_of(task, state.style)
            for _, depiction in depictions(inputs)
            for task in tasks_of(depiction, state.templates, options.seed)
        )
        made = plan(requests, ledger, state.prices)
    finally:
        if ledger is not None:
            ledger.close()
    return {"plan": made.as_dict(), "text": told_plan(made, options.model)}
