"""Choices that depend on the seed and the depiction alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from qbuild.core.canonical import row_seed

T = TypeVar("T")


class Draw:
    """A stream of choices, the same for the same seed and names."""

    def __init__(self, seed: int, *names: str) -> None:
        self._seed, self._names, self._drawn = seed, names, 0

    def number(self, below: int) -> int:
        """A whole number from 0, smaller than `below`."""
        self._drawn += 1
        return row_seed(self._seed, *self._names, str(self._drawn)) % below

    def one(self, of: Sequence[T]) -> T:
        """One of several."""
        return of[self.number(len(of))]

    def shuffled(self, of: Sequence[T]) -> list[T]:
        """All of them, in drawn order."""
        left = list(of)
        return [left.pop(self.number(len(left))) for _ in range(len(left))]
