"""Pairs on single attributes: yes/no, one of four, open; and what and how as in Q-Instruct."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from qbuild.core.canonical import row_seed
from qbuild.pairs.rules.facts import Fact
from qbuild.pairs.rules.wording import (
    HOW_GOOD,
    HOW_MUCH,
    RATINGS,
    SEVERITIES,
    UNGRADED,
    WHAT_STANDS_OUT,
    WHICH_FAULT,
    WORDS,
)

T = TypeVar("T")
Pair = dict[str, Any]  # an object of the JSON form: form, question, options, answer
LETTERS = "ABCD"
_IMAGE = "this picture"
# Attributes whose faults look alike: one is not clearly a wrong choice next to another.
_ALIKE = (
    frozenset(("sharpness", "focus", "motion blur", "compression artifact")),
    frozenset(("flicker", "camera trajectory")),
    frozenset(("exposure", "light")),
    frozenset(("contents", "composition")),
)


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


def quality_pairs(facts: list[Fact], it: str, draw: Draw, want_yes: bool | None) -> list[Pair]:
    """Three pairs, yes/no, choice and open, on three facts where there are as many."""
    order = draw.shuffled(facts)
    first, second, third = (order[n % len(order)] for n in range(3))
    return [
        yes_no_pair(first, it, draw, want_yes),
        _choice_pair(second, facts, it, draw),
        open_pair(third, it, draw),
    ]


def what_how_pairs(facts: list[Fact], it: str, draw: Draw) -> list[Pair]:
    """A how and a what question, each open and with three wrong choices.

    "How" asks for the degree and is answered by an adjective, "what" for a fault, by its noun.
    """
    pairs: list[Pair] = []
    graded = [fact for fact in facts if fact.gradings]
    if graded:
        fact = draw.one(graded)
        right = draw.one(fact.gradings)
        question = _degree_question(fact, it, draw)
        pairs += _open_and_choice(question, right, _wrong_degrees(fact, draw), draw)
    bad = [fact for fact in facts if fact.polarity < 0]
    if bad:
        fact = draw.one(bad)
        question = draw.one(WHICH_FAULT).format(it=it, when=where_and_when(fact, draw))
        pairs += _open_and_choice(question, fact.name, _wrong_faults(facts, draw), draw)
    return pairs


def _open_and_choice(question: str, right: str, wrong: list[str], draw: Draw) -> list[Pair]:
    open_ = make_pair("open", question, None, capitalise(right))
    return [open_, four_choices(question, right, wrong, draw)]


def yes_no_pair(fact: Fact, it: str, draw: Draw, want_yes: bool | None) -> Pair:
    """A yes/no question about the fact or its opposite."""
    yes = draw.number(2) == 0 if want_yes is None else want_yes
    good = (fact.polarity > 0) == yes
    form = draw.one(fact.words.good if good else fact.words.bad)
    if it == _IMAGE:
        form = form.replace("the picture of {it}", "{it}")
    question = form.format(it=it, when=where_and_when(fact, draw))
    return make_pair("binary", question, ["Yes", "No"], "A" if yes else "B")


def _choice_pair(fact: Fact, facts: Sequence[Fact], it: str, draw: Draw) -> Pair:
    """Four choices: degrees of the attribute, or, for a fault, faults that are not stated."""
    if fact.polarity < 0 and (not fact.gradings or draw.number(3) == 0):
        question = draw.one(WHICH_FAULT).format(it=it, when=where_and_when(fact, draw))
        return four_choices(question, fact.name, _wrong_faults(facts, draw), draw)
    right = draw.one(fact.gradings)
    question = _degree_question(fact, it, draw)
    return four_choices(question, right, _wrong_degrees(fact, draw), draw)


def open_pair(fact: Fact, it: str, draw: Draw) -> Pair:
    """An open question, answered in a sentence."""
    if not fact.gradings or draw.number(4) == 0:
        question = draw.one(WHAT_STANDS_OUT).format(it=it, when=where_and_when(fact, draw))
        return make_pair("open", question, None, name_fact(fact, draw))
    question = _degree_question(fact, it, draw)
    return make_pair("open", question, None, _sentence(fact, draw))


def _degree_question(fact: Fact, it: str, draw: Draw) -> str:
    forms = HOW_MUCH if fact.has_amount else HOW_GOOD
    noun = fact.words.fault if fact.has_amount else fact.words.noun
    return draw.one(forms).format(
        noun=noun, be=is_or_are(noun), it=it, when=where_and_when(fact, draw)
    )


def _sentence(fact: Fact, draw: Draw) -> str:
    """The fact as a sentence, with its cause where one is stated."""
    because = f" due to {fact.cause.rstrip('.')}" if fact.cause else ""
    if fact.has_amount:
        fault = fact.words.fault
        return f"The {fault} {is_or_are(fault)} {draw.one(fact.gradings)}{because}."
    return f"The {fact.words.noun} is {draw.one(fact.gradings)}{because}."


def name_fact(fact: Fact, draw: Draw) -> str:
    """The fact's state as an answer: "Slight noise.", "A stable picture."."""
    degree = f"{draw.one(fact.gradings)} " if fact.has_amount and fact.gradings else ""
    return capitalise(f"{degree}{fact.name}") + "."


def where_and_when(fact: Fact, draw: Draw, always: bool = False) -> str:
    """Place and time with a leading blank; an overall time is left out half of the times."""
    only_overall = bool(fact.times) and not fact.specific
    where = f" {fact.place}" if fact.place else ""
    when = "" if only_overall and not always and draw.number(2) else fact.when
    return where + (f" {when}" if when else "")


def _wrong_degrees(fact: Fact, draw: Draw) -> list[str]:
    """Three wrong degrees, each clearly different from the right one."""
    if fact.has_amount:
        wrong = [words[0] for name, words in SEVERITIES.items() if name != fact.degree]
        return [*wrong, "none at all"]
    if fact.degree is None:
        other = UNGRADED[-fact.polarity][0]
        extreme = RATINGS["very severe" if fact.polarity > 0 else "excellent"][0]
        return [other, extreme, "average"]
    own = "good" if (fact.polarity, fact.degree) == (1, "mild") else fact.degree
    return draw.shuffled([words[0] for name, words in RATINGS.items() if name != own])[:3]


def _wrong_faults(facts: Sequence[Fact], draw: Draw) -> list[str]:
    """Three faults of attributes that the depiction does not mention."""
    known = {fact.attribute for fact in facts}
    known |= {name for family in _ALIKE if family & known for name in family}
    return draw.shuffled([words.fault for name, words in WORDS.items() if name not in known])[:3]


def four_choices(question: str, right: str, wrong: Sequence[str], draw: Draw) -> Pair:
    """A pair with four choices in random order."""
    options = draw.shuffled([right, *wrong])
    answer = LETTERS[options.index(right)]
    return make_pair("multi", question, [capitalise(option) for option in options], answer)


def make_pair(form: str, question: str, options: list[str] | None, answer: str) -> Pair:
    """A pair as an object of the JSON form."""
    return {"form": form, "question": question, "options": options, "answer": answer}


def is_or_are(noun: str) -> str:
    """`are` for a plural, else `is`."""
    return "are" if noun.endswith(("artifacts", "fluctuations")) else "is"


def right_answer(pair: Pair) -> str:
    """The right answer in words."""
    answer: str = pair["answer"]
    options: list[str] | None = pair["options"]
    return answer if options is None else options[LETTERS.index(answer)]


def capitalise(text: str) -> str:
    """The text with an upper-case first letter."""
    return text[:1].upper() + text[1:]
