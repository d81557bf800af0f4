"""Agreement between annotators of one medium: on attributes, and on good or bad.

For two annotators' overall depictions of one medium: attributes in common over attributes named by
either (Jaccard); and, of the attributes that both call good or bad, the share on which they agree.
Several depictions by one person count together. Means are over pairs; chance is not corrected for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

Sides = dict[str, int]  # attribute → 1 good, -1 bad, 0 unknown or both


@dataclass
class PairSums:
    """Sums over pairs of annotators."""

    media: set[str] = field(default_factory=set)
    pairs: int = 0
    overlap: float = 0.0
    common: int = 0
    equal: int = 0

    def add(self, medium: str, one: Sides, other: Sides) -> None:
        """Count a pair; one that names no attribute at all is left out."""
        either = one.keys() | other.keys()
        if not either:
            return
        both = [name for name in one.keys() & other.keys() if one[name] and other[name]]
        self.media.add(medium)
        self.pairs += 1
        self.overlap += len(one.keys() & other.keys()) / len(either)
        self.common += len(both)
        self.equal += sum(one[name] == other[name] for name in both)

    def figures(self) -> dict[str, Any]:
        """Media, pairs, mean Jaccard of attributes, share of equal sides; None where undefined."""
        return {
            "media": len(self.media),
            "pairs": self.pairs,
            "attributes": round(self.overlap / self.pairs, 6) if self.pairs else None,
            "sides": round(self.equal / self.common, 6) if self.common else None,
        }


@dataclass
class Agreement:
    """The attributes named, by medium and annotator."""

    sides: dict[str, dict[str, Sides]] = field(default_factory=dict)

    def add(self, medium: str, annotator: str, sides: Sides) -> None:
        """Add one overall depiction; a side that one person contradicts becomes unknown."""
        known = self.sides.setdefault(medium, {}).setdefault(annotator, {})
        for name, side in sides.items():
            known[name] = side if known.get(name, side) == side else 0

    def compare(self) -> tuple[PairSums, dict[str, PairSums]]:
        """The sums over all pairs, and over the pairs of each annotator."""
        total, each = PairSums(), dict[str, PairSums]()
        for medium, people in sorted(self.sides.items()):
            for one, other in combinations(sorted(people), 2):
                own = (each.setdefault(name, PairSums()) for name in (one, other))
                for sums in (total, *own):
                    sums.add(medium, people[one], people[other])
        return total, each
