"""Pairs on time: when, how often, how long, which of two times; and on a moment or a place."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

from qbuild.core.rows.rejections import RejectedError
from qbuild.language.degrees import DEGREES
from qbuild.language.times import Part
from qbuild.pairs.rules.draws import Draw, Pair, four_choices, make_pair
from qbuild.pairs.rules.facts import Fact
from qbuild.pairs.rules.phrases import PARTS, be, capitalise, is_plural
from qbuild.pairs.rules.quality import ask_by_form, ask_place, open_pair
from qbuild.pairs.rules.sentences import state_clause, state_sentence, where_and_when
from qbuild.pairs.rules.wording import WHAT_STANDS_OUT

_PARTS: tuple[Part, ...] = ("beginning", "middle", "end", "throughout")
_SHORT_ANSWERS = 3  # one of this many answers is only the time


def temporal_pair(facts: list[Fact], it: str, draw: Draw) -> Pair:
    """Two times compared where an attribute differs, else when, how often, or how long."""
    comparable = [both for both in combinations(facts, 2) if _differ(*both)]
    if comparable:
        return _compare(*draw.one(comparable), it, draw)
    makers: tuple[tuple[Callable[[Fact], object], Callable[[Fact, str, Draw], Pair]], ...] = (
        (lambda fact: fact.specific, _ask_when),
        (lambda fact: fact.frequency, _ask_how_often),
        (lambda fact: fact.always, _ask_how_long),
    )
    for has_time, make in makers:
        timed = [fact for fact in facts if has_time(fact)]
        if timed:
            return make(draw.one(timed), it, draw)
    raise RejectedError("no-time", "the depiction states no time or frequency")


def _differ(one: Fact, other: Fact) -> bool:
    same = one.attribute == other.attribute and one.specific and other.specific
    return bool(same) and one.when != other.when and _rank(one) != _rank(other)


def _rank(fact: Fact) -> int:
    usual = {1: "good", -1: "relatively severe"}[fact.polarity]
    return DEGREES[fact.degree or usual].rank


def _compare(one: Fact, other: Fact, it: str, draw: Draw) -> Pair:
    better = one if _rank(one) > _rank(other) else other
    first, second = draw.shuffled([one, other])
    topic = one.words.topic
    question = f"When is the {topic} of {it} better, {first.when} or {second.when}?"
    answer = better.when if draw.number(2) else f"the {topic} is better {better.when}"
    return make_pair("temporal", question, None, capitalise(answer) + ".")


def _ask_when(fact: Fact, it: str, draw: Draw) -> Pair:
    question = _when_question(fact, it, draw)
    part = fact.specific[0].part
    if len(fact.times) == 1 and part in _PARTS[:3] and draw.number(3) == 0:
        wrong = [PARTS[name] for name in _PARTS if name != part]
        wrong[-1] = "throughout the video"
        return {**four_choices(question, fact.when, wrong, draw), "form": "temporal"}
    if draw.number(_SHORT_ANSWERS) == 0:
        return make_pair("temporal", question, None, capitalise(fact.when) + ".")
    return make_pair("temporal", question, None, state_sentence(fact, it, draw, f" {fact.when}"))


def _when_question(fact: Fact, it: str, draw: Draw) -> str:
    state = fact.state
    place = f" {fact.place}" if fact.place else ""
    if state is None:
        subject = fact.topic
        rating = "good" if fact.polarity > 0 else "poor"
        return f"When {be(subject)} the {subject} of {it} {rating}{place}?"
    if state.amount or not state.adjective:
        if place:
            return f"In {it}, when {be(state.noun)} there {state.noun}{place}?"
        forms = (
            f"When does {it} show {state.noun}{place}?",
            f"At which moment can {state.noun} be seen in {it}{place}?",
            f"When {be(state.noun)} there {state.noun} in {it}{place}?",
        )
        return draw.one(forms)
    subject = fact.area or f"{state.subject} of {it}"
    verb = be(fact.area or state.subject)
    lead = draw.one(("When", "At what point"))
    return f"{lead} {verb} the {subject} {state.adjective}{place}?"


def _ask_how_often(fact: Fact, it: str, draw: Draw) -> Pair:
    noun = fact.name
    seen = "noticed" if fact.attribute in ("fluency", "quality switch") else "seen"
    forms = (
        f"How often can {noun} be {seen} in {it}?",
        f"How often {be(noun)} there {noun} in {it}?",
    )
    question = draw.one(forms)
    if draw.number(_SHORT_ANSWERS) == 0:
        return make_pair("temporal", question, None, capitalise(fact.frequency) + ".")
    verb = "occur" if is_plural(noun) else "occurs"
    frequency = fact.frequency
    sentence = f"{noun} {verb} {frequency}."
    return make_pair("temporal", question, None, capitalise(sentence))


def _ask_how_long(fact: Fact, it: str, draw: Draw) -> Pair:
    """How long a state lasts that does so throughout."""
    state = fact.state
    last = draw.one(("throughout the video", "from beginning to end"))
    if state is not None and not state.amount and state.adjective:
        subject, adjective = state.subject, state.adjective
    elif state is None:
        subject, adjective = fact.topic, "good" if fact.polarity > 0 else "poor"
    else:
        noun = state.noun
        question = f"For how much of {it} can {noun} be seen?"
        return _long_pair(question, f"{state_clause(fact, it, draw)} {last}", last, draw)
    question = f"For how much of {it} {be(subject)} the {subject} {adjective}?"
    verb = "stay" if is_plural(subject) else "stays"
    return _long_pair(question, f"the {subject} {verb} {adjective} {last}", last, draw)


def _long_pair(question: str, sentence: str, last: str, draw: Draw) -> Pair:
    answer = last if draw.number(_SHORT_ANSWERS) == 0 else sentence
    return make_pair("temporal", question, None, capitalise(answer) + ".")


def in_context_pair(facts: list[Fact], it: str, draw: Draw) -> Pair:
    """A question about exactly the moment, part or place that is stated."""
    placed = [fact for fact in facts if fact.specific or fact.place or fact.area]
    if not placed:
        raise RejectedError("no-moment", "the depiction names no moment, part or place")
    fact = draw.one(placed)
    where = bool(fact.place or fact.area)
    ways = [lambda: _ask_what(fact, it, draw), lambda: open_pair(fact, it, draw)]
    if fact.specific and fact.place:
        ways += [lambda: _ask_when_and_where(fact, it, draw)] * 3
    elif fact.specific:
        ways += [lambda: _ask_when(fact, it, draw)] * 2
    elif where:
        ways += [lambda: _ask_where(fact, it, draw)] * 2
    return {**draw.one(ways)(), "form": "in-context"}


def _ask_what(fact: Fact, it: str, draw: Draw) -> Pair:
    if fact.area:
        return open_pair(fact, it, draw)
    tail = where_and_when(fact, draw, always=True)
    question = ask_by_form(fact, WHAT_STANDS_OUT, it, tail, draw)
    return make_pair("in-context", question, None, state_sentence(fact, it, draw))


def _ask_where(fact: Fact, it: str, draw: Draw) -> Pair:
    question, answer = ask_place(fact, it)
    if draw.number(_SHORT_ANSWERS) == 0:
        return make_pair("in-context", question, None, capitalise(f"{answer}."))
    tail = f" {fact.place}" if fact.place else ""
    return make_pair("in-context", question, None, state_sentence(fact, it, draw, tail))


def _ask_when_and_where(fact: Fact, it: str, draw: Draw) -> Pair:
    question, _ = ask_place(fact, it)
    question = question.replace("Where", "When and where", 1)
    tail = f" {fact.place} {fact.when}"
    return make_pair("in-context", question, None, state_sentence(fact, it, draw, tail))
