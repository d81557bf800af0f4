"""Counts and figures as text."""

from __future__ import annotations

from collections.abc import Mapping


def plural(count: int, one: str, many: str = "") -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def format_counts(counts: Mapping[str, int]) -> str:
    """`a 1, b 2,000`."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def format_collapsed(count: int, one: str = "identical row") -> list[str]:
    """The line about rows that collapsed; none for 0."""
    return [f"{plural(count, one)} collapsed"] if count else []


def format_figure(value: float | None) -> str:
    """Three decimals, or `-` for an undefined figure."""
    return "-" if value is None else f"{value:.3f}"
