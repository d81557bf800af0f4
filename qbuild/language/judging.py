"""One attribute in a sentence, and how the words around it judge it.

A fault that is named is bad unless a word says that it is absent, few or under control: no other
merit turns it into praise. Where praise and fault meet, it is not judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from qbuild.language.degrees import ADJUSTABLE, Strength, degree_of
from qbuild.language.lexicon import Term


@dataclass(slots=True)
class Bound:
    """An attribute in a sentence with its judgement; `start`, `end` are positions in the text."""

    term: Term
    at: int
    start: int
    end: int
    attribute: str
    polarity: int = 0
    strengths: set[Strength] = field(default_factory=set)
    negations: int = 0
    excess: bool = False
    less: bool = False
    unsure: bool = False  # a fault called good: not judged
    denied_behind: bool = False  # by a word after it: "noise and blur are absent"
    asked: bool = False  # "how sharp is it": not judged
    listed: bool = False  # in a clause without a verb
    by_noun: bool = False

    @property
    def negated(self) -> bool:
        """Whether it is negated, and not twice."""
        return self.negations % 2 == 1

    @property
    def degree(self) -> str | None:
        """The name of the degree, None where no word expresses one."""
        return degree_of(self.polarity, self.strengths)

    @property
    def bare(self) -> bool:
        """Whether it is a noun that nothing judges."""
        return self.term.kind == "noun" and not self.polarity and not self.strengths

    @property
    def denied(self) -> bool:
        """Whether it is a fault that is described as absent."""
        return self.negated and self.term.kind == "fault"


def add_term(carrier: Bound, term: Term) -> None:
    """Let a word judge the attribute: a degree, a rating or an amount."""
    if term.kind == "modifier":
        carrier.strengths.add(term.strength or "plain")
    elif carrier.term.kind == "fault":
        _judge_fault(carrier, term)
    elif carrier.term.kind == "noun":
        _judge_noun(carrier, term)
    elif term.polarity == carrier.term.senses[0][1] or term.strength == "moderate":
        carrier.strengths.add(_strength(term, carrier.term.kind))


def _judge_fault(carrier: Bound, term: Term) -> None:
    few = term.kind == "control" or (term.kind == "amount" and term.polarity < 0)
    praised = term.kind == "rating" and term.polarity > 0
    if few or (praised and carrier.term.scale):
        carrier.polarity = 1
        carrier.strengths.add(_strength(term, "fault"))
    elif praised or term.kind == "loss":
        carrier.unsure = True
    elif term.kind == "rating" and term.polarity == 0:
        carrier.strengths.add("moderate")
    else:
        carrier.strengths.add(_strength(term, "fault"))


def _judge_noun(carrier: Bound, term: Term) -> None:
    if carrier.attribute in ADJUSTABLE and term.kind == "growth":
        return
    if carrier.attribute == "exposure" and term.kind == "amount" and term.polarity > 0:
        return  # a high exposure is no merit
    if carrier.polarity:
        carrier.strengths -= {"good", "plain", "top", "worst"}
    sign = term.polarity
    if term.strength == "moderate" and carrier.attribute in ADJUSTABLE:
        sign = 1
    carrier.polarity = sign
    carrier.strengths.add(_strength(term, "noun"))


def _strength(term: Term, kind: str) -> Strength:
    """The strength of a judging word: a high amount is severe for a fault, good for an attribute.

    A weak fault is slight, a weak attribute is poor.
    """
    if term.kind == "growth":
        return "severe" if kind == "fault" else "good"
    if term.kind != "amount":
        weak = term.kind == "rating" and term.strength == "light" and kind != "fault"
        return "plain" if weak or term.strength is None else term.strength
    if kind == "fault":
        return "severe" if term.polarity > 0 else "good"
    return "good" if term.polarity > 0 else "plain"


def mark_excess(carrier: Bound, term: Term) -> None:
    """Record that there is too much or too little of it."""
    carrier.excess = True
    if term.strength != "plain":
        carrier.strengths.add(term.strength or "plain")


def mark_less(carrier: Bound) -> None:
    """Record that there is less of it: "less clear", "less noise"."""
    carrier.less = True


def mark_wish(carrier: Bound) -> None:
    """Record that it should be otherwise than it is."""
    if carrier.term.kind == "quality" and carrier.term.senses[0][1] > 0:
        carrier.negations += 1
    else:
        carrier.unsure = True


def mark_so(carrier: Bound) -> None:
    """Record that it is so much that something follows: too much, of light and color."""
    if carrier.attribute in ADJUSTABLE and carrier.term.senses[0][1] > 0:
        carrier.unsure = True


def negate(carrier: Bound, is_after: bool, severity: bool) -> None:
    """Apply a negating word; `severity`: it denies a degree of the fault, not the fault."""
    if not is_after and severity and carrier.term.kind == "fault":
        carrier.strengths = {"light"}  # "the flicker is not very severe"
    else:
        carrier.negations += 1
        carrier.denied_behind = not is_after


def settle(carrier: Bound) -> None:
    """Set the polarity, once all words are known."""
    if carrier.term.kind == "noun":
        carrier.by_noun = True
    if carrier.asked or carrier.unsure:
        carrier.polarity, carrier.strengths = 0, set()
    elif carrier.excess:
        _settle_excess(carrier)
    elif carrier.term.kind == "fault":
        _settle_fault(carrier)
    elif carrier.term.kind == "noun":
        _settle_noun(carrier)
    else:
        _settle_quality(carrier)


def _settle_excess(carrier: Bound) -> None:
    """Too much is a fault; "not too much" is good only of what has a right amount."""
    carrier.polarity = -1
    carrier.strengths -= {"good", "top", "middle"} if "light" in carrier.strengths else {"good"}
    if not carrier.negated:
        return
    if carrier.term.kind == "fault":
        carrier.strengths = {"light"}
    elif carrier.attribute in ADJUSTABLE or carrier.term.senses[0][1] >= 0:
        carrier.polarity, carrier.strengths = 1, set()
    else:
        carrier.strengths = {"light"}  # "not too noisy"


def _settle_fault(carrier: Bound) -> None:
    if carrier.less:
        carrier.polarity, carrier.strengths = 0, set()
    elif carrier.negated:
        carrier.polarity = -1 if carrier.polarity > 0 else 1
        carrier.strengths = {"good"} if carrier.strengths - {"light", "moderate"} else set()
    else:
        carrier.polarity = carrier.polarity or -1


def _settle_quality(carrier: Bound) -> None:
    carrier.polarity = carrier.term.senses[0][1]
    if carrier.less:  # "less clear" is bad, "less noisy" is noisy still, or not
        carrier.polarity = -max(carrier.polarity, 0)
    _flip_if_negated(carrier)


def _settle_noun(carrier: Bound) -> None:
    if carrier.less:
        carrier.polarity = -1
    elif carrier.negations and not carrier.polarity:
        carrier.polarity = -1 if carrier.negated else 1  # "lack of clarity", "no lack of clarity"
    else:
        _flip_if_negated(carrier)


def _flip_if_negated(carrier: Bound) -> None:
    if carrier.negated:
        carrier.polarity = -carrier.polarity
        carrier.strengths = {"light"} if "strong" in carrier.strengths else set()
