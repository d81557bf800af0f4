"""How long to wait, from any of the headers that give it."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

import pytest

from qbuild.llm.rate_limit import (
    CircuitBreaker,
    Gate,
    Pace,
    RetryPolicy,
    parse_duration,
    read_pace,
    read_retry_after,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "later"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers, seconds):
    assert read_retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1.0), ("6m0s", 360.0), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("12", 12.0)]
    + [(text, None) for text in ("", None, "soon", "-1", "1s?", "-1s")],
)
def test_durations_are_read_in_all_their_units(text, seconds):
    assert parse_duration(text) == seconds


def limits(kind, remaining, reset, limit="1000"):
    return {
        f"x-ratelimit-limit-{kind}": limit,
        f"x-ratelimit-remaining-{kind}": remaining,
        f"x-ratelimit-reset-{kind}": reset,
    }


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        (limits("requests", "900", "6s"), None),
        (limits("requests", "10", "6s"), Pace(0.6, 6.0)),
        (limits("requests", "0", "6s"), Pace(6.0, 6.0)),
        (limits("requests", "40", "8s", "1000"), Pace(0.2, 8.0)),
        (limits("requests", "-1", "6s"), None),
        (limits("requests", "none", "6s"), None),
        (limits("requests", "1", "soon"), None),
        (limits("tokens", "1000", "10s", "90000"), Pace(1.0, 10.0)),
        (limits("tokens", "80000", "10s", "90000"), None),
        ({**limits("requests", "10", "6s"), **limits("tokens", "100", "9s")}, Pace(9.0, 9.0)),
    ],
)
def test_a_low_limit_is_distributed_over_the_time_to_its_reset(headers, expected):
    assert read_pace(headers, request_tokens=100, concurrency=16) == expected


def test_a_pace_spaces_requests_and_a_release_ends_it():
    async def run():
        gate, passed = Gate(), []
        clock = asyncio.get_running_loop().time

        async def one():
            await gate.wait()
            passed.append(clock())

        begun = clock()
        gate.set_pace(Pace(0.05, 60.0))
        tasks = [asyncio.create_task(one()) for _ in range(5)]
        await tasks[0]
        await tasks[1]
        gate.release()
        await asyncio.gather(*tasks)
        return [moment - begun for moment in passed]

    passed = asyncio.run(run())
    assert passed[0] >= 0.05
    assert passed[1] >= 0.1
    assert len(passed) == 5


def test_back_off_doubles_up_to_its_longest_and_is_random():
    policy, draw = RetryPolicy(first_wait_s=1.0, longest_wait_s=8.0), random.Random(0)
    for attempt, longest in enumerate([1, 2, 4, 8, 8], 1):
        waits = [policy.back_off_s(attempt, draw) for _ in range(200)]
        assert longest / 2 <= min(waits) < max(waits) <= longest
        assert max(waits) - min(waits) > longest / 4


def test_the_circuit_breaker_counts_consecutive_failures_of_one_kind():
    breaker = CircuitBreaker(3)
    outcomes = ["a", "a", None, "a", "b", "b", "b"]
    assert [breaker.trips(kind) for kind in outcomes] == [False] * 6 + [True]
