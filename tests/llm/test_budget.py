"""The cap in dollars: a hard stop that counts what is in flight."""

from __future__ import annotations

import asyncio

import pytest
from buying import ask, asks, buy, rows_of

from qbuild.core.errors import UsageError
from qbuild.llm.answers import Usage
from qbuild.llm.budget import Budget, OverBudgetError
from qbuild.llm.prices import Prices, Rate

PRICES = Prices("2026-01-01", "test", {("gpt-4o", "standard"): Rate(0.0, 1_000_000.0, 0.0)})


def test_a_run_stops_below_its_cap_with_what_is_in_flight_counted(tmp_path):
    """A dollar per answered token, 60 at most each: at no time may more than 200 be in flight."""
    answers, error, server, client = buy(
        tmp_path, asks(40), max_usd=200.0, prices=PRICES, server_options={"latency": 0.01}
    )
    assert error is None
    paid = [a for a in answers.values() if a.state == "ok"]
    over = [a for a in answers.values() if a.state == "over_budget"]
    assert len(paid) + len(over) == 40
    assert over
    assert client.budget.spent == sum(a.cost_usd for a in paid) <= 200.0
    assert 200.0 - client.budget.spent < 60
    assert server.most_in_flight <= 3
    assert server.requests == len(paid) == len(rows_of(tmp_path))
    assert "the cap of $200.0000 leaves no room for up to $60" in over[0].message


def test_a_cap_without_a_known_price_is_rejected_before_anything_is_sent(tmp_path):
    _, error, server, _ = buy(tmp_path, [ask(1, model="my-model")], max_usd=1.0)
    assert isinstance(error, UsageError)
    assert "have none for 'my-model' at tier standard" in str(error)
    assert server.requests == 0


def test_a_cap_without_a_limit_on_answers_is_rejected():
    request = ask(1)
    del request.parameters["max_output_tokens"]
    with pytest.raises(UsageError, match="has no max_output_tokens"):
        Budget(PRICES, 1.0).worst_usd(request)


def test_a_model_without_a_price_runs_without_a_cap(tmp_path):
    answers, _, _, _ = buy(tmp_path, [ask(1, model="my-model")])
    assert [(a.state, a.cost_usd) for a in answers.values()] == [("ok", None)]


def test_what_an_earlier_run_may_have_paid_counts_against_the_cap():
    budget = Budget(PRICES, 100.0, earlier_usd=50.0)
    with pytest.raises(OverBudgetError, match="possibly paid by an earlier run"):
        asyncio.run(budget.reserve(ask(1)))


def test_a_request_waits_for_those_in_flight_before_it_is_rejected():
    async def run():
        budget = Budget(PRICES, 100.0)
        held = await budget.reserve(ask(1))
        second = asyncio.create_task(budget.reserve(ask(2)))
        await asyncio.sleep(0)
        assert not second.done()
        budget.settle(held, 10.0)
        await second
        return budget.reserved

    assert asyncio.run(run()) == 60.0


def test_an_unknown_cost_is_charged_at_its_worst():
    async def run():
        budget = Budget(PRICES, 100.0)
        budget.settle(await budget.reserve(ask(1)), None)
        return budget.spent, budget.reserved

    assert asyncio.run(run()) == (60.0, 0.0)


def test_prompts_longer_than_estimated_raise_the_next_estimates():
    async def run():
        rates = {("gpt-4o", "standard"): Rate(1_000_000.0, 0.0, 1_000_000.0)}
        budget = Budget(Prices("2026-01-01", "test", rates), 1e6)
        held = await budget.reserve(ask(1))
        tokens = 3 * ask(1).estimated_tokens
        budget.settle(held, float(tokens), Usage(tokens, 1))
        return (await budget.reserve(ask(2))).usd >= tokens

    assert asyncio.run(run())


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_an_invalid_cap_is_rejected(amount):
    with pytest.raises(UsageError, match="--max-usd"):
        Budget(PRICES, amount)


def test_a_cap_of_zero_sends_nothing(tmp_path):
    answers, _, server, _ = buy(tmp_path, asks(3), max_usd=0.0)
    assert {a.state for a in answers.values()} == {"over_budget"}
    assert server.requests == 0
