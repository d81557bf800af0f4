"""A cap in dollars that holds: what is in flight counts at its worst price until it is settled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qbuild.core.errors import UsageError, near

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qbuild.llm.answers import Usage
    from qbuild.llm.ledger import InFlight
    from qbuild.llm.prices import Prices
    from qbuild.llm.requests import ChatRequest

_CENT_FRACTION = 1e-12  # sums of floats may miss the cap by rounding alone


class OverBudget(Exception):  # noqa: N818 - not an error: the run ends as it was told to
    """This request does not fit under the cap; nothing was sent."""


@dataclass(frozen=True)
class Reservation:
    """The worst price of an attempt, held until it is settled; None where there is no price."""

    request: ChatRequest
    usd: float | None


class Budget:
    """What a run may spend, has spent, and has promised.

    `before` counts from the start: what an earlier run sent and never saw answered. Without
    `max_usd` nothing is refused and costs are added up where prices are known.
    """

    def __init__(
        self,
        prices: Prices,
        max_usd: float | None = None,
        before: float = 0.0,
        tier: str | None = None,
    ) -> None:
        if max_usd is not None and not 0 <= max_usd < float("inf"):
            raise UsageError("--max-usd", f"{max_usd} is no sum", "expected dollars from 0")
        self.prices, self.max_usd, self.before, self._tier = prices, max_usd, before, tier
        self.spent = 0.0
        self.reserved = 0.0
        self.closed = False
        self._in_flight = 0
        self._swell = 1.0  # by how much prompts turned out longer than estimated, at most
        self._waiters: list[asyncio.Future[None]] = []

    def tier(self, request: ChatRequest) -> str:
        """The tier a request is paid at."""
        return self._tier or request.tier

    def check(self, requests: Iterable[ChatRequest]) -> None:
        """Refuse, before anything is sent, a cap over requests whose worst price is not known."""
        for request in requests:
            self.worst(request)

    def worst(self, request: ChatRequest) -> float | None:
        """The most an attempt may cost; UsageError where there is a cap and no such figure."""
        rate = self.prices.rate(request.model, self.tier(request))
        limit = request.max_output_tokens
        if self.max_usd is not None:
            if rate is None:
                raise self._no_price(request)
            if limit is None:
                raise UsageError(
                    "--max-usd",
                    "a request names no max_output_tokens",
                    "expected the most tokens an answer may have, without which no cap holds",
                    "Set max_output_tokens.",
                )
        if rate is None or limit is None:
            return None
        return rate.cost(int(request.estimated_tokens() * self._swell) + 1, limit)

    async def reserve(self, request: ChatRequest) -> Reservation:
        """Hold the worst price of an attempt; waits for what is in flight before it says no.

        Raises OverBudget where the cap leaves no room although nothing is in flight; from then
        on every request is refused.
        """
        while True:
            held = self.try_reserve(request)
            if held is not None:
                return held
            if not self._in_flight:
                self.closed = True
            if self.closed:
                self._wake()
                raise OverBudget(self.refusal(request))
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def try_reserve(self, request: ChatRequest) -> Reservation | None:
        """Hold the worst price of an attempt; None where there is no room now."""
        worst = self.worst(request)
        if self.closed:
            return None
        if self.max_usd is not None:
            total = self.before + self.spent + self.reserved + (worst or 0.0)
            if total > self.max_usd + _CENT_FRACTION:
                return None
        self.reserved += worst or 0.0
        self._in_flight += 1
        return Reservation(request, worst)

    def settle(self, held: Reservation, cost: float | None, usage: Usage | None = None) -> None:
        """Put the real cost in the place of the worst; the worst stays where it is not known."""
        self._in_flight -= 1
        self.reserved = self.reserved - (held.usd or 0.0) if self._in_flight else 0.0
        charged = held.usd if cost is None else cost
        self.spent += charged or 0.0
        if usage is not None:
            longer = usage.prompt_tokens / held.request.estimated_tokens()
            self._swell = max(self._swell, longer)
        self._wake()

    def recovered(self, estimate: float, cost: float | None) -> None:
        """Put the real cost of what an earlier run sent in the place of its estimate."""
        self.before = max(0.0, self.before - estimate)
        self.spent += estimate if cost is None else cost
        self._wake()

    def refusal(self, request: ChatRequest) -> str:
        """Why a request was not sent, in words and figures."""
        before = f", ${self.before:.4f} possibly paid by an earlier run" if self.before else ""
        return (
            f"the cap of ${self.max_usd:.4f} leaves no room for up to ${self.worst(request):.4f}: "
            f"${self.spent:.4f} spent{before}"
        )

    def _no_price(self, request: ChatRequest) -> UsageError:
        model, tier = request.model, self.tier(request)
        known = sorted({name for name, _ in self.prices.rates} | self.prices.aliases.keys())
        return UsageError(
            "--max-usd",
            f"the prices of {self.prices.dated} have none for {model!r} at tier {tier}",
            "expected a known price, without which no cap holds",
            f"Give --prices FILE. {near(model, known)}",
        )

    def _wake(self) -> None:
        """Let those that wait for room look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def possible_usd(in_flight: Iterable[InFlight]) -> float:
    """What attempts that were never answered may have cost, in dollars."""
    return sum(attempt.estimate_usd or 0.0 for attempt in in_flight)
