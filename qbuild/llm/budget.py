"""A reliable cap in dollars: requests in flight count at their maximum price until settled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from qbuild.core.errors import UsageError, suggest
from qbuild.llm.answers import Usage
from qbuild.llm.prices import Prices
from qbuild.llm.requests import ChatRequest

_ROUNDING_USD = 1e-12  # sums of floats may exceed the cap by rounding errors


class OverBudgetError(Exception):
    """The request does not fit under the cap; nothing was sent."""


@dataclass(frozen=True)
class Reservation:
    """The worst price of an attempt, held until it is settled; None where there is no price."""

    request: ChatRequest
    usd: float | None


class Budget:
    """The dollars that a run may spend, has spent and has reserved.

    `earlier_usd` is what unanswered attempts of earlier runs may have cost; it counts from the
    start. Without `max_usd` nothing is rejected and known costs are added up. `tier` applies to
    every request; by default each has its own.
    """

    def __init__(
        self,
        prices: Prices,
        max_usd: float | None = None,
        earlier_usd: float = 0.0,
        tier: str | None = None,
    ) -> None:
        if max_usd is not None and not 0 <= max_usd < float("inf"):
            raise UsageError(
                "--max-usd", f"{max_usd} is not an amount", "expected dollars, 0 or more"
            )
        self.prices, self.max_usd, self.earlier_usd, self._tier = prices, max_usd, earlier_usd, tier
        self.spent = 0.0
        self.reserved = 0.0
        self.closed = False
        self._in_flight = 0
        self._estimate_factor = 1.0  # the largest ratio of actual to estimated prompt tokens
        self._waiters: list[asyncio.Future[None]] = []

    def tier(self, request: ChatRequest) -> str:
        """The tier at which a request is paid."""
        return self._tier or request.tier

    def cost(self, request: ChatRequest, usage: Usage) -> float | None:
        """Dollars for an answer; None where the price is unknown."""
        return self.prices.cost(request.model, usage, self.tier(request))

    def worst_usd(self, request: ChatRequest) -> float | None:
        """The most that an attempt may cost; UsageError where there is a cap and it is unknown."""
        rate = self.prices.rate(request.model, self.tier(request))
        limit = request.max_output_tokens
        if self.max_usd is not None:
            if rate is None:
                raise self._unknown_price(request)
            if limit is None:
                raise UsageError(
                    "--max-usd",
                    "a request has no max_output_tokens",
                    "expected a limit on the answer's tokens, without which no cap can hold",
                    "Set max_output_tokens.",
                )
        if rate is None or limit is None:
            return None
        return rate.cost(int(request.estimated_tokens * self._estimate_factor) + 1, limit)

    async def reserve(self, request: ChatRequest) -> Reservation:
        """Reserve the worst price of an attempt; waits while requests in flight may free room.

        Raises OverBudgetError where nothing is in flight and there is no room; from then on every
        request is rejected.
        """
        while True:
            reservation = self.try_reserve(request)
            if reservation is not None:
                return reservation
            if not self._in_flight:
                self.closed = True
            if self.closed:
                self._wake()
                raise OverBudgetError(self.no_room_message(request))
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def try_reserve(self, request: ChatRequest) -> Reservation | None:
        """Reserve the worst price of an attempt; None where there is no room now."""
        worst = self.worst_usd(request)
        if self.closed:
            return None
        if self.max_usd is not None:
            total = self.earlier_usd + self.spent + self.reserved + (worst or 0.0)
            if total > self.max_usd + _ROUNDING_USD:
                return None
        self.reserved += worst or 0.0
        self._in_flight += 1
        return Reservation(request, worst)

    def settle(
        self, reservation: Reservation, cost: float | None, usage: Usage | None = None
    ) -> None:
        """Replace a reservation by the actual cost; where that is unknown, the worst is charged."""
        self._in_flight -= 1
        self.reserved = self.reserved - (reservation.usd or 0.0) if self._in_flight else 0.0
        charged = reservation.usd if cost is None else cost
        self.spent += charged or 0.0
        if usage is not None:
            ratio = usage.prompt_tokens / reservation.request.estimated_tokens
            self._estimate_factor = max(self._estimate_factor, ratio)
        self._wake()

    def settle_earlier(self, estimate: float, cost: float | None) -> None:
        """Replace the estimate of an attempt of an earlier run by its actual cost."""
        self.earlier_usd = max(0.0, self.earlier_usd - estimate)
        self.spent += estimate if cost is None else cost
        self._wake()

    def no_room_message(self, request: ChatRequest) -> str:
        """Why a request was not sent, with the figures."""
        earlier = self.earlier_usd
        possibly = f", ${earlier:.4f} possibly paid by an earlier run" if earlier else ""
        worst = self.worst_usd(request)
        return (
            f"the cap of ${self.max_usd:.4f} leaves no room for up to ${worst:.4f}: "
            f"${self.spent:.4f} spent{possibly}"
        )

    def _unknown_price(self, request: ChatRequest) -> UsageError:
        model, tier = request.model, self.tier(request)
        known = sorted({name for name, _ in self.prices.rates} | self.prices.aliases.keys())
        return UsageError(
            "--max-usd",
            f"the prices of {self.prices.dated} have none for {model!r} at tier {tier}",
            "expected a known price, without which no cap can hold",
            f"Give --prices FILE. {suggest(model, known)}",
        )

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
