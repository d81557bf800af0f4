"""The rate of requests: retries, back-off, pacing by rate-limit headers, and a circuit breaker.

Sources: RFC 9110 section 10.2.3 (Retry-After), OpenAI's rate-limit headers (`x-ratelimit-*`).
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
RAMP_INTERVAL_S = 0.002  # about the processor time of one request in the client
LOW_SHARE = 0.05  # of a limit: below it, requests are paced until the reset


@dataclass(frozen=True)
class RetryPolicy:
    """Limits on requests at a time, attempts, waits and failures; times in seconds."""

    concurrency: int = 16
    max_attempts: int = 6
    max_rate_waits: int = 100  # 429 with Retry-After: a wait that is no failed attempt
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    max_consecutive_failures: int = 10  # of the same kind
    grace_s: float = 10.0  # for requests in flight when the run is interrupted

    def back_off_s(self, attempt: int, draw: random.Random) -> float:
        """Seconds before the next attempt: doubled each time, drawn from the upper half."""
        longest = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (attempt - 1))
        return longest * draw.uniform(0.5, 1.0)


def read_retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after` (seconds or a date), else None."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return max(0.0, seconds)
    if text is None:
        return None
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def parse_duration(text: str | None) -> float | None:
    """Seconds of a duration such as `1s`, `6m0s`, `20ms` or a bare number; None where invalid."""
    if not text:
        return None
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNIT_S[unit] for number, unit in parts)
    seconds = _number(text)
    return seconds if seconds is not None and seconds >= 0 else None


@dataclass(frozen=True)
class Pace:
    """The interval between requests, and for how long it holds; in seconds."""

    interval_s: float
    for_s: float


def read_pace(headers: Mapping[str, str], request_tokens: int, concurrency: int) -> Pace | None:
    """The pace that distributes a nearly exhausted rate limit until its reset; None if none is.

    A limit whose headers are missing, negative or not numbers is ignored.
    """
    slowest: Pace | None = None
    for kind, size in (("requests", 1), ("tokens", max(1, request_tokens))):
        remaining = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
        reset = parse_duration(headers.get(f"x-ratelimit-reset-{kind}"))
        if remaining is None or remaining < 0 or not reset:
            continue
        limit = _number(headers.get(f"x-ratelimit-limit-{kind}")) or 0.0
        requests_left = int(remaining // size)
        if requests_left >= concurrency and remaining > limit * LOW_SHARE:
            continue
        pace = Pace(reset / max(1, requests_left), reset)
        if slowest is None or pace.interval_s > slowest.interval_s:
            slowest = pace
    return slowest


class Gate:
    """Where every request waits before it is sent: while the service is paused, and for its pace.

    The first `ramp` requests are sent at short intervals until the first reply: connections opened
    at the same time stay synchronised for the whole run and wait for each other.
    """

    def __init__(self, ramp: int = 0) -> None:
        self._ramp = Pace(RAMP_INTERVAL_S, RAMP_INTERVAL_S * ramp) if ramp else None
        self._paused_until = 0.0
        self._interval = 0.0
        self._paced_until = 0.0
        self._next = 0.0
        self._released = asyncio.Event()

    async def wait(self) -> None:
        """Return when one more request may be sent."""
        clock = asyncio.get_running_loop().time
        if self._ramp is not None:
            self.set_pace(self._ramp)
            self._ramp = None
        while True:
            now = clock()
            opens = self._paused_until
            if now < self._paced_until:
                opens = max(opens, self._next)
            if opens <= now or self._released.is_set():
                if now < self._paced_until:
                    self._next = now + self._interval
                return
            await self.sleep(opens - now)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`, or at once when the gate is released."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._released.wait(), seconds)

    def release(self) -> None:
        """Let all that wait return at once: the run has ended."""
        self._released.set()

    def pause(self, seconds: float) -> None:
        """Let no request pass for `seconds`."""
        until = asyncio.get_running_loop().time() + seconds
        self._paused_until = max(self._paused_until, until)

    def set_pace(self, pace: Pace | None) -> None:
        """Keep requests apart from now on; None ends it."""
        if pace is None:
            self._paced_until = 0.0
            return
        now = asyncio.get_running_loop().time()
        self._interval, self._paced_until = pace.interval_s, now + pace.for_s
        self._next = max(self._next, now + pace.interval_s)


class CircuitBreaker:
    """Counts consecutive requests that failed in the same way; any other outcome resets it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self._failure: str | None = None

    def trips(self, failure: str | None) -> bool:
        """Whether this outcome, a kind of failure or None, reaches the limit."""
        if failure is None:
            self.count = 0
        else:
            self.count = self.count + 1 if failure == self._failure else 1
        self._failure = failure
        return self.count >= self.limit


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and abs(value) < float("inf") else None
