"""What a run would send and cost, computed before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from qbuild.llm.ledger import Ledger
from qbuild.llm.prices import TIERS, Prices
from qbuild.llm.requests import ChatRequest

Price = tuple[float, float | None] | None

# The share of the allowed tokens that an answer takes: an assumption, before any answer is known.
EXPECTED_SHARE = 0.5


@dataclass
class CostPlan:
    """Counts and prices of the requests that the ledger does not have yet.

    `price_usd[tier]` is (expected, worst) in dollars; None where a model has no price at the tier,
    worst None where a request has no limit on its answer.
    """

    requests: int = 0
    repeated: int = 0  # identical to an earlier one of this run
    in_ledger: int = 0
    to_send: int = 0
    prompt_tokens: int = 0
    expected_completion_tokens: int = 0
    worst_completion_tokens: int | None = 0  # None: a request has no limit
    price_usd: dict[str, Price] = field(default_factory=dict)
    dated: str = ""


def plan_cost(requests: Iterable[ChatRequest], ledger: Ledger | None, prices: Prices) -> CostPlan:
    """Count and price what would be sent; an answer is expected to take half of its limit."""
    plan = CostPlan(dated=prices.dated, price_usd=dict.fromkeys(TIERS, (0.0, 0.0)))
    planned: set[bytes] = set()
    for request in requests:
        plan.requests += 1
        key = bytes.fromhex(request.request_id)
        if key in planned:
            plan.repeated += 1
            continue
        planned.add(key)
        if ledger is not None and ledger.has_answer(request.request_id):
            plan.in_ledger += 1
            continue
        _add(plan, request, prices)
    return plan


def _add(plan: CostPlan, request: ChatRequest, prices: Prices) -> None:
    prompt, limit = request.estimated_tokens, request.max_output_tokens
    expected = int((limit or 0) * EXPECTED_SHARE)
    plan.to_send += 1
    plan.prompt_tokens += prompt
    plan.expected_completion_tokens += expected
    if limit is None or plan.worst_completion_tokens is None:
        plan.worst_completion_tokens = None
    else:
        plan.worst_completion_tokens += limit
    for tier, total in plan.price_usd.items():
        rate = prices.rate(request.model, tier)
        if rate is None or total is None:
            plan.price_usd[tier] = None
            continue
        worst = None if limit is None or total[1] is None else total[1] + rate.cost(prompt, limit)
        plan.price_usd[tier] = (total[0] + rate.cost(prompt, expected), worst)
