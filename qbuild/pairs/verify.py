"""Whether a pair may become training data: grounded, in the depiction's language, not asked twice.

The messages of rejections are sent back to the model, and so are part of request ids in the
ledger: their wording must not change. The same holds for parse.py, text_form.py and grounding.py.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from qbuild.core.rows.rejections import Rejection
from qbuild.language.mentions import Reading, read
from qbuild.pairs.grounding import judge
from qbuild.pairs.parse import Pair

# Common English words, less those that are common in other languages too (in, on, to, no, for).
_ENGLISH = frozenset(
    {"the", "is", "are", "of", "and", "this", "that", "these", "those", "it", "its", "there"}
    | {"how", "what", "which", "when", "where", "why", "who", "does", "did", "has", "had", "been"}
    | {"with", "from", "could", "would", "should", "not", "yes", "you", "your", "throughout"}
    | {"while", "very", "most", "than", "be", "can", "have", "or", "by"}
)
_WORDS = re.compile(r"[^\W\d_]+")
LONG_ANSWER = 12  # words from which an answer is a sentence and needs the words of one
FOREIGN_SHARE = 0.3  # of the letters of a text, in a script that the depiction does not use


@dataclass(frozen=True)
class PairCheck:
    """Why a pair is rejected, and what is only counted; usable where there is no rejection."""

    rejections: tuple[Rejection, ...]
    flags: tuple[str, ...]


class PairChecker:
    """Checks the pairs of one depiction, whose text is read once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._questions: set[tuple[bool, str]] = set()

    @cached_property
    def _reading(self) -> Reading:
        return read(self._text)

    @cached_property
    def _is_english(self) -> bool:
        return not unlike_english(self._text)

    def check(self, pair: Pair, form: str | None = None) -> PairCheck:
        """The check of one pair by itself, compared with the depiction as one of that form."""
        findings = judge(pair.question, pair.right, self._reading, form or pair.form)
        rejections = [Rejection(f.kind, f.message) for f in findings if f.severity == "reject"]
        flags = tuple(f.kind for f in findings if f.severity == "flag")
        if self._is_foreign(pair):
            message = "question or answer is in another language than the notes"
            rejections.append(Rejection("language", message))
        return PairCheck(tuple(rejections), flags)

    def _is_foreign(self, pair: Pair) -> bool:
        """By its script; for English notes, also where no common English word occurs."""
        if self._is_english and (
            unlike_english(pair.question) or unlike_english(pair.right, LONG_ANSWER)
        ):
            return True
        return foreign(pair.question, self._text) or foreign(pair.right, self._text)

    def reject_duplicate(self, pair: Pair) -> Rejection | None:
        """The rejection of a question that came before; else None, and it is remembered.

        The same question may come once without choices and once with them.
        """
        key = pair.form == "multi", " ".join(pair.question.casefold().split())
        if key in self._questions:
            return Rejection("repeat", f"the question {pair.question!r} was asked before")
        self._questions.add(key)
        return None


def unlike_english(text: str, least: int = 4) -> bool:
    """Whether a text of `least` or more words has none of those that English sentences need."""
    words = _WORDS.findall(text.lower())
    return len(words) >= least and words[0] != "do" and _ENGLISH.isdisjoint(words)


def foreign(text: str, reference: str) -> bool:
    """Whether too many letters of `text` are in scripts that `reference` does not use."""
    if text.isascii():
        return False
    known = {_script(character) for character in set(reference) if character.isalpha()}
    letters = [character for character in text if character.isalpha()]
    unknown = sum(1 for letter in letters if not letter.isascii() and _script(letter) not in known)
    return bool(letters) and unknown > FOREIGN_SHARE * len(letters)


def _script(letter: str) -> str:
    """The script of a letter: the first word of its Unicode name."""
    return unicodedata.name(letter, "?").split(" ", 1)[0]
