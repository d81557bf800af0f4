"""Seeded draws, and pairs as objects of the JSON form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from qbuild.core.canonical import row_seed
from qbuild.pairs.rules.phrases import capitalise

T = TypeVar("T")
Pair = dict[str, Any]  # an object of the JSON form: form, question, options, answer
LETTERS = "ABCD"


class Draw:
    """A sequence of random choices, the same for the same seed and names."""

    def __init__(self, seed: int, *names: str) -> None:
        self._seed, self._names, self._count = seed, names, 0

    def number(self, below: int) -> int:
        """An integer from 0, smaller than `below`."""
        self._count += 1
        return row_seed(self._seed, *self._names, str(self._count)) % below

    def one(self, values: Sequence[T]) -> T:
        """One of several values."""
        return values[self.number(len(values))]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """All values in random order."""
        left = list(values)
        return [left.pop(self.number(len(left))) for _ in range(len(left))]


def make_pair(form: str, question: str, options: list[str] | None, answer: str) -> Pair:
    """A pair as an object of the JSON form."""
    return {"form": form, "question": question, "options": options, "answer": answer}


def four_choices(question: str, right: str, wrong: Sequence[str], draw: Draw) -> Pair:
    """A pair with four choices in random order."""
    options = draw.shuffled([right, *wrong[:3]])
    answer = LETTERS[options.index(right)]
    return make_pair("multi", question, [capitalise(option) for option in options], answer)


def right_answer(pair: Pair) -> str:
    """The right answer in words."""
    answer: str = pair["answer"]
    options: list[str] | None = pair["options"]
    return answer if options is None else options[LETTERS.index(answer)]
