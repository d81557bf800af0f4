"""Token prices from a dated price file, and the cost of an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from qbuild.core.errors import InputError
from qbuild.core.resources import data_dir
from qbuild.llm.answers import Usage

MILLION = 1_000_000
TIERS = ("standard", "flex", "batch")


@dataclass(frozen=True)
class Rate:
    """Dollars per million tokens; `cached_input` is `input` where the file has none."""

    input: float
    output: float
    cached_input: float

    def cost(self, prompt: int, completion: int, cached: int = 0) -> float:
        """Dollars for these tokens; the cached ones are included in the prompt's."""
        cached = min(cached, prompt)
        full = (prompt - cached) * self.input + cached * self.cached_input
        return (full + completion * self.output) / MILLION


@dataclass(frozen=True)
class Prices:
    """The rates of a price file by model and tier, its date and its source."""

    dated: str
    source: str
    rates: dict[tuple[str, str], Rate]
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """The prices of a file, or the latest shipped ones; InputError for an invalid file."""
        path = path or latest_price_file()
        try:
            value = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise _invalid(path, f"cannot be read: {error}") from error
        return _read_prices(path, value)

    def rate(self, model: str, tier: str = "standard") -> Rate | None:
        """The rate of a model, by its name or an alias; None where the file has none."""
        return self.rates.get((self.aliases.get(model, model), tier))

    def cost(self, model: str, usage: Usage, tier: str = "standard") -> float | None:
        """Dollars for an answer; None where the price is unknown."""
        rate = self.rate(model, tier)
        if rate is None:
            return None
        return rate.cost(usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens or 0)


def latest_price_file() -> Path:
    """The newest shipped price file; their names are their months."""
    files = sorted(data_dir("prices").glob("*.json"))
    if not files:
        where = str(data_dir("prices"))
        raise InputError(where, "has no price file", "expected YYYY-MM.json", "Give --prices.")
    return files[-1]


def _read_prices(path: Path, value: Any) -> Prices:
    if not isinstance(value, dict) or not isinstance(value.get("models"), dict):
        raise _invalid(path, "has no object under `models`")
    dated = value.get("dated")
    try:
        date.fromisoformat(str(dated))
    except ValueError:
        raise _invalid(path, f"`dated` is {dated!r}, not a date") from None
    rates: dict[tuple[str, str], Rate] = {}
    for model, entry in value["models"].items():
        rates[model, "standard"] = _read_rate(path, model, entry)
        for tier in TIERS[1:]:
            if tier in entry:
                rates[model, tier] = _read_rate(path, f"{model}, {tier}", entry[tier])
    return Prices(str(dated), str(value.get("source", "")), rates, dict(value.get("aliases", {})))


def _read_rate(path: Path, name: str, entry: Any) -> Rate:
    if not isinstance(entry, dict):
        raise _invalid(path, f"{name} is {entry!r}, not an object")
    numbers = {}
    for key in ("input", "output", "cached_input"):
        number = entry.get(key, entry.get("input") if key == "cached_input" else None)
        if (
            not isinstance(number, int | float)
            or isinstance(number, bool)
            or not 0 <= number < float("inf")
        ):
            raise _invalid(path, f"`{key}` of {name} is {number!r}")
        numbers[key] = float(number)
    return Rate(**numbers)


def _invalid(path: Path, what: str) -> InputError:
    return InputError(
        str(path),
        what,
        "expected {dated, source, models: {name: {input, output, cached_input?, flex?, batch?}}} "
        "in dollars per million tokens",
        "See docs/ledger.md.",
    )
