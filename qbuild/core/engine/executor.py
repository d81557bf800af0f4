"""Runs the functions of a stage: in this process, in worker processes, or in an async loop.

Each function passes Outputs to `take` in input order and returns the number of pending rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from qbuild.core.engine.inputs import RunInputs
from qbuild.core.engine.prefetch import prefetch
from qbuild.core.engine.stage import Output, StoppedEarlyError
from qbuild.core.engine.stage_call import StageCall
from qbuild.core.engine.workers import run_in_workers
from qbuild.core.errors import StageError

Take = Callable[[Output], None]


def run_map(call: StageCall, inputs: RunInputs, workers: int, take: Take) -> int:
    """Transform every batch, here or in `workers` processes."""
    if workers == 1:
        for batch in prefetch(inputs.transform_batches()):
            take(call.apply(batch))
    else:
        for output in run_in_workers(call, inputs, workers):
            take(output)
    return 0


def run_reduce(call: StageCall, inputs: RunInputs, take: Take) -> tuple[int, Any]:
    """Take what `produce` yields; its return value is the state passed to `finish`."""
    assert call.stage.produce is not None  # noqa: S101
    outputs = call.stage.produce(inputs, call.options)
    while True:
        try:
            output = next(outputs)
        except StopIteration as end:
            return 0, end.value
        take(call.accept(output, None, None))


def run_service(call: StageCall, inputs: RunInputs, take: Take) -> tuple[int, str]:
    """Take the outputs of a service in input order; the pending rows, and why it stopped early."""
    held: dict[int, Output] = {}
    answered, stopped = 0, ""

    def flush(everything: bool) -> None:
        nonlocal answered
        for at in sorted(held):
            if at != answered and not everything:
                return
            output = held.pop(at)
            take(output)
            answered += output.answers

    async def consume() -> None:
        assert call.stage.serve is not None  # noqa: S101
        async for output in call.stage.serve(inputs, call.state, call.options):
            if output.at is None or output.at in held or not 0 <= output.at < inputs.rows:
                what = f"made an output for row {output.at}"
                raise StageError(call.stage.name, what, "expected one for each row")
            held[output.at] = call.accept(output, None, None)
            flush(everything=False)

    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(consume())
        except StoppedEarlyError as stop:
            stopped = str(stop)
    flush(everything=True)
    return inputs.rows - answered, stopped
