"""What tokens cost: a dated price file, and the price of an answer by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from qbuild.llm.answers import Usage

A_MILLION = 1_000_000
TIERS = ("standard", "flex", "batch")


@dataclass(frozen=True)
class Rate:
    """Dollars a million tokens; `cached_input` is `input` where the file names none."""

    input: float
    output: float
    cached_input: float

    def cost(self, prompt: int, completion: int, cached: int = 0) -> float:
        """Dollars for these tokens; the cached ones are some of the prompt's."""
        cached = min(cached, prompt)
        full = (prompt - cached) * self.input + cached * self.cached_input
        return (full + completion * self.output) / A_MILLION


@dataclass(frozen=True)
class Prices:
    """The rates of a price file by model and tier, the day it is of, and where it is from."""

    dated: str
    source: str
    rates: dict[tuple[str, str], Rate]
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """The prices of a file, or the latest that ship; InputError names what is wrong in it."""
        import json

        if path is None:
            path = latest()
        try:
            value = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise _fault(path, f"cannot be read: {error}") from error
        return _prices(path, value)

    def rate(self, model: str, tier: str = "standard") -> Rate | None:
        """The rate of a model, by its own name or an alias; None where the file has none."""
        return self.rates.get((self.aliases.get(model, model), tier))

    def cost(self, model: str, usage: Usage, tier: str = "standard") -> float | None:
        """Dollars for an answer; None where the price is not known."""
        rate = self.rate(model, tier)
        if rate is None:
            return None
        return rate.cost(usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens or 0)


def latest() -> Path:
    """The newest price file that ships with qbuild: their names are their months."""
    from qbuild.core.resources import data_dir

    files = sorted(data_dir("prices").glob("*.json"))
    if not files:
        raise InputError(
            str(data_dir("prices")), "no price file", "expected YYYY-MM.json", "Give --prices."
        )
    return files[-1]


def _prices(path: Path, value: Any) -> Prices:
    if not isinstance(value, dict) or not isinstance(value.get("models"), dict):
        raise _fault(path, "holds no object under `models`")
    dated = value.get("dated")
    try:
        date.fromisoformat(str(dated))
    except ValueError:
        raise _fault(path, f"`dated` is {dated!r}, no day") from None
    rates: dict[tuple[str, str], Rate] = {}
    for model, entry in value["models"].items():
        rates[model, "standard"] = _rate(path, model, entry)
        for tier in TIERS[1:]:
            if tier in entry:
                rates[model, tier] = _rate(path, f"{model}, {tier}", entry[tier])
    aliases = value.get("aliases", {})
    return Prices(str(dated), str(value.get("source", "")), rates, dict(aliases))


def _rate(path: Path, name: str, entry: Any) -> Rate:
    if not isinstance(entry, dict):
        raise _fault(path, f"{name} is {entry!r}, no object")
    numbers = {}
    for key in ("input", "output", "cached_input"):
        number = entry.get(key, entry.get("input") if key == "cached_input" else None)
        plain = isinstance(number, int | float) and not isinstance(number, bool)
        if not plain or not 0 <= number < float("inf"):  # type: ignore[operator]
            raise _fault(path, f"`{key}` of {name} is {number!r}")
        numbers[key] = float(number)  # type: ignore[arg-type]
    return Rate(**numbers)


def _fault(path: Path, what: str) -> InputError:
    return InputError(
        str(path),
        what,
        "expected {dated, source, models: {name: {input, output, cached_input?, flex?, batch?}}} "
        "in dollars a million tokens",
        "See docs/ledger.md.",
    )
