"""Answers from the ledger alone: no network, no key, no money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.llm.answers import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from qbuild.llm.ledger import Ledger
    from qbuild.llm.requests import ChatRequest

NOT_THERE = "not in the ledger"


class Replay:
    """The provider `replay`: what a ledger holds, and `http_error` for what it does not."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def submit(self, request: ChatRequest) -> Answer:
        """The recorded answer; else state `http_error`, message `not in the ledger`."""
        known = self.ledger.known(request.request_id)
        return known if known is not None else Answer("http_error", message=NOT_THERE)

    async def answers(
        self, requests: Iterable[ChatRequest]
    ) -> AsyncIterator[tuple[ChatRequest, Answer]]:
        """Each request with its recorded answer, in the order asked."""
        for request in requests:
            yield request, await self.submit(request)
