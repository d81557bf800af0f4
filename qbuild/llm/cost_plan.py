"""What a run would send and cost, before anything is sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from qbuild.llm.prices import TIERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qbuild.llm.ledger import Ledger
    from qbuild.llm.prices import Prices
    from qbuild.llm.requests import ChatRequest


@dataclass
class Plan:
    """Counts and prices of the requests that are not in the ledger yet.

    `price_usd[tier]` is (expected, worst) in dollars, None where a model has no price there.
    """

    requests: int = 0
    repeated: int = 0  # identical to an earlier one of this run
    in_ledger: int = 0
    to_send: int = 0
    prompt_tokens: int = 0
    expected_completion_tokens: int = 0
    worst_completion_tokens: int | None = 0  # None: a request has no limit
    price_usd: dict[str, tuple[float, float | None] | None] = field(default_factory=dict)
    dated: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON holds it."""
        return asdict(self)


# Share of the allowed tokens that an answer takes, before any answer is in the ledger: a guess.
EXPECTED_SHARE = 0.5


def plan(
    requests: Iterable[ChatRequest],
    ledger: Ledger | None,
    prices: Prices,
    expected_tokens: int | None = None,
) -> Plan:
    """Count and price what would be sent.

    `expected_tokens` are those of one answer; else half of what the request allows.
    """
    made = Plan(dated=prices.dated)
    seen: set[bytes] = set()
    totals: dict[str, tuple[float, float | None] | None] = dict.fromkeys(TIERS, (0.0, 0.0))
    for request in requests:
        made.requests += 1
        key = bytes.fromhex(request.request_id)
        if key in seen:
            made.repeated += 1
            continue
        seen.add(key)
        if ledger is not None and ledger.holds(request.request_id):
            made.in_ledger += 1
            continue
        _add(made, totals, request, prices, expected_tokens)
    made.price_usd = totals
    return made


def _add(
    made: Plan,
    totals: dict[str, tuple[float, float | None] | None],
    request: ChatRequest,
    prices: Prices,
    expected_tokens: int | None,
) -> None:
    """Count one request that would be sent."""
    prompt, limit = request.estimated_tokens(), request.max_output_tokens
    expected = (
        expected_tokens if expected_tokens is not None else int((limit or 0) * EXPECTED_SHARE)
    )
    expected = min(expected, limit) if limit is not None else expected
    made.to_send += 1
    made.prompt_tokens += prompt
    made.expected_completion_tokens += expected
    if limit is None or made.worst_completion_tokens is None:
        made.worst_completion_tokens = None
    else:
        made.worst_completion_tokens += limit
    for tier, total in totals.items():
        rate = prices.rate(request.model, tier)
        if rate is None or total is None:
            totals[tier] = None
            continue
        worst = None if limit is None or total[1] is None else total[1] + rate.cost(prompt, limit)
        totals[tier] = (total[0] + rate.cost(prompt, expected), worst)
