"""The settings and the progress of a run of `gpt-extend`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from qbuild.core.engine.stage import Inputs
from qbuild.core.errors import UsageError
from qbuild.core.rows.rejections import RejectedError
from qbuild.llm.budget import Budget
from qbuild.llm.client import RequestStats
from qbuild.llm.prices import Prices
from qbuild.llm.requests import Parameter
from qbuild.pairs.answerers import AnswerSource
from qbuild.pairs.assignment import Assignment, assign
from qbuild.pairs.generate import PairGenerator
from qbuild.pairs.tasks import Style, asks_yes_no
from qbuild.pairs.templates import Template, load_templates
from qbuild.stages.gpt_extend.options import ExtendOptions, ExtendRuntime

INTERRUPTED = "interrupted"


@dataclass
class State:
    """The settings of a run, and its progress."""

    inputs: Inputs
    options: ExtendOptions
    runtime: ExtendRuntime
    templates: Mapping[str, Template]
    style: Style
    prices: Prices
    ledger_folder: Path
    stopped: str = ""
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    pending: Counter[str] = field(default_factory=Counter)
    stats: RequestStats = field(default_factory=RequestStats)
    budget: Budget | None = None
    possibly_paid: int = 0

    def depictions(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each row of the inputs with its number."""
        for batch in self.inputs.scan():
            yield from enumerate(batch.rows.to_pylist(), batch.start)

    def pair_generator(self, source: AnswerSource) -> PairGenerator:
        """What makes the pairs of a depiction from the answers of a source."""
        options = self.options
        return PairGenerator(
            source, self.templates, options.seed, options.max_revisions, self.assigned
        )

    @cached_property
    def assigned(self) -> Assignment:
        """What is assigned over all depictions: right answers, extended conversations, aspects."""
        options = self.options
        return assign(
            lambda: (row for _, row in self.depictions()),
            options.seed,
            options.extended_share,
            together=options.aspects == "together",
            is_asked=_makes_yes_no if options.provider == "rules" else asks_yes_no,
        )

    def stop(self, reason: str) -> None:
        """End the run early; the first reason is the one reported."""
        self.stopped = self.stopped or reason

    def status(self) -> str:
        """Done, failures by state, tokens, cost, rate and time left, in one line."""
        total = self.inputs.rows
        elapsed = max(time.monotonic() - self.started, 1e-6)
        rate = self.done / elapsed
        left = (total - self.done) / rate if self.done else None
        states = sorted(self.stats.states.items())
        failed = ", ".join(f"{count} {state}" for state, count in states if state != "ok")
        parts = [f"{self.done}/{total}", failed]
        if self.budget is not None:
            tokens = self.stats.prompt_tokens + self.stats.completion_tokens
            parts.append(f"{tokens:,} tokens, ${self.budget.spent:.4f}")
        parts.append(f"{rate:.1f}/s" + (f", {left:.0f} s left" if left is not None else ""))
        return "; ".join(filter(None, parts))

    def run_figures(self) -> dict[str, Any]:
        """What this run sent, received and spent."""
        stats = self.stats
        return {
            "states": dict(sorted(stats.states.items())),
            "sent": stats.sent,
            "from_ledger": stats.from_ledger,
            "retried": stats.retried,
            "prompt_tokens": stats.prompt_tokens,
            "completion_tokens": stats.completion_tokens,
            "usd": round(self.budget.spent, 6) if self.budget is not None else 0.0,
            "prices_dated": self.prices.dated,
            "possibly_paid_twice": self.possibly_paid,
            "stopped": self.stopped,
            "pending": dict(sorted(self.pending.items())),
        }

    def warnings(self) -> list[str]:
        """Warnings for the user, with the notes of the provider."""
        warnings = list(self.stats.notes)
        if self.stopped:
            warnings.append(f"stopped early: {self.stopped}")
        if self.possibly_paid:
            warnings.append(
                f"{self.possibly_paid} requests of an earlier run were sent and never answered: "
                "they may be paid twice, and count against the cap"
            )
        return warnings


def _makes_yes_no(depiction: Mapping[str, Any]) -> bool:
    """Whether the rules make a yes/no question about a depiction."""
    from qbuild.pairs.rules.facts import check_length, facts_of

    if not asks_yes_no(depiction):
        return False
    try:
        check_length(str(depiction["text"]))
        return bool(facts_of(depiction))
    except RejectedError:
        return False


def templates_of(options: ExtendOptions) -> dict[str, Template]:
    """The templates that the options name."""
    return load_templates(Path(options.prompts) if options.prompts else None)


def prepare_state(inputs: Inputs, options: ExtendOptions) -> State:
    """The settings of a run with these options; UsageError for incompatible ones."""
    runtime = cast("ExtendRuntime", inputs.runtime)
    if options.provider != "rules" and not options.model:
        raise UsageError(
            "--model", "is missing", f"provider {options.provider} requires one", "Name a model."
        )
    if options.provider == "openai-batch" and options.tier == "flex":
        raise UsageError(
            "--tier",
            "flex is not a tier of a batch",
            "expected standard: a batch has its own price",
            "Leave --tier out, or use --provider openai.",
        )
    parameters: dict[str, Parameter] = {"max_output_tokens": options.max_output_tokens}
    if options.temperature:
        parameters["temperature"] = float(options.temperature)
    if options.tier == "flex":
        parameters["service_tier"] = "flex"
    return State(
        inputs=inputs,
        options=options,
        runtime=runtime,
        templates=templates_of(options),
        style=Style(options.model, options.structured, parameters),
        prices=Prices.load(Path(runtime.prices) if runtime.prices else None),
        ledger_folder=Path(runtime.ledger) if runtime.ledger else inputs.scratch.parent / "ledger",
    )
