"""How far annotators of one medium agree: on which attributes, and on which side of them.

Of two annotators' overall depictions of one medium: attributes in common over attributes named by
either (Jaccard); and, of those that both call good or bad, the share on which they say the same.
Several depictions by one person count together. Means are over pairs; chance is not taken out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

Sides = dict[str, int]


@dataclass
class Pairs:
    """Sums over pairs of annotators."""

    media: set[str] = field(default_factory=set)
    pairs: int = 0
    overlap: float = 0.0
    common: int = 0
    alike: int = 0

    def add(self, medium: str, one: Sides, other: Sides) -> None:
        """Count a pair; one that names no attribute at all says nothing."""
        either = one.keys() | other.keys()
        if not either:
            return
        both = [name for name in one.keys() & other.keys() if one[name] and other[name]]
        self.media.add(medium)
        self.pairs += 1
        self.overlap += len(one.keys() & other.keys()) / len(either)
        self.common += len(both)
        self.alike += sum(one[name] == other[name] for name in both)

    def figures(self) -> dict[str, Any]:
        """Media, pairs, mean Jaccard of attributes, share of sides alike; None where undefined."""
        return {
            "media": len(self.media),
            "pairs": self.pairs,
            "attributes": round(self.overlap / self.pairs, 6) if self.pairs else None,
            "sides": round(self.alike / self.common, 6) if self.common else None,
        }


@dataclass
class Agreement:
    """Attributes by medium and annotator, and what comparing them gives."""

    said: dict[str, dict[str, Sides]] = field(default_factory=dict)

    def add(self, medium: str, annotator: str, sides: Sides) -> None:
        """Take in one overall depiction; sides that one person contradicts become unknown."""
        held = self.said.setdefault(medium, {}).setdefault(annotator, {})
        for name, side in sides.items():
            held[name] = side if held.get(name, side) == side else 0

    def compared(self) -> tuple[Pairs, dict[str, Pairs]]:
        """The figures of all pairs, and of the pairs that each annotator is one of."""
        total, each = Pairs(), dict[str, Pairs]()
        for medium, people in sorted(self.said.items()):
            for one, other in combinations(sorted(people), 2):
                for sums in (total, each.setdefault(one, Pairs()), each.setdefault(other, Pairs())):
                    sums.add(medium, people[one], people[other])
        return total, each
