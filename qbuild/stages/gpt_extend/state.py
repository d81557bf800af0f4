"""What a run of `gpt-extend` works with, made from its options, and what it did so far."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from qbuild.core.errors import UsageError
from qbuild.llm.answers import Answer
from qbuild.llm.prices import Prices
from qbuild.pairs.tasks import Style
from qbuild.pairs.templates import Template, load_templates

if TYPE_CHECKING:
    from qbuild.core.engine.stage import Inputs
    from qbuild.llm.budget import Budget
    from qbuild.llm.requests import Parameter
    from qbuild.stages.gpt_extend.options import ExtendOptions, ExtendRuntime

INTERRUPTED = "interrupted"


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
    tokens: Counter[str] = field(default_factory=Counter)  # of answers bought in this run
    pending: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    sent: int = 0
    from_ledger: int = 0
    retried: int = 0
    budget: Budget | None = None
    possibly_paid: int = 0

    def count(self, answer: Answer) -> None:
        """Take in one answer, wherever it came from."""
        self.states[answer.state] += 1

    def bought(self, answer: Answer) -> None:
        """Take in what an answer used that was bought in this run."""
        if answer.usage is not None:
            self.tokens["prompt"] += answer.usage.prompt_tokens
            self.tokens["completion"] += answer.usage.completion_tokens

    def stop(self, why: str) -> None:
        """Say why the run ends early; the first reason is the one told."""
        self.stopped = self.stopped or why

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
        raise UsageError(
            "--tier",
            "flex is no tier of a batch",
            "expected standard: a batch has a price of its own",
            "Leave --tier out, or use --provider openai.",
        )
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


def depictions(inputs: Inputs) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row of the inputs with its number."""
    for batch in inputs.scan():
        yield from enumerate(batch.rows.to_pylist(), batch.start)
