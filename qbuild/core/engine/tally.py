"""Counts of a stage, by kind and, within a kind, by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class Tally:
    """Counts by kind (`collapsed`) and, within a kind, by key (`rejected`, `koniq`).

    `tally["rows"]` is the count of a kind, `tally["rejected", "koniq"]` that of one of its keys;
    the default is 0. The tallies of several workers are added.
    """

    def __init__(self, **counts: int) -> None:
        self._counts: Counter[tuple[str, ...]] = Counter({(k,): n for k, n in counts.items() if n})

    def __getitem__(self, kind: str | tuple[str, ...]) -> int:
        return self._counts[(kind,) if isinstance(kind, str) else kind]

    def __repr__(self) -> str:
        return f"Tally({dict(self._counts)})"

    def add(self, kind: str, *key: str, count: int = 1) -> None:
        """Add `count`; a count of 0 is not stored."""
        if count:
            self._counts[kind, *key] += count

    def add_each(self, kind: str, keys: Iterable[str]) -> None:
        """Add 1 for each of the keys."""
        for key, count in Counter(keys).items():
            self.add(kind, key, count=count)

    def update(self, other: Tally) -> None:
        """Add the counts of another tally."""
        self._counts.update(other._counts)

    def of(self, kind: str, *key: str) -> dict[str, int]:
        """The counts of a kind, or of a key's parts, by the next part of their key; sorted."""
        start = (kind, *key)
        return {
            parts[-1]: count
            for parts, count in sorted(self._counts.items())
            if parts[:-1] == start and count
        }
