"""Pairs on time: when, how often, which of two times is better; and on a moment or a place."""

from __future__ import annotations

from itertools import combinations

from qbuild.core.rows.rejections import RejectedError
from qbuild.language.degrees import DEGREES
from qbuild.language.times import Part
from qbuild.pairs.rules.facts import PARTS, Fact, format_time
from qbuild.pairs.rules.quality import (
    Draw,
    Pair,
    capitalise,
    four_choices,
    is_or_are,
    make_pair,
    name_fact,
    open_pair,
    where_and_when,
    yes_no_pair,
)
from qbuild.pairs.rules.wording import HOW_OFTEN, WHAT_STANDS_OUT, WHEN, WHERE, WHICH_TIME

_PARTS: tuple[Part, ...] = ("beginning", "middle", "end", "throughout")


def temporal_pair(facts: list[Fact], it: str, draw: Draw) -> Pair:
    """Two times compared where an attribute differs between them, else when, else how often."""
    timed = [fact for fact in facts if fact.times]
    if not timed:
        raise RejectedError("no-time", "the depiction states no time or frequency")
    comparable = [both for both in combinations(timed, 2) if _differ(*both)]
    if comparable:
        return _compare(*draw.one(comparable), it, draw)
    fact = draw.one([one for one in timed if one.specific] or timed)
    return _ask_when(fact, it, draw) if fact.specific else _ask_how_often(fact, it, draw)


def _differ(one: Fact, other: Fact) -> bool:
    same = one.attribute == other.attribute and one.specific and other.specific
    return bool(same) and _rank(one) != _rank(other)


def _rank(fact: Fact) -> int:
    usual = {1: "good", -1: "relatively severe"}[fact.polarity]
    return DEGREES[fact.degree or usual].rank


def _compare(one: Fact, other: Fact, it: str, draw: Draw) -> Pair:
    better = one if _rank(one) > _rank(other) else other
    first, second = draw.shuffled([one, other])
    question = draw.one(WHICH_TIME).format(
        it=it, noun=one.words.noun, one=first.when, other=second.when
    )
    return make_pair("temporal", question, None, capitalise(better.when) + ".")


def _ask_when(fact: Fact, it: str, draw: Draw) -> Pair:
    question = draw.one(WHEN).format(it=it, noun=fact.name, be=is_or_are(fact.name))
    part = fact.specific[0].part
    if len(fact.times) == 1 and part in _PARTS[:3] and draw.number(3) == 0:
        wrong = [PARTS[name] for name in _PARTS if name != part]
        return {**four_choices(question, fact.when, wrong, draw), "form": "temporal"}
    return make_pair("temporal", question, None, capitalise(fact.when) + ".")


def _ask_how_often(fact: Fact, it: str, draw: Draw) -> Pair:
    question = draw.one(HOW_OFTEN).format(it=it, noun=fact.name, be=is_or_are(fact.name))
    return make_pair("temporal", question, None, capitalise(format_time(fact.times[0])) + ".")


def in_context_pair(facts: list[Fact], it: str, draw: Draw) -> Pair:
    """A question about exactly the moment, part or place that is stated."""
    placed = [fact for fact in facts if fact.specific or fact.place]
    if not placed:
        raise RejectedError("no-moment", "the depiction names no moment, part or place")
    fact = draw.one(placed)
    ways = [lambda: _ask_what(fact, it, draw), lambda: open_pair(fact, it, draw)]
    ways.append(lambda: yes_no_pair(fact, it, draw, None))
    if fact.specific:
        ways += [lambda: _ask_when(fact, it, draw)] * 2
    if fact.place:
        ways += [lambda: _ask_where(fact, it, draw)] * 2
    return {**draw.one(ways)(), "form": "in-context"}


def _ask_what(fact: Fact, it: str, draw: Draw) -> Pair:
    question = draw.one(WHAT_STANDS_OUT).format(it=it, when=where_and_when(fact, draw, always=True))
    return make_pair("in-context", question, None, name_fact(fact, draw))


def _ask_where(fact: Fact, it: str, draw: Draw) -> Pair:
    question = draw.one(WHERE).format(it=it, noun=fact.name, be=is_or_are(fact.name))
    when = f" {fact.when}" if fact.when else ""
    answer = capitalise(f"{fact.place}.")
    return make_pair("in-context", question.replace("?", f"{when}?"), None, answer)
