"""How a client behaves towards a service: pauses, pacing, back-off, and when to stop asking.

Sources: RFC 9110 section 10.2.3 (Retry-After), OpenAI's rate-limit headers (`x-ratelimit-*`).
"""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
RAMP_APART_S = 0.002  # about what a request costs the client
LOW_SHARE = 0.05  # of a limit: below it, what remains is spread over the time to its reset


@dataclass(frozen=True)
class Manners:
    """How many at once, how often again, how long to wait; times in seconds."""

    concurrency: int = 16
    attempts: int = 6
    rate_waits: int = 100  # 429 with Retry-After: the service's wish, not a failure
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    breaker: int = 10  # consecutive requests that failed alike
    grace_s: float = 10.0  # for what is in flight when the run is interrupted

    def back_off(self, attempt: int, draw: random.Random) -> float:
        """Seconds before the next attempt: doubling, each drawn from the upper half."""
        longest = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (attempt - 1))
        return longest * draw.uniform(0.5, 1.0)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that a service asks to wait, given as seconds or as a date; None: it asks nothing."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    said = headers.get("retry-after")
    seconds = _number(said)
    if seconds is not None:
        return max(0.0, seconds)
    if said is None:
        return None
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def span(text: str | None) -> float | None:
    """Seconds of a span such as `1s`, `6m0s`, `20ms`, or a bare number; None where it is none."""
    if not text:
        return None
    pieces = _SPAN.findall(text)
    if pieces and "".join(number + unit for number, unit in pieces) == text:
        return sum(float(number) * _UNIT_S[unit] for number, unit in pieces)
    seconds = _number(text)
    return seconds if seconds is not None and seconds >= 0 else None


@dataclass(frozen=True)
class Pace:
    """How far apart requests shall go out, and for how long that holds; in seconds."""

    apart_s: float
    for_s: float


def pace(headers: Mapping[str, str], tokens_a_request: int, concurrency: int) -> Pace | None:
    """How to spread what remains of a limit when little does; None where there is enough.

    Headers may be missing, negative or no numbers: such a limit is left out.
    """
    slowest: Pace | None = None
    for kind, size in (("requests", 1), ("tokens", max(1, tokens_a_request))):
        remaining = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
        reset = span(headers.get(f"x-ratelimit-reset-{kind}"))
        if remaining is None or remaining < 0 or not reset:
            continue
        limit = _number(headers.get(f"x-ratelimit-limit-{kind}")) or 0.0
        left = int(remaining // size)
        if left >= concurrency and remaining > limit * LOW_SHARE:
            continue
        found = Pace(reset / max(1, left), reset)
        if slowest is None or found.apart_s > slowest.apart_s:
            slowest = found
    return slowest


class Gate:
    """Where every request waits before it goes out: while the service wants rest, or its pace.

    The first `ramp` requests go out a little apart, until the first reply: connections that open
    at one instant stay bunched for the whole run, and wait for each other.
    """

    def __init__(self, ramp: int = 0) -> None:
        self._ramp = Pace(RAMP_APART_S, RAMP_APART_S * ramp) if ramp else None
        self._closed_until = 0.0
        self._apart = 0.0
        self._paced_until = 0.0
        self._next = 0.0
        self._halted = asyncio.Event()

    async def wait(self) -> None:
        """Come back when one more request may go out."""
        clock = asyncio.get_running_loop().time
        if self._ramp is not None:
            self.keep(self._ramp)
            self._ramp = None
        while True:
            now = clock()
            opens = self._closed_until
            if now < self._paced_until:
                opens = max(opens, self._next)
            if opens <= now or self._halted.is_set():
                if now < self._paced_until:
                    self._next = now + self._apart
                return
            await self.rest(opens - now)

    async def rest(self, seconds: float) -> None:
        """Come back after so long, or when the run is halted."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._halted.wait(), seconds)

    def halt(self) -> None:
        """Let all that wait come back at once: the run is over."""
        self._halted.set()

    def hold(self, seconds: float) -> None:
        """Let nothing out for so long."""
        until = asyncio.get_running_loop().time() + seconds
        self._closed_until = max(self._closed_until, until)

    def keep(self, found: Pace | None) -> None:
        """Take up a pace, or give it up where there is enough again."""
        if found is None:
            self._paced_until = 0.0
            return
        now = asyncio.get_running_loop().time()
        self._apart, self._paced_until = found.apart_s, now + found.for_s
        self._next = max(self._next, now + found.apart_s)


class Breaker:
    """Counts requests that failed alike, one after the other; any other outcome starts anew."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.kind: str | None = None
        self.count = 0

    def took(self, kind: str | None) -> bool:
        """Whether this outcome, a kind of failure or None for none, is the one too many."""
        self.count = 0 if kind is None else self.count + 1 if kind == self.kind else 1
        self.kind = kind
        return self.count >= self.limit


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and abs(value) < float("inf") else None
