"""A score from a language model's logits: a weighted softmax over the level words alone.

Words, logits and weights run from worst to best, as everywhere in qbuild. VQA² weighs its five
words 0, .25, .5, .75, 1 (its release .2 to 1, which ranks the same), Q-Align 1 to 5, Q-Bench good
against poor. The logits are those of the token that would be the level word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from qbuild.core.errors import UsageError, raise_all
from qbuild.quality import level_scores

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

    Floats = NDArray[np.float64]


class Tokenizer(Protocol):
    """The methods of a tokenizer of `transformers` that are used here."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """The token ids of the text."""

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        """The tokens of the ids, as the vocabulary spells them."""


@dataclass(frozen=True)
class Levels:
    """Probabilities and scores [...] of logits of shape [..., vocabulary].

    probabilities is [..., words]; score01 their weighted sum, in [0, 1] for the default weights;
    score15 is 1 + 4 · score01.
    """

    probabilities: Tensor
    score01: Tensor
    score15: Tensor


class LevelReader:
    """Reads scores from the token after `prefix`; raises UsageError for ambiguous words."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        words: Sequence[str],
        prefix: str = "",
        weights: Sequence[float] | None = None,
        temperature: float = 1.0,
    ) -> None:
        self.words, self.prefix, self.temperature = tuple(words), prefix, temperature
        self.weights = tuple(level_weights(len(words), weights).tolist())
        _check_temperature(temperature)
        self.token_ids = level_token_ids(tokenizer, words, prefix)

    def logits(self, logits: Tensor) -> Tensor:
        """The level words' own logits, float32 [..., words], of [..., vocabulary]."""
        return logits[..., list(self.token_ids)].float()

    def read(self, logits: Tensor) -> Levels:
        """Probabilities and scores from the logits [..., vocabulary] of the next token."""
        shares = (self.logits(logits) / self.temperature).softmax(-1)  # (..., words)
        score = (shares * shares.new_tensor(self.weights)).sum(-1)
        return Levels(shares, score, 1 + 4 * score)


def level_weights(count: int, weights: Sequence[float] | None = None) -> Floats:
    """The weights given, or evenly from 0 (worst) to 1 (best); (count,)."""
    if count < 2:
        raise UsageError("levels", f"{count} word", "expected at least two", "Name more words.")
    if weights is None:
        return np.linspace(0.0, 1.0, count)
    if len(weights) != count or not np.isfinite(weights).all():
        raise UsageError(
            "levels",
            f"weights {list(weights)}",
            f"expected {count} finite numbers, one per word, worst to best",
            "Give as many weights as words, or none for evenly spaced ones.",
        )
    return np.asarray(weights, np.float64)


def score_of(
    logits: ArrayLike, weights: Sequence[float] | None = None, temperature: float = 1.0
) -> Floats:
    """The score of stored logits [..., words], worst to best, as [...]; no model is needed.

    Logits are divided by the temperature: 100, as Q-Bench publishes its figures, makes the
    probabilities nearly linear in the logits.
    """
    values = np.asarray(logits, np.float64)
    scale = level_weights(values.shape[-1], weights)
    _check_temperature(temperature)
    return level_scores.score_from_logits(values, scale.tolist(), temperature)


def _check_temperature(temperature: float) -> None:
    if not 0 < temperature < float("inf"):
        raise UsageError("levels", f"temperature {temperature}", "expected a number above 0")


def level_token_ids(tokenizer: Tokenizer, words: Sequence[str], prefix: str) -> tuple[int, ...]:
    """The one token that each word is after the prefix; UsageError names every word that is not.

    A space separates prefix and word, unless the prefix is empty or ends in whitespace, or the
    word begins with it.
    """
    pieces = {word: _word_tokens(tokenizer, prefix, word) for word in words}
    raise_all(_problems(tokenizer, words, prefix, pieces))
    return tuple(pieces[word][0] for word in words)


def _word_tokens(tokenizer: Tokenizer, prefix: str, word: str) -> list[int]:
    """The tokens of prefix and word beyond those of the prefix; [] where they merge."""
    has_space = not prefix or prefix[-1].isspace() or word[:1].isspace()
    before = tokenizer.encode(prefix, add_special_tokens=False) if prefix else []
    both = tokenizer.encode(prefix + ("" if has_space else " ") + word, add_special_tokens=False)
    return both[len(before) :] if both[: len(before)] == before else []


def _problems(
    tokenizer: Tokenizer, words: Sequence[str], prefix: str, pieces: dict[str, list[int]]
) -> Iterator[UsageError]:
    first: dict[int, str] = {}
    for place, word in enumerate(words):
        ids = pieces[word]
        what = f"{word!r} after {prefix!r} is {tokenizer.convert_ids_to_tokens(ids)}"
        if ids and ids[0] in first:
            what += f" and shares its first token with {first[ids[0]]!r}"
            yield _unfit(what, "expected words that differ in their first token")
        elif word in words[:place]:
            yield _unfit(f"{word!r} is named twice", "expected different words")
        elif len(ids) != 1:
            yield _unfit(what, "expected one token of its own")
        if ids:
            first[ids[0]] = word


def _unfit(what: str, expected: str) -> UsageError:
    todo = "Choose other words, or a prefix that they follow after a space."
    return UsageError("level words", what, expected, todo)
