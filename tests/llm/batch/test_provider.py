"""The Batch API: the same files each time, rows in any order, restarts that pay once."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from buying import KEY_ENV, QUICK, SCHEMA, ask, asks, open_ledger, rows_of

from qbuild.core.errors import InputError
from qbuild.llm.batch.files import Limits, read_batch_files, write_batch_files
from qbuild.llm.batch.provider import BatchProvider, Polling
from qbuild.llm.budget import Budget
from qbuild.llm.mock.server import MockServer
from qbuild.llm.openai_client import OpenAIClient
from qbuild.llm.prices import Prices
from qbuild.llm.reply_policy import KeyRejectedError, ServiceError, UnknownModelError
from qbuild.llm.request_body import BodyForm

SOON = Polling(0.01, 0.02)


@asynccontextmanager
async def batching(folder, server, max_usd=None, **options):
    with open_ledger(folder, provider="openai-batch") as ledger:
        budget = Budget(Prices.load(), max_usd, ledger.unanswered_usd(), tier="batch")
        client = OpenAIClient(server.base_url, KEY_ENV, 5.0)
        options = {"polling": SOON, "policy": QUICK, **options}
        async with BatchProvider(client, ledger, budget, BodyForm(), **options) as provider:
            yield provider


def batched(folder, requests, script=(), server_options=None, **options):
    async def run():
        async with (
            MockServer(script=list(script), **(server_options or {})) as server,
            batching(folder, server, **options) as provider,
        ):
            return await provider.answer_all(requests), server, provider

    return asyncio.run(run())


def states(answers):
    return sorted(answer.state for answer in answers.values())


def test_every_request_is_answered_at_half_the_price(tmp_path):
    requests = [*asks(7), ask(8, schema=SCHEMA)]
    answers, server, provider = batched(tmp_path, [*requests, requests[0]])
    assert states(answers) == ["ok"] * 8
    assert server.requests == server.distinct == 8
    usage = answers[ask(1).request_id].usage
    standard = Prices.load().cost("gpt-4o", usage)
    assert answers[ask(1).request_id].cost_usd == pytest.approx(standard / 2)
    assert {row["provider"] for row in rows_of(tmp_path)} == {"openai-batch"}
    assert provider.budget.spent == pytest.approx(sum(a.cost_usd for a in answers.values()))
    assert provider.budget.reserved == 0


def test_a_second_run_creates_no_batch(tmp_path):
    first, _, _ = batched(tmp_path, asks(3))
    again, server, _ = batched(tmp_path, asks(3))
    assert (again, server.store.batches) == (first, {})


def test_batches_keep_to_their_limits(tmp_path):
    _, server, provider = batched(tmp_path, asks(10), limits=Limits(requests=3))
    uploaded = [batch["input_file_id"] for batch in server.store.batches.values()]
    sizes = [len(server.store.files[name].splitlines()) for name in uploaded]
    assert sizes == [3, 3, 3, 1]
    assert provider.counts["batches"] == 4


def test_no_more_tokens_are_enqueued_than_allowed(tmp_path):
    """Room for two requests: each batch is created after the one before it ended."""
    tokens = 2 * (ask(1).estimated_tokens + 60)
    limits = Limits(requests=2, tokens=tokens)
    seen = []

    async def run():
        async with (
            MockServer(batch_polls=2) as server,
            batching(tmp_path, server, limits=limits) as provider,
        ):
            create = server.store.create

            def watched(body, fault):
                seen.append([b["status"] for b in server.store.batches.values()])
                return create(body, fault)

            server.store.create = watched
            return states(await provider.answer_all(asks(5)))

    assert asyncio.run(run()) == ["ok"] * 5
    assert seen == [[], ["completed"], ["completed", "completed"]]


def test_duplicate_reordered_and_unknown_rows_are_recorded_once(tmp_path):
    answers, _, provider = batched(tmp_path, asks(5), [{"do": "batch-twice"}])
    assert states(answers) == ["ok"] * 5
    assert (provider.counts["duplicate"], provider.counts["unknown"]) == (5, 1)
    assert "which was not requested" in provider.notes[0]
    assert len(rows_of(tmp_path)) == 5


def test_the_answers_of_an_expired_batch_are_kept_and_the_rest_sent_again(tmp_path):
    answers, server, _ = batched(tmp_path, asks(9), [{"do": "batch-expire"}])
    assert states(answers) == ["ok"] * 9
    assert server.requests == server.distinct == 9
    left_out = [row for row in rows_of(tmp_path) if row["state"] == "http_error"]
    assert len(left_out) == 5
    assert left_out[0]["message"] == "batch batch_1 expired without it"
    assert sorted(a.attempt for a in answers.values()) == [1] * 4 + [2] * 5


def test_a_batch_over_the_limit_of_enqueued_tokens_is_created_again(tmp_path):
    answers, server, _ = batched(tmp_path, asks(2), [{"do": "batch-fail"}])
    assert states(answers) == ["ok"] * 2
    assert len(server.store.batches) == 2
    assert "token_limit_exceeded" in rows_of(tmp_path)[0]["message"]


def test_failing_batches_are_abandoned_after_the_rounds(tmp_path):
    answers, server, _ = batched(tmp_path, asks(2), [{"do": "batch-fail", "times": 0}], rounds=2)
    assert states(answers) == ["http_error"] * 2
    assert len(server.store.batches) == 2


def test_a_failed_row_is_sent_again(tmp_path):
    script = [{"do": "status:500", "match": "picture 1."}]
    answers, server, _ = batched(tmp_path, asks(3), script)
    assert states(answers) == ["ok"] * 3
    assert server.requests == 4


def test_an_unsupported_parameter_is_left_out_of_the_next_round(tmp_path):
    script = [{"do": "unknown-parameter", "times": 0}]
    answers, _, provider = batched(tmp_path, asks(2, temperature=0), script)
    assert states(answers) == ["ok"] * 2
    assert provider.notes[0] == "sent without temperature: the service does not take it"


def test_the_cap_is_checked_before_a_batch_is_created(tmp_path):
    answers, server, provider = batched(tmp_path, asks(50), max_usd=0.002)
    assert set(states(answers)) == {"ok", "over_budget"}
    assert server.requests == states(answers).count("ok") == 6
    assert provider.budget.spent <= 0.002


@pytest.mark.parametrize("polls_before", [0, 1])
def test_a_restart_polls_existing_batches_and_creates_none_again(tmp_path, polls_before):
    async def run():
        async with MockServer(batch_polls=1000) as server:
            async with batching(tmp_path, server) as provider:
                task = asyncio.create_task(provider.answer_all([ask(1)]))
                while (
                    not server.store.batches
                    or server.store.retrievals.get("batch_1", 0) < polls_before
                ):
                    await asyncio.sleep(0.005)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            server.store.polls = 1
            async with batching(tmp_path, server, max_usd=1.0) as provider:
                assert provider.budget.earlier_usd > 0
                [answer] = (await provider.answer_all([ask(1)])).values()
                return answer, server, provider.budget

    answer, server, budget = asyncio.run(run())
    assert (answer.state, answer.attempt) == ("ok", 1)
    assert (len(server.store.batches), server.requests) == (1, 1)
    assert (budget.earlier_usd, budget.spent) == (0.0, answer.cost_usd)


def test_a_batch_whose_id_was_not_saved_is_found_and_not_created_again(tmp_path):
    answers, server, _ = batched(tmp_path, asks(2), [{"do": "batch-lose-reply"}])
    assert states(answers) == ["ok"] * 2
    assert (len(server.store.batches), server.requests) == (1, 2)


def test_a_restart_after_the_upload_finds_the_batch_by_its_file(tmp_path):
    """As if killed between the reply to the creation and its record."""

    async def run():
        async with MockServer() as server:
            async with batching(
                tmp_path, server, policy=replace(QUICK, max_attempts=1)
            ) as provider:
                server.faults += MockServer([{"do": "batch-lose-reply"}]).faults
                with pytest.raises(ServiceError, match="creating a batch failed"):
                    await provider.answer_all([ask(1)])
            async with batching(tmp_path, server) as provider:
                return states(await provider.answer_all([ask(1)])), server

    answer_states, server = asyncio.run(run())
    assert answer_states == ["ok"]
    assert (len(server.store.batches), server.requests) == (1, 1)


def test_a_rejected_key_and_an_unknown_model_end_the_run(tmp_path):
    with pytest.raises(KeyRejectedError, match=KEY_ENV):
        batched(tmp_path / "a", asks(1), server_options={"key": "another"})
    with pytest.raises(UnknownModelError, match="gpt-4o"):
        batched(tmp_path / "b", asks(1), server_options={"models": ("other",)})


def test_the_same_requests_give_the_same_files_and_answers_are_read_back(tmp_path):
    form, requests = BodyForm(), [*asks(4), ask(9, schema=SCHEMA), ask(1)]
    (tmp_path / "again").mkdir()
    paths = write_batch_files(requests, tmp_path, form, Limits(requests=3))
    again = write_batch_files(requests, tmp_path / "again", form, Limits(requests=3))
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]
    assert [len(p.read_bytes().splitlines()) for p in paths] == [3, 2]
    rows = [
        {
            "custom_id": request.request_id,
            "response": {
                "status_code": 200,
                "body": {
                    "model": "gpt-4o",
                    "choices": [{"message": {"content": "fair"}, "finish_reason": "stop"}],
                },
            },
        }
        for request in reversed(requests)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "answers-00001.jsonl").write_text(text)
    answers = dict(read_batch_files(tmp_path))
    assert len(answers) == 5
    assert answers[ask(1).request_id].raw == "fair"
    assert answers[ask(9, schema=SCHEMA).request_id].state == "invalid"
    (tmp_path / "answers-00002.jsonl").write_text('{"custom_id": "stranger"}\n')
    with pytest.raises(InputError, match="'stranger' was not requested"):
        dict(read_batch_files(tmp_path))
