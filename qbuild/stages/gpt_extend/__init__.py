"""Extend depictions into pairs by a language model, or by rules.

Reads `depiction` artifacts; writes canonical `instruction` rows of tasks binary, multi, open,
temporal, extended and in-context (VQA² section 3.4 and appendix C.1, Q-Instruct). An overall
depiction of a video gives three quality-centric pairs, a temporal and an extended one; a note or
conversation one; an aspect of a generated video one; a pathway feedback, or any depiction of a
picture, what/how, yes/no and extended pairs.

Provider `rules` needs no model: it asks for what the depiction itself holds. `openai` asks any
server of that protocol (`--base-url`), `openai-batch` its Batch API, `replay` the ledger alone. The
ledger keeps every answer: what was bought once is never bought again, and a run that stopped early
is taken up by running it again. Every pair is checked before it is a row; an answer with a fault is
asked for again with the fault, then kept apart. See docs/gpt-extend.md and docs/ledger.md.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_serializer, field_validator

from qbuild.core.engine.stage import Inputs, Options, Output, Reads, Runtime, Stage, StoppedEarly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from qbuild.stages.gpt_extend.state import State

NUMBER = "expected a number from 0, or nothing"


class ExtendOptions(Options):
    """What is asked for, of whom, and how often again."""

    provider: Literal["rules", "openai", "openai-batch", "replay"] = Field(
        default="rules", description="Who answers; see above."
    )
    model: str = Field(default="", description="Model to ask, as the server calls it.")
    prompts: str = Field(
        default="", description="Folder of templates that take the place of those of qbuild."
    )
    structured: bool = Field(
        default=True, description="Hold the server to a JSON schema; else the text form is asked."
    )
    temperature: str = Field(default="", description="Sampling temperature; not sent unless given.")
    max_output_tokens: int = Field(default=1200, ge=16, description="Most tokens of an answer.")
    tier: Literal["standard", "flex"] = Field(
        default="standard", description="Service tier; flex is cheaper and slower."
    )
    again: int = Field(
        default=2, ge=0, le=10, description="How often an answer with faults is asked for again."
    )
    seed: int = Field(default=0, ge=0, description="Chooses wordings, Yes or No, order of choices.")

    @field_serializer("provider")
    def _same_answers(self, provider: str) -> str:
        """All that ask a model give the same rows for the same answers."""
        return provider if provider == "rules" else "model"

    @field_serializer("prompts")
    def _by_content(self, folder: str) -> str:
        """That there are other templates; what they are, their hashes say."""
        return "own" if folder else ""

    @field_validator("temperature")
    @classmethod
    def _a_number(cls, text: str) -> str:
        return _number(text)


class ExtendRuntime(Runtime):
    """Where the server and the ledger are, how fast is asked, and for how much.

    Pairs that are kept apart cost money and no more: few runs should fail for their number.
    """

    max_reject_share: float = Field(
        default=1, ge=0, le=1, description="Pairs kept apart to depictions above which it fails."
    )

    base_url: str = Field(default="", description="Server to ask instead of the client's own.")
    key_env: str = Field(
        default="OPENAI_API_KEY", description="Environment variable that holds the key."
    )
    ledger: str = Field(
        default="", description="Folder of the ledger; else `ledger` beside the output."
    )
    max_usd: str = Field(default="", description="Most dollars this run may spend: a hard stop.")
    prices: str = Field(default="", description="Price file instead of the newest that ships.")
    concurrency: int = Field(default=16, ge=1, le=4096, description="Requests under way at once.")
    attempts: int = Field(default=6, ge=1, description="Attempts at a request that fails.")
    time_limit: float = Field(default=120, gt=0, description="Seconds to wait for an answer.")
    poll: float = Field(default=15, gt=0, description="Seconds before a batch is looked at first.")
    batch_files: str = Field(
        default="",
        description="openai-batch: folder to write batches to and read their answers from, "
        "for `vllm run-batch`; nothing is sent.",
    )
    breaker: int = Field(
        default=10, ge=1, description="Requests in a row that may fail alike before it stops."
    )
    enqueued_tokens: int = Field(
        default=0, ge=0, description="Tokens that batches may hold at a time; 0: no limit."
    )

    @field_validator("max_usd")
    @classmethod
    def _a_sum(cls, text: str) -> str:
        return _number(text)


def _number(text: str) -> str:
    try:
        good = not text or 0 <= float(text) < float("inf")
    except ValueError:
        good = False
    if not good:
        raise ValueError(NUMBER)
    return text


def prompts(options: ExtendOptions) -> dict[str, str]:
    """The hash of each template; none where the rules answer."""
    from qbuild.stages.gpt_extend.state import templates_of

    if options.provider == "rules":
        return {}
    return {name: template.hash for name, template in templates_of(options).items()}


def prepare(inputs: Inputs, options: ExtendOptions) -> State:
    """Templates, prices and the place of the ledger; UsageError for options that do not fit."""
    from qbuild.stages.gpt_extend.state import state_of

    return state_of(inputs, options)


def plan(inputs: Inputs, state: State, options: ExtendOptions) -> dict[str, Any]:
    """What the first round would send and cost, with `text` to print."""
    from qbuild.stages.gpt_extend.run import planned

    return planned(inputs, state, options)


async def serve(inputs: Inputs, state: State, options: ExtendOptions) -> AsyncIterator[Output]:
    """The pairs of each depiction; what was not answered is pending."""
    from qbuild.stages.gpt_extend.run import extended

    async for output in extended(inputs, state, options):
        yield output
    if state.stopped:
        raise StoppedEarly(state.stopped)


def status(state: State) -> str:
    """How far the run is, in words."""
    return state.status()


def finish(state: State, tally: Counter[str], _options: ExtendOptions) -> dict[str, Any]:
    """Pairs by form and kind, balance, faults; under `run` what was sent and spent."""
    from qbuild.stages.gpt_extend.report import figures

    return {**figures(tally), "run": state.run_figures(), "warnings": state.warnings()}


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    from qbuild.stages.gpt_extend.report import told

    return told(report)


STAGE = Stage(
    name="gpt-extend",
    version=1,
    summary="Extend depictions into pairs by a language model, or by rules.",
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
)
