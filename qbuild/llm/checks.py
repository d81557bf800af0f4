"""Whether a pair may become training data: grounded, in the depiction's language, not a repeat."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from qbuild.core.language import Reading, read
from qbuild.llm.grounding import judge
from qbuild.llm.pairs import Fault, Pair

# Common English words, less those that are words of other languages too (in, on, an, was, me).
_NEEDED = frozenset(
    "the is are of and this that these those how what which when where why who does do did it its "
    "there has have had with from be been being could would should can not no yes you your by "
    "without during throughout while very more most than any some but for to at".split()
)
_WORDS = re.compile(r"[^\W\d_]+")
FOREIGN_SHARE = 0.3  # of the letters of a pair in a script that the depiction does not use


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a pair, and what is only worth counting; usable where no fault is."""

    faults: tuple[Fault, ...]
    flags: tuple[str, ...]


class Checker:
    """Judges the pairs made of one depiction, which is read once."""

    def __init__(self, text: str) -> None:
        self._text, self._reading = text, read(text)
        self._english = not unlike_english(text)
        self._asked: set[tuple[bool, str]] = set()

    @property
    def reading(self) -> Reading:
        """What the depiction says."""
        return self._reading

    def check(self, pair: Pair) -> Verdict:
        """The verdict on one pair by itself."""
        findings = judge(pair.question, pair.right, self._reading, pair.form)
        faults = [Fault(f.kind, f.message) for f in findings if f.severity == "reject"]
        flags = tuple(f.kind for f in findings if f.severity == "flag")
        if self._english and (unlike_english(pair.question) or unlike_english(pair.right, 12)):
            faults.append(Fault("language", "question or answer is not in English as the notes"))
        elif foreign(f"{pair.question} {pair.right}", self._text):
            message = "question or answer is in another language than the notes"
            faults.append(Fault("language", message))
        return Verdict(tuple(faults), flags)

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
    return len(words) >= least and _NEEDED.isdisjoint(words)


def foreign(text: str, beside: str) -> bool:
    """Whether a share of the letters of `text` is of scripts that `beside` has no letter of."""
    known = scripts(beside)
    letters = [sign for sign in text if sign.isalpha()]
    strange = sum(1 for sign in letters if not sign.isascii() and _script(sign) not in known)
    return bool(letters) and strange > FOREIGN_SHARE * len(letters)


def scripts(text: str) -> set[str]:
    """The scripts of the letters of a text, by the first word of their Unicode names."""
    return {_script(sign) for sign in set(text) if sign.isalpha()}


def _script(sign: str) -> str:
    return unicodedata.name(sign, "?").split(" ", 1)[0]
