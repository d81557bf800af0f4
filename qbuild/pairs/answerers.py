"""Who answers the tasks of a depiction: the rules, or a model by its service or the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qbuild.core.rows.rejections import RejectedError, Rejection
from qbuild.llm.answers import Answer
from qbuild.pairs.tasks import Retry, Style, Task, request_of

if TYPE_CHECKING:
    from qbuild.llm.requests import ChatRequest


@dataclass(frozen=True)
class AskResult:
    """An answer and the id of its request, if it had one; `rejection`: it cannot be made."""

    answer: Answer
    request_id: str | None = None
    rejection: Rejection | None = None


class AnswerSource(Protocol):
    """Who answers a task."""

    async def ask(self, task: Task, retries: tuple[Retry, ...]) -> AskResult:
        """The answer to a task; `retries` are the unusable answers so far."""


@dataclass(frozen=True)
class RulesSource:
    """Answers from what a depiction states, without a model."""

    seed: int

    async def ask(self, task: Task, retries: tuple[Retry, ...]) -> AskResult:  # noqa: ARG002
        """The pairs as JSON; rejected as `cannot-make` where the depiction has none."""
        from qbuild.pairs.rules import rules_answer
        from qbuild.pairs.rules.facts import check_length

        try:
            check_length(str(task.depiction["text"]))
            raw = rules_answer(task.id, task.depiction, self.seed, task.want == "Yes")
        except RejectedError as error:
            answer = Answer("invalid", message=str(error))
            return AskResult(answer, rejection=Rejection("cannot-make", str(error)))
        return AskResult(Answer("ok", raw=raw))


@dataclass(frozen=True)
class ModelSource:
    """Answers of a model; `submit` gets the answer to a request, of a service or the ledger."""

    submit: Callable[[ChatRequest], Awaitable[Answer]]
    style: Style

    async def ask(self, task: Task, retries: tuple[Retry, ...]) -> AskResult:
        """The model's answer to the request of the task."""
        request = request_of(task, self.style, retries)
        return AskResult(await self.submit(request), request.request_id)
