"""Who is asked: the rules, the ledger, or a service; each answers a task in the same way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from qbuild.llm.answers import Answer
from qbuild.llm.replay import NOT_THERE
from qbuild.pairs.generate import Asked
from qbuild.pairs.parse import Fault
from qbuild.pairs.tasks import Again, Style, Task, request_of

if TYPE_CHECKING:
    from qbuild.llm.ledger import Ledger
    from qbuild.llm.requests import ChatRequest


class Answering(Protocol):
    """What answers one request."""

    async def submit(self, request: ChatRequest) -> Answer:
        """What came of it."""


@dataclass(frozen=True)
class Rules:
    """Makes pairs from what a depiction holds, without a model; says what it cannot make."""

    seed: int

    async def ask(self, task: Task, again: tuple[Again, ...]) -> Asked:  # noqa: ARG002
        """The pairs as JSON; the fault `cannot-make` where a depiction does not hold them."""
        from qbuild.pairs.rules import CannotMake, rules_answer

        try:
            raw = rules_answer(task.id, task.depiction, self.seed, task.want == "Yes")
        except CannotMake as refusal:
            fault = Fault("cannot-make", str(refusal))
            return Asked(Answer("invalid", message=str(refusal)), fault=fault)
        return Asked(Answer("ok", raw=raw))


@dataclass(frozen=True)
class Service:
    """Asks a provider, in one style."""

    provider: Answering
    style: Style

    async def ask(self, task: Task, again: tuple[Again, ...]) -> Asked:
        """What the provider has to say to the request of a task."""
        request = request_of(task, self.style, again)
        return Asked(await self.provider.submit(request), request.request_id)


@dataclass
class Gathering:
    """Answers from the ledger, and notes what it does not hold: what would have to be sent."""

    ledger: Ledger | None
    style: Style
    missing: list[ChatRequest] = field(default_factory=list)

    async def ask(self, task: Task, again: tuple[Again, ...]) -> Asked:
        """The recorded answer, or `http_error` for a request that is put on the list."""
        request = request_of(task, self.style, again)
        known = self.ledger.known(request.request_id) if self.ledger is not None else None
        if known is None:
            self.missing.append(request)
            known = Answer("http_error", message=NOT_THERE)
        return Asked(known, request.request_id)
