"""Prices, costs and plans."""

from __future__ import annotations

import json

import pytest
from buying import ask, asks, bought

from qbuild.core.errors import InputError
from qbuild.llm.answers import Usage
from qbuild.llm.cost_plan import plan
from qbuild.llm.ledger import Ledger
from qbuild.llm.prices import Prices, latest

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
    assert "check them" in Prices.load(latest()).source


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ([], "holds no object under `models`"),
        ({"dated": "May", "models": {}}, "`dated` is 'May', no day"),
        ({"dated": "2026-01-01", "models": {"m": 3}}, "m is 3, no object"),
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
def test_a_faulty_price_file_is_refused_by_name(tmp_path, value, fault):
    path = write(tmp_path, value)
    with pytest.raises(InputError) as raised:
        Prices.load(path)
    assert fault in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_price_file_of_ones_own_replaces_the_shipped_one(tmp_path):
    path = write(tmp_path, {"dated": "2026-01-01", "models": {"mine": {"input": 0, "output": 0}}})
    prices = Prices.load(path)
    assert prices.cost("mine", USAGE) == 0.0
    assert prices.cost("gpt-4o", USAGE) is None


def test_a_plan_counts_what_would_be_sent_and_prices_it(tmp_path):
    bought(tmp_path, asks(3))
    with Ledger.open(tmp_path) as ledger:
        made = plan([*asks(10), ask(9)], ledger, Prices.load())
    prompt = sum(request.estimated_tokens() for request in asks(10)[3:])
    assert (made.requests, made.repeated, made.in_ledger, made.to_send) == (11, 1, 3, 7)
    assert made.prompt_tokens == prompt
    assert (made.expected_completion_tokens, made.worst_completion_tokens) == (210, 420)
    expected, worst = made.price_usd["standard"]
    assert expected == pytest.approx((prompt * 2.5 + 210 * 10) / 1e6)
    assert worst == pytest.approx((prompt * 2.5 + 420 * 10) / 1e6)
    assert made.price_usd["batch"][1] == pytest.approx(worst / 2)
    assert made.price_usd["flex"] is None


def test_a_plan_holds_what_the_run_then_costs(tmp_path):
    made = plan(asks(20), None, Prices.load())
    answers, _, _, _ = bought(tmp_path, asks(20))
    paid = sum(answer.cost_usd for answer in answers.values())
    assert paid <= made.price_usd["standard"][1]


def test_a_request_without_a_limit_has_no_worst_price():
    request = ask(1)
    del request.parameters["max_output_tokens"]
    made = plan([request], None, Prices.load(), expected_tokens=100)
    assert made.worst_completion_tokens is None
    assert made.price_usd["standard"][1] is None
    assert made.price_usd["standard"][0] > 0
