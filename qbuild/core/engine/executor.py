"""Running a stage's functions: overlapped in this process, in workers, or in one async loop.

Each runner hands Outputs to `take` in input order and returns the number of rows left pending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from qbuild.core.engine.prefetch import prefetch
from qbuild.core.engine.stage import Output, StoppedEarlyError
from qbuild.core.engine.workers import run_in_workers
from qbuild.core.errors import StageError

if TYPE_CHECKING:
    from qbuild.core.engine.inputs import RunInputs
    from qbuild.core.engine.stage_call import StageCall

Take = Callable[[Output], None]


def run_map(job: StageCall, sources: RunInputs, workers: int, take: Take) -> int:
    """Transform every batch, here or in `workers` processes."""
    if workers == 1:
        for batch in prefetch(sources.transform_batches()):
            take(job.apply(batch))
    else:
        for output in run_in_workers(job, sources, workers):
            take(output)
    return 0


def run_reduce(job: StageCall, sources: RunInputs, take: Take) -> tuple[int, Any]:
    """Take what `produce` yields; its return value is the state that `finish` sees."""
    assert job.stage.produce is not None  # noqa: S101
    outputs = job.stage.produce(sources, job.options)
    while True:
        try:
            output = next(outputs)
        except StopIteration as end:
            return 0, end.value
        take(job.accept(output, None, None))


def run_service(job: StageCall, sources: RunInputs, take: Take) -> tuple[int, str]:
    """Take a service's answers in input order; those that never came are pending, and why."""
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
        assert job.stage.serve is not None  # noqa: S101
        async for output in job.stage.serve(sources, job.state, job.options):
            if output.at is None or output.at in held or not 0 <= output.at < sources.rows:
                raise StageError(job.stage.name, f"answered row {output.at}", "expected each once")
            held[output.at] = job.accept(output, None, None)
            flush(everything=False)

    # What is pending after an early stop is counted below and said in the description.
    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(consume())
        except StoppedEarlyError as stop:
            stopped = str(stop)
    flush(everything=True)
    return sources.rows - answered, stopped
