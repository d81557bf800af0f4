"""Whether a pair may become training data: grounded, in the depiction's language, not a repeat."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from qbuild.language import Reading, read
from qbuild.pairs.grounding import judge
from qbuild.pairs.parse import Fault, Pair

# Common English words, less those that are common elsewhere too (in, on, to, no, for).
_NEEDED = frozenset(
    {"the", "is", "are", "of", "and", "this", "that", "these", "those", "it", "its", "there"}
    | {"how", "what", "which", "when", "where", "why", "who", "does", "did", "has", "had", "been"}
    | {"with", "from", "could", "would", "should", "not", "yes", "you", "your", "throughout"}
    | {"while", "very", "most", "than", "be", "can", "have", "or", "by"}
)
_WORDS = re.compile(r"[^\W\d_]+")
LONG_ANSWER = 12  # words from which an answer is a sentence, and needs what sentences do
FOREIGN_SHARE = 0.3  # of the letters of a text in a script that the depiction does not use


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a pair, and what is only worth counting; usable where no fault is."""

    faults: tuple[Fault, ...]
    flags: tuple[str, ...]


class Checker:
    """Judges the pairs made of one depiction, which is read once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._asked: set[tuple[bool, str]] = set()

    @cached_property
    def reading(self) -> Reading:
        """What the depiction says."""
        return read(self._text)

    @cached_property
    def _english(self) -> bool:
        return not unlike_english(self._text)

    def check(self, pair: Pair) -> Verdict:
        """The verdict on one pair by itself."""
        findings = judge(pair.question, pair.right, self.reading, pair.form)
        faults = [Fault(f.kind, f.message) for f in findings if f.severity == "reject"]
        flags = tuple(f.kind for f in findings if f.severity == "flag")
        if self._is_foreign(pair):
            message = "question or answer is in another language than the notes"
            faults.append(Fault("language", message))
        return Verdict(tuple(faults), flags)

    def _is_foreign(self, pair: Pair) -> bool:
        """By its script; of English notes, by the want of any common English word too."""
        if self._english and (
            unlike_english(pair.question) or unlike_english(pair.right, LONG_ANSWER)
        ):
            return True
        return foreign(pair.question, self._text) or foreign(pair.right, self._text)

    def repeats(self, pair: Pair) -> Fault | None:
        """The fault of a question that was asked before; one may stand open and with choices."""
        if _key(pair) not in self._asked:
            return None
        return Fault("repeat", f"the question {pair.question!r} was asked before")

    def keep(self, pairs: Iterable[Pair]) -> None:
        """Remember the questions of pairs that were taken."""
        self._asked.update(map(_key, pairs))


def _key(pair: Pair) -> tuple[bool, str]:
    """What a question is told by."""
    return pair.form == "multi", " ".join(pair.question.casefold().split())


def unlike_english(text: str, least: int = 4) -> bool:
    """Whether a text of so many words or more has none of those that English sentences need."""
    words = _WORDS.findall(text.lower())
    return len(words) >= least and words[0] != "do" and _NEEDED.isdisjoint(words)


def foreign(text: str, beside: str) -> bool:
    """Whether a share of the letters of `text` is of scripts that `beside` has no letter of."""
    if text.isascii():
        return False
    known = scripts(beside)
    letters = [sign for sign in text if sign.isalpha()]
    strange = sum(1 for sign in letters if not sign.isascii() and _script(sign) not in known)
    return bool(letters) and strange > FOREIGN_SHARE * len(letters)


def scripts(text: str) -> set[str]:
    """The scripts of the letters of a text, by the first word of their Unicode names."""
    return {_script(sign) for sign in set(text) if sign.isalpha()}


def _script(sign: str) -> str:
    return unicodedata.name(sign, "?").split(" ", 1)[0]
