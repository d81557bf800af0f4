"""A depiction's pairs: each task asked, read, checked, asked again with what was wrong.

Whoever answers stands behind `Asker`: a service with its ledger, the ledger alone, or the rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from qbuild.core.canonical import row_seed
from qbuild.core.engine.tally import Tally
from qbuild.llm.answers import Answer
from qbuild.pairs.parse import Fault, Pair, UnusableAnswerError, read_pairs
from qbuild.pairs.tasks import DISTRACTORS, WHAT_HOW, Again, Task, follow_up, tasks_of
from qbuild.pairs.templates import Template
from qbuild.pairs.verify import Checker
from qbuild.quality.choices import letters


class Asker(Protocol):
    """Who answers a task."""

    async def ask(self, task: Task, again: tuple[Again, ...]) -> Asked:
        """What came of asking, after the answers that could not be used."""


@dataclass(frozen=True)
class Asked:
    """An answer and the id of its request, where there was one; `fault`: it cannot be made."""

    answer: Answer
    request_id: str | None = None
    fault: Fault | None = None


@dataclass(frozen=True)
class Made:
    """A pair that may become data, and what it was made with."""

    pair: Pair
    task: Task
    request_id: str | None


@dataclass(frozen=True)
class Refused:
    """A pair or an answer kept apart, with the reason."""

    task: Task
    fault: Fault
    raw: str | None
    request_id: str | None


@dataclass
class Extended:
    """What came of one depiction; `pending` says why some of it was not answered yet."""

    made: list[Made] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    pending: str | None = None
    counts: Tally = field(default_factory=Tally)


@dataclass(frozen=True)
class Extension:
    """How depictions are extended: by whom, with which templates, asked again how often."""

    asker: Asker
    templates: Mapping[str, Template]
    seed: int
    again: int

    async def extend(self, depiction: Mapping[str, Any]) -> Extended:
        """The pairs of a depiction, in the order of its tasks."""
        tasks = tasks_of(depiction, self.templates, self.seed)
        whole, checker = Extended(), Checker(seen_text(depiction))
        asked = await asyncio.gather(*(self._rounds(task, checker) for task in tasks))
        for task, outcome in zip(tasks, asked, strict=True):
            await self._take(task, outcome, checker, whole)
        return whole

    async def _take(self, task: Task, outcome: Outcome, checker: Checker, whole: Extended) -> None:
        """The pairs of one task, less those that repeat a question asked before."""
        whole.counts.update(outcome.counts)
        whole.pending = whole.pending or outcome.pending
        whole.refused += outcome.refused
        for pair in outcome.pairs:
            verdict = checker.repeats(pair)
            if verdict is not None:
                whole.refused.append(Refused(task, verdict, None, outcome.request_id))
                continue
            checker.keep([pair])
            whole.made.append(Made(self.spread(task, pair), task, outcome.request_id))
        if task.id != WHAT_HOW or any(pair.form == "multi" for pair in outcome.pairs):
            return
        more = [follow_up(task, pair, self.templates) for pair in outcome.pairs]
        asked = await asyncio.gather(*(self._rounds(extra, checker) for extra in more))
        for extra, found in zip(more, asked, strict=True):
            await self._take(extra, found, checker, whole)

    async def _rounds(self, task: Task, checker: Checker) -> Outcome:
        """What a task gives, asked again with its faults as often as allowed."""
        found = Outcome()
        again: tuple[Again, ...] = ()
        while True:
            asked = await self.asker.ask(task, again)
            found.request_id = asked.request_id
            answer = asked.answer
            if answer.state in {"http_error", "over_budget"}:
                found.pending = answer.message or answer.state
                return found
            pairs, faults = self._judged(task, asked, checker, found.counts)
            stubborn = any(fault.reason in FINAL for fault in faults) or found.request_id is None
            if not faults or stubborn or len(again) >= self.again:
                found.pairs = pairs
                found.refused = [
                    Refused(task, fault, answer.raw, asked.request_id) for fault in faults
                ]
                return found
            found.counts.add("asked-again")
            again = (*again, Again(answer.raw or "", tuple(faults)))

    def _judged(
        self, task: Task, asked: Asked, checker: Checker, counts: Tally
    ) -> tuple[list[Pair], list[Fault]]:
        """The usable pairs of an answer, and the faults of the others."""
        answer = asked.answer
        if asked.fault is not None:
            return [], [asked.fault]
        if answer.state != "ok":
            return [], [Fault(answer.state, answer.message or answer.state)]
        try:
            pairs = read_pairs(answer.raw or "", task.template)
            if task.id == DISTRACTORS:
                _keeps_question(pairs, task)
        except UnusableAnswerError as error:
            return [], [error.fault]
        good: list[Pair] = []
        faults: list[Fault] = []
        for pair in pairs:
            verdict = checker.check(pair)
            faults += verdict.faults
            if not verdict.faults:
                good.append(pair)
                counts.add_each("flag", verdict.flags)
        return good, faults

    def spread(self, task: Task, pair: Pair) -> Pair:
        """The pair with its choices in an order drawn by seed; Yes stays before No."""
        if pair.options is None:
            return pair
        right = pair.right
        if pair.form == "binary":
            order = ["Yes", "No"]
        else:
            own = (self.seed, task.depiction["depiction_id"], pair.question)
            order = sorted(pair.options, key=lambda option: row_seed(own[0], *own[1:], option))
        letter = letters(len(order))[order.index(right)]
        return Pair(pair.form, pair.question, tuple(order), letter)


@dataclass
class Outcome:
    """What came of one task."""

    pairs: list[Pair] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    pending: str | None = None
    request_id: str | None = None
    counts: Tally = field(default_factory=Tally)


# Faults that the same model would only be paid for again; the rules answer the same each time.
FINAL = frozenset({"refused", "nothing-to-ask", "cannot-make"})


def seen_text(depiction: Mapping[str, Any]) -> str:
    """All that a person wrote in a depiction: their own question too."""
    return "\n".join(filter(None, (depiction["question"], depiction["text"])))


def _keeps_question(pairs: list[Pair], task: Task) -> None:
    """Raise where wrong choices came with another question or another right answer."""
    (pair,) = pairs
    for name, said in (("question", pair.question), ("answer", pair.right)):
        given = task.slots[name]
        if said.casefold().rstrip(" .?") != given.casefold().rstrip(" .?"):
            message = f"the {name} is {said!r}; expected {given!r} as given"
            raise UnusableAnswerError("changed", message)
