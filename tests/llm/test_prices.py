"""Prices, costs and plans."""

from __future__ import annotations

import json

import pytest
from buying import ask, asks, buy

from qbuild.core.errors import InputError
from qbuild.llm.answers import Usage
from qbuild.llm.cost_plan import plan_cost
from qbuild.llm.ledger import Ledger
from qbuild.llm.prices import Prices, latest_price_file

USAGE = Usage(1_000_000, 100_000, 400_000)


def write(tmp_path, value):
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(value))
    return path


def test_cached_tokens_cost_less_and_output_more(tmp_path):
    prices = Prices.load()
    assert prices.cost("gpt-4o-2024-08-06", USAGE) == pytest.approx(0.6 * 2.5 + 0.4 * 1.25 + 1.0)
    assert prices.cost("gpt-4o", USAGE) == prices.cost("gpt-4o-2024-08-06", USAGE)


def test_an_unknown_model_or_tier_has_no_price():
    prices = Prices.load()
    assert prices.cost("my-model", USAGE) is None
    assert prices.cost("gpt-4o", USAGE, "flex") is None
    assert prices.cost("gpt-4o", USAGE, "priority") is None


def test_every_shipped_price_is_lower_by_batch_and_cache():
    prices = Prices.load()
    assert set(prices.aliases.values()) <= {model for model, _ in prices.rates}
    for (model, tier), rate in prices.rates.items():
        standard = prices.rates[model, "standard"]
        assert rate.cached_input <= rate.input < rate.output
        assert tier == "standard" or rate.output == standard.output / 2


def test_the_shipped_file_asks_to_be_checked():
    assert "check them" in Prices.load(latest_price_file()).source


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ([], "has no object under `models`"),
        ({"dated": "May", "models": {}}, "`dated` is 'May', not a date"),
        ({"dated": "2026-01-01", "models": {"m": 3}}, "m is 3, not an object"),
        ({"dated": "2026-01-01", "models": {"m": {"input": 1}}}, "`output` of m is None"),
        (
            {"dated": "2026-01-01", "models": {"m": {"input": -1, "output": 1}}},
            "`input` of m is -1",
        ),
        (
            {
                "dated": "2026-01-01",
                "models": {"m": {"input": 1, "output": 1, "flex": {"input": "1", "output": 1}}},
            },
            "`input` of m, flex is '1'",
        ),
    ],
)
def test_an_invalid_price_file_is_rejected_by_name(tmp_path, value, fault):
    path = write(tmp_path, value)
    with pytest.raises(InputError) as raised:
        Prices.load(path)
    assert fault in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_given_price_file_replaces_the_shipped_one(tmp_path):
    path = write(tmp_path, {"dated": "2026-01-01", "models": {"mine": {"input": 0, "output": 0}}})
    prices = Prices.load(path)
    assert prices.cost("mine", USAGE) == 0.0
    assert prices.cost("gpt-4o", USAGE) is None


def test_a_plan_counts_what_would_be_sent_and_prices_it(tmp_path):
    buy(tmp_path, asks(3))
    with Ledger.open(tmp_path) as ledger:
        plan = plan_cost([*asks(10), ask(9)], ledger, Prices.load())
    prompt = sum(request.estimated_tokens for request in asks(10)[3:])
    assert (plan.requests, plan.repeated, plan.in_ledger, plan.to_send) == (11, 1, 3, 7)
    assert plan.prompt_tokens == prompt
    assert (plan.expected_completion_tokens, plan.worst_completion_tokens) == (210, 420)
    expected, worst = plan.price_usd["standard"]
    assert expected == pytest.approx((prompt * 2.5 + 210 * 10) / 1e6)
    assert worst == pytest.approx((prompt * 2.5 + 420 * 10) / 1e6)
    assert plan.price_usd["batch"][1] == pytest.approx(worst / 2)
    assert plan.price_usd["flex"] is None


def test_a_plan_bounds_the_cost_of_the_run(tmp_path):
    plan = plan_cost(asks(20), None, Prices.load())
    answers, _, _, _ = buy(tmp_path, asks(20))
    paid = sum(answer.cost_usd for answer in answers.values())
    assert paid <= plan.price_usd["standard"][1]


def test_a_request_without_a_limit_has_no_worst_price():
    request = ask(1)
    del request.parameters["max_output_tokens"]
    plan = plan_cost([request], None, Prices.load())
    assert plan.worst_completion_tokens is None
    assert plan.price_usd["standard"][1] is None
    assert plan.price_usd["standard"][0] > 0
