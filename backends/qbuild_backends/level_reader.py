"""The token id of each level word as the model's answer continues a prefix.

The score is then `qbuild.quality.level_scores.score_from_logits` of these tokens' logits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from qbuild.core.errors import UsageError, raise_all


class Tokenizer(Protocol):
    """The methods of a tokenizer of `transformers` that are used here."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """The token ids of the text."""

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        """The tokens of the ids, as the vocabulary spells them."""


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
            yield _unfit(what, "expected one token per word")
        if ids:
            first[ids[0]] = word


def _unfit(what: str, expected: str) -> UsageError:
    todo = "Choose other words, or a prefix that they follow after a space."
    return UsageError("level words", what, expected, todo)
