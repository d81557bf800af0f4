"""Extend depictions into question-answer pairs by a language model, or by rules.

Reads `depiction` artifacts; writes `instruction` rows of tasks binary, multi, open,
temporal, extended and in-context (VQA² section 3.4 and appendix C.1, Q-Instruct). An overall
depiction of a video gives three quality-centric pairs, a temporal and an extended one; a note or
conversation one; an aspect of a generated video one; a pathway feedback, or any depiction of an
image, what/how, yes/no and extended pairs.

Provider `rules` needs no model: it asks about the statements of the depiction. `openai` uses any
server with that protocol (`--base-url`), `openai-batch` its Batch API, `replay` only the ledger.
The ledger keeps every answer: none is paid twice, and running again continues a run that stopped
early. Every pair is checked before it becomes a row; a faulty answer is sent back with its faults,
and rejected if they remain. See docs/gpt-extend.md and docs/ledger.md.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from qbuild.core.engine.stage import Inputs, Output, Reads, Stage, StoppedEarlyError
from qbuild.core.engine.tally import Tally
from qbuild.core.renamed import Renamed
from qbuild.stages.gpt_extend.options import ExtendOptions, ExtendRuntime

if TYPE_CHECKING:
    from qbuild.stages.gpt_extend.state import State


def prompts(options: ExtendOptions) -> dict[str, str]:
    """The hash of each template; none for the rules."""
    from qbuild.stages.gpt_extend.state import templates_of

    if options.provider == "rules":
        return {}
    return {name: template.hash for name, template in templates_of(options).items()}


def prepare(inputs: Inputs, options: ExtendOptions) -> State:
    """Templates, prices and the ledger's folder; UsageError for incompatible options."""
    from qbuild.stages.gpt_extend.state import prepare_state

    return prepare_state(inputs, options)


def plan(_inputs: Inputs, state: State, _options: ExtendOptions) -> dict[str, Any]:
    """What the first round would send and cost, with `text` to print."""
    from qbuild.stages.gpt_extend.run import plan_requests

    return plan_requests(state)


async def serve(_inputs: Inputs, state: State, _options: ExtendOptions) -> AsyncIterator[Output]:
    """The pairs of each depiction; what was not answered is pending."""
    from qbuild.stages.gpt_extend.run import extend_depictions

    async for output in extend_depictions(state):
        yield output
    if state.stopped:
        raise StoppedEarlyError(state.stopped)


def status(state: State) -> str:
    """The progress of a run, in one line."""
    return state.status()


def finish(state: State, tally: Tally, _options: ExtendOptions) -> dict[str, Any]:
    """Pairs by form and kind, balance, rejections; under `run` what was sent and spent."""
    from qbuild.stages.gpt_extend.report import summarise

    return {**summarise(tally), "run": state.run_figures(), "warnings": state.warnings()}


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    from qbuild.stages.gpt_extend.report import format_report

    return format_report(report)


STAGE = Stage(
    name="gpt-extend",
    version=2,
    options=ExtendOptions,
    runtime=ExtendRuntime,
    reads=Reads(schema="depiction"),
    writes="instruction",
    prompts=prompts,
    prepare=prepare,
    plan=plan,
    serve=serve,
    status=status,
    finish=finish,
    render=render,
    renamed={
        "again": Renamed("max_revisions"),
        "attempts": Renamed("max_attempts"),
        "breaker": Renamed("max_consecutive_failures"),
        "poll": Renamed("poll_interval"),
        "time_limit": Renamed("timeout"),
    },
    example="qbuild gpt-extend depictions.parquet -o pairs.parquet --provider rules",
)
