"""Divides groups of rows among splits by share, each stratum in proportion.

A group goes to one split as a whole. Groups are taken in turn, large ones first, and those of about
equal size in an order drawn from the seed and their names; each goes where it reduces the squared
distance from the requested rows most, over all rows and within each stratum. Then groups move
as long as that distance decreases. The result depends on the groups, not on the order of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property

from qbuild.core.canonical import row_seed
from qbuild.core.rows.split_filter import ALL, NONE

MAX_ROUNDS = 10  # of moves after the first assignment
_TOTAL = ""  # the stratum of all rows
_EPSILON = 1e-9  # a gain below it is rounding
_EXPECTED = "expected NAME=SHARE,… with shares above 0 that sum to 1"


def parse_shares(text: str) -> dict[str, Decimal]:
    """The shares by split, such as `train=0.8,test=0.2`; ValueError unless they sum to 1."""
    shares: dict[str, Decimal] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            share = Decimal(value)
        except InvalidOperation:
            share = Decimal(0)
        if not name or not share.is_finite() or share <= 0:
            raise ValueError(f"{_EXPECTED}, not {part!r}")
        if name in (ALL, NONE):
            raise ValueError(f"{name} is not a name for a split: --split {name} has a meaning")
        if name in shares:
            raise ValueError(f"split {name} is given twice")
        shares[name] = share
    if sum(shares.values()) != 1 or len(shares) < 2:
        raise ValueError(f"{_EXPECTED}; {text!r} has {len(shares)} with sum {sum(shares.values())}")
    return shares


@dataclass(frozen=True)
class Group:
    """Rows that go to one split together, by stratum."""

    name: str
    strata: Mapping[str, int]

    @cached_property
    def rows(self) -> int:
        """Number of its rows."""
        return sum(self.strata.values())

    @cached_property
    def counts(self) -> dict[str, int]:
        """Its rows by stratum, and all of them under `_TOTAL`."""
        return {**self.strata, _TOTAL: self.rows}


def assign_groups(groups: Sequence[Group], shares: Sequence[Decimal], seed: int) -> list[int]:
    """The index of the share of each group."""
    if not groups:
        return []
    balance = _Balance(groups, [float(share) for share in shares])
    order = sorted(
        range(len(groups)),
        key=lambda at: (
            -groups[at].rows.bit_length(),
            row_seed(seed, "split", groups[at].name),
            groups[at].name,
        ),
    )
    assigned = [-1] * len(groups)
    for at in order:
        assigned[at] = balance.nearest(groups[at])
        balance.add(groups[at], assigned[at], 1)
    for _ in range(MAX_ROUNDS):
        if not _move(groups, assigned, order, balance):
            break
    return assigned


def _move(groups: Sequence[Group], assigned: list[int], order: list[int], balance: _Balance) -> int:
    """Move each group to where it fits better, small ones first; how many were moved."""
    moved = 0
    for at in reversed(order):
        old = assigned[at]
        balance.add(groups[at], old, -1)
        assigned[at] = balance.nearest(groups[at], prefer=old)
        balance.add(groups[at], assigned[at], 1)
        moved += assigned[at] != old
    return moved


class _Balance:
    """How many rows each split still lacks, over all rows (stratum `""`) and per stratum."""

    def __init__(self, groups: Sequence[Group], shares: list[float]) -> None:
        totals: dict[str, int] = {}
        for group in groups:
            for stratum, rows in group.counts.items():
                totals[stratum] = totals.get(stratum, 0) + rows
        # all rows together count as much as all strata: the shares first, then their composition
        strata = max(1, len(totals) - 1)
        self._weights = {name: 1 / total for name, total in totals.items()}
        self._weights[_TOTAL] *= strata
        self._lacking = [
            {name: share * total for name, total in totals.items()} for share in shares
        ]

    def nearest(self, group: Group, prefer: int | None = None) -> int:
        """The split where the group reduces the squared distance most; the first of equal ones."""
        gains = [
            sum(
                self._weights[name] * rows * (lacking[name] - rows / 2)
                for name, rows in group.counts.items()
            )
            for lacking in self._lacking
        ]
        best = max(range(len(gains)), key=lambda at: gains[at])
        if prefer is not None and gains[best] <= gains[prefer] + _EPSILON:
            return prefer
        return best

    def add(self, group: Group, split: int, sign: int) -> None:
        """Add the rows of a group to a split, or take them out (sign -1)."""
        lacking = self._lacking[split]
        for name, rows in group.counts.items():
            lacking[name] -= sign * rows
