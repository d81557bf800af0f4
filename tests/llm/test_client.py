"""The outcome of each fault of a service, and that no answer is paid twice."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from itertools import pairwise

import pytest
from buying import (
    KEY,
    KEY_ENV,
    QUICK,
    SCHEMA,
    answers_of,
    ask,
    asks,
    buy,
    open_client,
    open_ledger,
    rows_of,
)

from qbuild.core.errors import UsageError
from qbuild.llm.client import Replay, run_concurrently
from qbuild.llm.ledger import Ledger
from qbuild.llm.mock.server import MockServer
from qbuild.llm.openai_client import OpenAIClient
from qbuild.llm.reply_policy import KeyRejectedError, ServiceError, UnknownModelError


def only(answers):
    [answer] = answers.values()
    return answer


def test_every_request_is_answered_and_sent_once(tmp_path):
    requests = asks(30)
    answers, error, server, _ = buy(tmp_path, [*requests, *requests[:5]])
    assert error is None
    assert {r.request_id for r in requests} == answers.keys()
    assert {answer.state for answer in answers.values()} == {"ok"}
    assert server.requests == server.distinct == 30


def test_a_second_run_pays_nothing(tmp_path):
    first, _, _, _ = buy(tmp_path, asks(5))
    second, _, server, client = buy(tmp_path, asks(5))
    assert server.requests == 0
    assert client.stats.from_ledger == 5
    assert second == first


def test_no_more_than_the_concurrency_are_in_flight(tmp_path):
    _, _, server, _ = buy(tmp_path, asks(20), server_options={"latency": 0.02})
    assert server.most_in_flight == QUICK.concurrency


def test_requests_are_taken_as_they_are_needed(tmp_path):
    taken = []

    def feed():
        for request in asks(100):
            taken.append(request)
            yield request

    async def run():
        async with MockServer() as server, open_client(tmp_path, server) as client:
            await anext(answers_of(client, feed()))

    asyncio.run(run())
    assert len(taken) <= 2 * QUICK.concurrency


def test_a_structured_answer_is_json_of_its_schema(tmp_path):
    answers, _, server, _ = buy(tmp_path, [ask(1, schema=SCHEMA)])
    assert only(answers).raw == '{"question": "xxxx", "answer": "yes"}'
    assert server.bodies[0]["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize("do", ["status:500", "status:503", "status:408", "status:409"])
def test_a_passing_failure_is_retried(tmp_path, do):
    answers, _, server, _ = buy(tmp_path, [ask(1)], [{"do": do, "times": 2}])
    assert (only(answers).state, only(answers).attempt, server.requests) == ("ok", 3, 3)
    assert [row["state"] for row in rows_of(tmp_path)] == ["http_error", "http_error", "ok"]


def test_a_lasting_failure_is_reported_after_the_last_attempt(tmp_path):
    answers, error, server, _ = buy(tmp_path, [ask(1)], [{"do": "status:500", "times": 0}])
    assert error is None
    assert only(answers).state == "http_error"
    assert only(answers).message == "HTTP 500: scripted error"
    assert server.requests == QUICK.max_attempts


def test_a_rate_limit_without_retry_after_is_backed_off_from(tmp_path):
    answers, _, server, _ = buy(tmp_path, [ask(1)], [{"do": "status:429", "times": 2}])
    assert (only(answers).state, server.requests) == ("ok", 3)


def test_retry_after_is_honoured_beyond_the_attempts_and_by_all(tmp_path):
    """Five rejections, three attempts allowed: each was a wait, not a failed attempt."""
    script = [{"do": "status:429", "times": 5, "retry_after": 0.15}]
    arrivals = []

    def answer(body):
        arrivals.append(asyncio.get_running_loop().time())
        return "fair"

    begun = []

    async def run():
        async with MockServer(script, answer=answer) as server:
            begun.append(asyncio.get_running_loop().time())
            async with open_client(tmp_path, server, replace(QUICK, concurrency=1)) as client:
                return [answer async for _, answer in answers_of(client, asks(3))]

    answers = asyncio.run(run())
    assert [answer.state for answer in answers] == ["ok"] * 3
    assert min(arrivals) - begun[0] >= 5 * 0.15


def test_a_hanging_service_ends_in_a_time_out_counted_at_its_worst_price(tmp_path):
    script = [{"do": "hang", "times": 0}]
    one = replace(QUICK, max_attempts=1)
    answers, _, _, client = buy(tmp_path, [ask(1)], script, policy=one, timeout_s=0.2, max_usd=1.0)
    assert only(answers).message == "no answer within 0.2 s; it may have been charged"
    assert only(answers).cost_usd == client.budget.spent > 0


@pytest.mark.parametrize("do", ["reset-mid-body", "short-body", "not-json"])
def test_a_broken_reply_is_retried_and_counted_as_charged(tmp_path, do):
    answers, _, _, client = buy(tmp_path, [ask(1)], [{"do": do}])
    assert (only(answers).state, only(answers).attempt) == ("ok", 2)
    first = rows_of(tmp_path)[0]
    assert first["state"] == "http_error"
    assert "may have been charged" in first["message"]
    assert client.budget.spent == pytest.approx(first["cost_usd"] + only(answers).cost_usd)
    assert first["cost_usd"] > only(answers).cost_usd


def test_a_service_without_a_server_costs_nothing(tmp_path):
    async def run():
        async with MockServer() as server:
            url = server.base_url
        with open_ledger(tmp_path):
            pass
        async with OpenAIClient(url, KEY_ENV) as client:
            return await client.send({"model": "m", "messages": []})

    assert asyncio.run(run()).sent is False


@pytest.mark.parametrize(
    ("do", "state", "message"),
    [
        ("refusal", "refused", "refused: I cannot help with that."),
        ("content-filter", "refused", "stopped by the content filter"),
        ("length", "truncated", "cut at the limit of output tokens"),
        ("empty", "invalid", "the answer holds no choices"),
        ("blank", "invalid", "the answer is empty"),
        ("prose", "invalid", "the answer is no JSON object"),
    ],
)
def test_an_unusable_answer_is_typed_paid_and_not_paid_again(tmp_path, do, state, message):
    request = ask(1, schema=SCHEMA)
    answers, _, _, _ = buy(tmp_path, [request], [{"do": do}])
    assert (only(answers).state, only(answers).message) == (state, message)
    assert only(answers).cost_usd > 0
    again, _, server, _ = buy(tmp_path, [request])
    assert (again, server.requests) == (answers, 0)


def test_an_answer_by_another_model_is_reported(tmp_path):
    answers, _, _, _ = buy(tmp_path, [ask(1)], [{"do": "wrong-model"}])
    assert only(answers).state == "ok"
    assert only(answers).message == "answered by 'some-other-model', asked for 'gpt-4o'"
    assert only(answers).served_model == "some-other-model"


def test_a_rejected_key_ends_the_run_and_is_named_by_its_variable(tmp_path):
    answers, error, server, _ = buy(tmp_path, asks(50), server_options={"key": "another"})
    assert isinstance(error, KeyRejectedError)
    assert error.where == KEY_ENV
    assert answers == {}
    assert server.requests == 0


def test_a_key_that_the_service_repeats_is_masked_everywhere(tmp_path):
    _, error, _, _ = buy(tmp_path, [ask(1)], [{"do": "echo-key"}])
    assert "Bearer <key>" in str(error)
    assert KEY not in repr(error) + str(error)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"<key>" in data for data in files)
    assert not any(KEY.encode() in data for data in files)


def test_an_unknown_model_ends_the_run_and_is_named(tmp_path):
    script = {"models": ("gpt-4o-mini",)}
    _, error, server, _ = buy(tmp_path, asks(50), server_options=script)
    assert isinstance(error, UnknownModelError)
    assert error.where == "gpt-4o"
    assert server.requests <= QUICK.concurrency


def test_an_unsupported_parameter_is_left_out_for_the_whole_run(tmp_path):
    script = [{"do": "unknown-parameter", "times": 0}]
    one = replace(QUICK, concurrency=1)
    answers, _, server, client = buy(tmp_path, asks(6, temperature=0), script, policy=one)
    note = "sent without temperature: the service does not take it"
    assert client.stats.notes == [note]
    assert [a.message for a in answers.values()] == [note] * 6
    assert server.requests == 7
    assert "Unsupported parameter: 'temperature'" in str(
        [row["message"] for row in rows_of(tmp_path) if row["state"] == "http_error"]
    )


def test_the_older_name_of_the_token_limit_is_used_where_the_newer_is_rejected(tmp_path):
    script = [{"do": "unknown-parameter", "parameter": "max_completion_tokens", "times": 0}]
    answers, _, server, _ = buy(tmp_path, [ask(1)], script)
    assert only(answers).state == "ok"
    assert [b.get("max_tokens") for b in server.bodies] == [None, 60]


@pytest.mark.parametrize(
    ("parameter", "given"),
    [("response_format", {"schema": SCHEMA}), ("service_tier", {"service_tier": "flex"})],
)
def test_an_unsupported_required_parameter_ends_the_run(tmp_path, parameter, given):
    script = [{"do": "unknown-parameter", "parameter": parameter, "times": 0}]
    _, error, _, _ = buy(tmp_path, [ask(1, **given)], script)
    assert isinstance(error, UsageError)
    assert error.where == parameter


def test_a_complaint_about_what_was_not_sent_does_not_loop(tmp_path):
    script = [{"do": "status:400", "times": 0, "code": "unsupported_parameter"}]
    answers, _, server, _ = buy(tmp_path, [ask(1)], script)
    assert (only(answers).state, server.requests) == ("http_error", 1)


@pytest.mark.parametrize(
    ("do", "kind"), [("quota", "insufficient_quota"), ("content-filter", "refusal")]
)
def test_consecutive_failures_of_one_kind_end_the_run(tmp_path, do, kind):
    policy = replace(QUICK, max_consecutive_failures=5, concurrency=2)
    answers, error, server, _ = buy(tmp_path, asks(60), [{"do": do, "times": 0}], policy=policy)
    assert isinstance(error, ServiceError)
    assert f"failed 5 consecutive requests ({kind})" in str(error)
    assert server.requests <= 5 + policy.concurrency
    assert len(rows_of(tmp_path)) >= len(answers) >= 5


def test_failures_with_answers_between_them_do_not_end_the_run(tmp_path):
    policy = replace(QUICK, max_consecutive_failures=2, concurrency=1)
    script = [{"do": "refusal", "match": f"picture {n}."} for n in range(0, 20, 2)]
    answers, error, _, _ = buy(tmp_path, asks(20), script, policy=policy)
    assert error is None
    assert [a.state for a in answers.values()].count("refused") == 10


def test_an_end_does_not_wait_for_a_long_retry_after(tmp_path):
    """The request that must wait an hour stays pending; the run ends with the rejected key."""
    script = [
        {"do": "status:429", "match": "picture 0.", "retry_after": 3600},
        {"do": "echo-key", "match": "picture 1."},
    ]
    _, error, _, _ = buy(tmp_path, asks(2), script, server_options={"latency": 0.05})
    assert isinstance(error, KeyRejectedError)


def test_an_interrupted_run_records_what_is_in_flight(tmp_path):
    async def run():
        async with MockServer(latency=0.1) as server:
            seen = []

            async def consume():
                async with open_client(tmp_path, server) as client:
                    async for _, answer in answers_of(client, asks(100)):
                        seen.append(answer)

            task = asyncio.create_task(consume())
            while server.requests < 8:  # four answered, four in flight
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return len(seen), server.counts()

    _, counts = asyncio.run(run())
    rows = rows_of(tmp_path)
    assert {row["state"] for row in rows} == {"ok"}
    assert 0 < len(rows) == counts["answered"] < 100


def test_low_rate_limits_slow_the_run_and_invalid_ones_are_ignored(tmp_path):
    headers = {
        "x-ratelimit-limit-requests": "-1",
        "x-ratelimit-remaining-requests": "-1",
        "x-ratelimit-reset-requests": "soon",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "50ms",
    }
    arrivals = []

    def answer(body):
        arrivals.append(asyncio.get_running_loop().time())
        return "fair"

    options = {"headers": headers, "answer": answer}
    one = replace(QUICK, concurrency=1)
    answers, error, _, _ = buy(tmp_path, asks(4), server_options=options, policy=one)
    assert error is None
    assert len(answers) == 4
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(arrivals))


async def _double(number):
    await asyncio.sleep(0)
    if number == 3:
        raise ServiceError("the service", "failed")
    return 2 * number


def test_after_a_service_error_no_item_is_taken_and_running_work_is_still_given():
    taken, given = [], []

    def feed():
        for number in range(20):
            taken.append(number)
            yield number

    async def run():
        async for number, result in run_concurrently(feed(), _double, 4):
            given.append((number, result))

    with pytest.raises(ServiceError):
        asyncio.run(run())
    assert sorted(given) == [(0, 0), (1, 2), (2, 4)]
    assert taken == [0, 1, 2, 3]


def test_any_other_error_cancels_running_work_at_once():
    ended = []

    async def work(number):
        try:
            await asyncio.sleep(0 if number == 0 else 3600)
        finally:
            ended.append(number)
        raise ValueError(number)

    async def run():
        async for _ in run_concurrently(range(9), work, 3):
            pass

    with pytest.raises(ValueError, match="0"):
        asyncio.run(run())
    assert sorted(ended) == [0, 1, 2]


async def replayed(folder, requests):
    with Ledger.open(folder) as ledger:
        replay = Replay(ledger)
        return [await replay.submit(request) for request in requests], replay


def test_replay_gives_the_paid_answers_without_a_socket_or_a_key(tmp_path, monkeypatch):
    answers, _, _, _ = buy(tmp_path, asks(4))
    monkeypatch.delenv("QBUILD_TEST_KEY")
    loop = asyncio.new_event_loop()  # which opens its own pair of sockets
    with monkeypatch.context() as blocked:
        blocked.setattr(socket, "socket", None)
        blocked.setattr(socket, "create_connection", None)
        replies, replay = loop.run_until_complete(replayed(tmp_path, asks(4)))
    loop.close()
    assert replies == [answers[request.request_id] for request in asks(4)]
    assert (replay.stats.from_ledger, replay.missing) == (4, {})


def test_replay_collects_what_is_not_in_the_ledger(tmp_path):
    buy(tmp_path, asks(1))
    [answer], replay = asyncio.run(replayed(tmp_path, [ask(7)]))
    assert (answer.state, answer.message) == ("http_error", "not in the ledger")
    assert list(replay.missing.values()) == [ask(7)]


def test_replay_does_not_need_the_package_of_the_service(tmp_path, monkeypatch):
    buy(tmp_path, asks(1))
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    [answer], _ = asyncio.run(replayed(tmp_path, asks(1)))
    assert answer.state == "ok"
