"""Pairs on single attributes: yes or no, one of four, open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qbuild.pairs.rules.draw import Draw
from qbuild.pairs.rules.facts import Fact
from qbuild.pairs.rules.wording import (
    GROWN,
    NAMED,
    RATED,
    RATINGS,
    SEVERITIES,
    UNGRADED,
    WHICH,
    WORDS,
)

Pair = dict[str, Any]
LETTERS = "ABCD"
PICTURE = "this picture"
# Attributes whose faults look alike: one is no clearly wrong choice beside another.
_ALIKE = (
    frozenset(("sharpness", "focus", "motion blur", "compression artifact")),
    frozenset(("flicker", "camera trajectory")),
    frozenset(("exposure", "light")),
    frozenset(("contents", "composition")),
)


def quality_pairs(held: list[Fact], it: str, draw: Draw, want_yes: bool | None) -> list[Pair]:
    """Three pairs, yes-no, choice and open, on three facts where there are as many."""
    order = draw.shuffled(held)
    first, second, third = (order[n % len(order)] for n in range(3))
    return [
        binary(first, it, draw, want_yes),
        multi(second, held, it, draw),
        opened(third, it, draw),
    ]


def binary(fact: Fact, it: str, draw: Draw, want_yes: bool | None) -> Pair:
    """A yes/no question, of what is so or of its opposite."""
    yes = draw.number(2) == 0 if want_yes is None else want_yes
    good = (fact.polarity > 0) == yes
    form = draw.one(fact.words.good if good else fact.words.bad)
    if it == PICTURE:
        form = form.replace("the picture of {it}", "{it}")
    question = form.format(it=it, when=after(fact, draw))
    return pair("binary", question, ["Yes", "No"], "A" if yes else "B")


def multi(fact: Fact, held: Sequence[Fact], it: str, draw: Draw) -> Pair:
    """Four choices: degrees of the attribute, or, of a fault, other faults that are not held."""
    if fact.polarity < 0 and (not fact.gradings or draw.number(3) == 0):
        question = draw.one(WHICH).format(it=it, when=after(fact, draw))
        return chosen(question, fact.name, faults_beside(held, draw), draw)
    right = draw.one(fact.gradings)
    return chosen(graded(fact, it, draw), right, degrees_beside(fact, draw), draw)


def opened(fact: Fact, it: str, draw: Draw) -> Pair:
    """An open question, answered in a sentence."""
    if not fact.gradings or draw.number(4) == 0:
        question = draw.one(NAMED).format(it=it, when=after(fact, draw))
        return pair("open", question, None, named(fact, draw))
    return pair("open", graded(fact, it, draw), None, sentence(fact, draw))


def graded(fact: Fact, it: str, draw: Draw) -> str:
    """A question for the degree."""
    forms = GROWN if fact.grows else RATED
    noun = fact.words.fault if fact.grows else fact.words.noun
    return draw.one(forms).format(noun=noun, be=verb(noun), it=it, when=after(fact, draw))


def sentence(fact: Fact, draw: Draw) -> str:
    """The fact as a sentence, with its cause where one is told."""
    because = f" due to {fact.cause.rstrip('.')}" if fact.cause else ""
    if fact.grows:
        fault = fact.words.fault
        return f"The {fault} {verb(fault)} {draw.one(fact.gradings)}{because}."
    return f"The {fact.words.noun} is {draw.one(fact.gradings)}{because}."


def named(fact: Fact, draw: Draw) -> str:
    """The fact's state as an answer: "Slight noise.", "A stable picture."."""
    size = f"{draw.one(fact.gradings)} " if fact.grows and fact.gradings else ""
    return capital(f"{size}{fact.name}") + "."


def after(fact: Fact, draw: Draw, always: bool = False) -> str:
    """Where and when, as it stands behind a clause; the time goes unsaid where it is throughout."""
    only_overall = bool(fact.times) and not fact.specific
    where = f" {fact.place}" if fact.place else ""
    when = "" if only_overall and not always and draw.number(2) else fact.when
    return where + (f" {when}" if when else "")


def degrees_beside(fact: Fact, draw: Draw) -> list[str]:
    """Three wrong degrees, each apart from the right one."""
    if fact.grows:
        wrong = [words[0] for name, words in SEVERITIES.items() if name != fact.degree]
        return [*wrong, "none at all"]
    if fact.degree is None:
        other = UNGRADED[-fact.polarity][0]
        extreme = RATINGS["very severe" if fact.polarity > 0 else "excellent"][0]
        return [other, extreme, "average"]
    own = "good" if (fact.polarity, fact.degree) == (1, "mild") else fact.degree
    return draw.shuffled([words[0] for name, words in RATINGS.items() if name != own])[:3]


def faults_beside(held: Sequence[Fact], draw: Draw) -> list[str]:
    """Three faults of attributes that the depiction says nothing about."""
    known = {fact.attribute for fact in held}
    known |= {name for family in _ALIKE if family & known for name in family}
    return draw.shuffled([words.fault for name, words in WORDS.items() if name not in known])[:3]


def chosen(question: str, right: str, wrong: Sequence[str], draw: Draw) -> Pair:
    """A pair with four choices in drawn order."""
    options = draw.shuffled([right, *wrong])
    answer = LETTERS[options.index(right)]
    return pair("multi", question, [capital(option) for option in options], answer)


def pair(form: str, question: str, options: list[str] | None, answer: str) -> Pair:
    """A pair in the form of the contract."""
    return {"form": form, "question": question, "options": options, "answer": answer}


def verb(noun: str) -> str:
    """`are` for a plural, else `is`."""
    return "are" if noun.endswith(("artifacts", "fluctuations")) else "is"


def right(pair: Pair) -> str:
    """The right answer in words."""
    answer: str = pair["answer"]
    options: list[str] | None = pair["options"]
    return answer if options is None else options[LETTERS.index(answer)]


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def without_time(fact: Fact) -> Fact:
    """The fact as it is asked after when its time is the answer."""
    return replace(fact, times=(), when="")
