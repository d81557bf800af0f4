"""The pairs of a depiction: each task is asked, its answer parsed, checked, and asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from qbuild.core.canonical import row_seed
from qbuild.core.engine.tally import Tally
from qbuild.core.rows.rejections import RejectedError, Rejection
from qbuild.pairs.answerers import AnswerSource, AskResult
from qbuild.pairs.assignment import NOTHING_ASSIGNED, Assignment
from qbuild.pairs.conversations import judged_form, read_as
from qbuild.pairs.parse import Pair, read_pairs
from qbuild.pairs.tasks import (
    DISTRACTORS,
    QUALITY,
    WHAT_HOW,
    YES_NO_TASK,
    Retry,
    Task,
    distractor_task,
    tasks_of,
)
from qbuild.pairs.templates import Template
from qbuild.pairs.verify import PairChecker
from qbuild.quality.published_text import letters

# Rejections that asking again cannot change; a rule's answer has no request and is final too.
FINAL_REASONS = frozenset({"refused", "nothing-to-ask", "cannot-make"})


@dataclass(frozen=True)
class AcceptedPair:
    """A pair that may become data, its task and its request."""

    pair: Pair
    task: Task
    request_id: str | None


@dataclass(frozen=True)
class RejectedAnswer:
    """A pair, or an answer without pairs, that is rejected; `raw` is the whole answer."""

    task: Task
    rejection: Rejection
    raw: str | None
    request_id: str | None


@dataclass
class DepictionPairs:
    """The outcome of one depiction; `pending` says why a part of it has no answer yet."""

    accepted: list[AcceptedPair] = field(default_factory=list)
    rejected: list[RejectedAnswer] = field(default_factory=list)
    pending: str | None = None
    counts: Tally = field(default_factory=Tally)


@dataclass
class _TaskPairs:
    """The outcome of one task, before duplicate questions are rejected."""

    pairs: list[Pair] = field(default_factory=list)
    rejected: list[RejectedAnswer] = field(default_factory=list)
    pending: str | None = None
    request_id: str | None = None
    counts: Tally = field(default_factory=Tally)


@dataclass(frozen=True)
class PairGenerator:
    """Makes pairs of depictions; a faulty answer is asked again up to `max_revisions` times."""

    source: AnswerSource
    templates: Mapping[str, Template]
    seed: int
    max_revisions: int
    assigned: Assignment = NOTHING_ASSIGNED

    async def generate(self, depiction: Mapping[str, Any]) -> DepictionPairs:
        """The pairs of a depiction, in the order of its tasks."""
        joined = self.assigned.join(depiction)
        if joined is None:
            return DepictionPairs()
        depiction = joined
        tasks = tasks_of(depiction, self.templates, self.seed, self.assigned)
        result, checker = DepictionPairs(), PairChecker(full_text(depiction))
        wants = [task.want for task in tasks if task.id in (QUALITY, YES_NO_TASK)]
        result.counts.add_each("asked-yes-no", wants)
        outcomes = await asyncio.gather(*(self._ask(task, checker) for task in tasks))
        for task, outcome in zip(tasks, outcomes, strict=True):
            await self._add(task, outcome, checker, result)
        return result

    async def _add(
        self, task: Task, outcome: _TaskPairs, checker: PairChecker, result: DepictionPairs
    ) -> None:
        """Add the pairs of one task, without those whose question was asked before."""
        result.counts.update(outcome.counts)
        result.pending = result.pending or outcome.pending
        result.rejected += outcome.rejected
        for pair in outcome.pairs:
            duplicate = checker.reject_duplicate(pair)
            if duplicate is not None:
                result.rejected.append(RejectedAnswer(task, duplicate, None, outcome.request_id))
                continue
            shuffled = self._shuffle_choices(task, pair)
            result.accepted.append(AcceptedPair(shuffled, task, outcome.request_id))
        if task.id != WHAT_HOW or any(pair.form == "multi" for pair in outcome.pairs):
            return
        extra_tasks = [distractor_task(task, pair, self.templates) for pair in outcome.pairs]
        outcomes = await asyncio.gather(*(self._ask(extra, checker) for extra in extra_tasks))
        for extra, extra_outcome in zip(extra_tasks, outcomes, strict=True):
            await self._add(extra, extra_outcome, checker, result)

    async def _ask(self, task: Task, checker: PairChecker) -> _TaskPairs:
        """The pairs of a task, asked again with its rejections as often as allowed."""
        outcome = _TaskPairs()
        retries: tuple[Retry, ...] = ()
        while True:
            asked = await self.source.ask(task, retries)
            answer, outcome.request_id = asked.answer, asked.request_id
            if answer.state in {"http_error", "over_budget"}:
                outcome.pending = answer.message or answer.state
                return outcome
            pairs, rejections = self._check(task, asked, checker, outcome.counts)
            final = asked.request_id is None or any(r.reason in FINAL_REASONS for r in rejections)
            if not rejections or final or len(retries) >= self.max_revisions:
                outcome.pairs = pairs
                outcome.rejected = [
                    RejectedAnswer(task, rejection, answer.raw, asked.request_id)
                    for rejection in rejections
                ]
                return outcome
            outcome.counts.add("asked-again")
            retries = (*retries, Retry(answer.raw or "", tuple(rejections)))

    def _check(
        self, task: Task, asked: AskResult, checker: PairChecker, counts: Tally
    ) -> tuple[list[Pair], list[Rejection]]:
        """The usable pairs of an answer, and why the others are rejected."""
        answer = asked.answer
        if asked.rejection is not None:
            return [], [asked.rejection]
        if answer.state != "ok":
            return [], [Rejection(answer.state, answer.message or answer.state)]
        try:
            pairs = read_pairs(answer.raw or "", task.template)
            if task.id == DISTRACTORS:
                _check_unchanged(pairs, task)
        except RejectedError as error:
            return [], [error.rejection]
        usable: list[Pair] = []
        rejections: list[Rejection] = []
        form = judged_form(task.id, task.depiction["question"])
        for pair in read_as(task.id, pairs):
            check = checker.check(pair, form)
            rejections += check.rejections
            if not check.rejections:
                usable.append(pair)
                counts.add_each("flag", check.flags)
        return usable, rejections

    def _shuffle_choices(self, task: Task, pair: Pair) -> Pair:
        """The pair with its choices in an order drawn by seed; Yes stays before No."""
        if pair.options is None:
            return pair
        options = ["Yes", "No"]
        if pair.form != "binary":
            own_id = task.depiction["depiction_id"]
            options = sorted(
                pair.options, key=lambda option: row_seed(self.seed, own_id, pair.question, option)
            )
        letter = letters(len(options))[options.index(pair.right)]
        return replace(pair, options=tuple(options), answer=letter)


def full_text(depiction: Mapping[str, Any]) -> str:
    """All that a person wrote in a depiction, including their own question."""
    return "\n".join(filter(None, (depiction["question"], depiction["text"])))


def _check_unchanged(pairs: list[Pair], task: Task) -> None:
    """Raise where wrong choices came with another question or another right answer."""
    (pair,) = pairs
    for name, value in (("question", pair.question), ("answer", pair.right)):
        given = task.slots[name]
        if value.casefold().rstrip(" .?") != given.casefold().rstrip(" .?"):
            message = f"the {name} is {value!r}; expected {given!r} as given"
            raise RejectedError("changed", message)
