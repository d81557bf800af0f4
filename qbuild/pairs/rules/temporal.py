"""Pairs on time: when, how often, and which of two times is better; and on a moment or a place."""

from __future__ import annotations

from itertools import combinations

from qbuild.language import DEGREES, Part
from qbuild.pairs.rules.draw import Draw
from qbuild.pairs.rules.facts import PARTS, CannotMake, Fact, said
from qbuild.pairs.rules.quality import (
    Pair,
    after,
    binary,
    capital,
    chosen,
    named,
    opened,
    pair,
    verb,
)
from qbuild.pairs.rules.wording import BETTER, HOW_OFTEN, NAMED, WHEN, WHERE

_PARTS: tuple[Part, ...] = ("beginning", "middle", "end", "throughout")


def temporal_pair(held: list[Fact], it: str, draw: Draw) -> Pair:
    """Two times compared where one attribute differs between them, else when, else how often."""
    timed = [fact for fact in held if fact.times]
    if not timed:
        raise CannotMake("no-time", "nothing is said of when or how often")
    compared = [both for both in combinations(timed, 2) if _differ(*both)]
    if compared:
        return _analysis(*draw.one(compared), it, draw)
    fact = draw.one([one for one in timed if one.specific] or timed)
    return _retrieval(fact, it, draw) if fact.specific else _how_often(fact, it, draw)


def _differ(one: Fact, other: Fact) -> bool:
    same = one.attribute == other.attribute and one.specific and other.specific
    return bool(same) and _rank(one) != _rank(other)


def _rank(fact: Fact) -> int:
    usual = {1: "good", -1: "relatively severe"}[fact.polarity]
    return DEGREES[fact.degree or usual].rank


def _analysis(one: Fact, other: Fact, it: str, draw: Draw) -> Pair:
    better = one if _rank(one) > _rank(other) else other
    first, second = draw.shuffled([one, other])
    question = draw.one(BETTER).format(
        it=it, noun=one.words.noun, one=first.when, other=second.when
    )
    return pair("temporal", question, None, capital(better.when) + ".")


def _retrieval(fact: Fact, it: str, draw: Draw) -> Pair:
    question = draw.one(WHEN).format(it=it, noun=fact.name, be=verb(fact.name))
    part = fact.specific[0].part
    if len(fact.times) == 1 and part in _PARTS[:3] and draw.number(3) == 0:
        wrong = [PARTS[name] for name in _PARTS if name != part]
        made = chosen(question, fact.when, wrong, draw)
        return {**made, "form": "temporal"}
    return pair("temporal", question, None, capital(fact.when) + ".")


def _how_often(fact: Fact, it: str, draw: Draw) -> Pair:
    question = draw.one(HOW_OFTEN).format(it=it, noun=fact.name, be=verb(fact.name))
    return pair("temporal", question, None, capital(said(fact.times[0])) + ".")


def in_context_pair(held: list[Fact], it: str, draw: Draw, form: str = "in-context") -> Pair:
    """A question about exactly the moment, part or place that is told of."""
    placed = [fact for fact in held if fact.specific or fact.place]
    if not placed:
        raise CannotMake("no-moment", "no moment, part or place is told of")
    fact = draw.one(placed)
    ways = [lambda: _what(fact, it, draw), lambda: opened(fact, it, draw)]
    ways.append(lambda: binary(fact, it, draw, None))
    if fact.specific:
        ways += [lambda: _retrieval(fact, it, draw)] * 2
    if fact.place:
        ways += [lambda: _where(fact, it, draw)] * 2
    return {**draw.one(ways)(), "form": form}


def _what(fact: Fact, it: str, draw: Draw) -> Pair:
    question = draw.one(NAMED).format(it=it, when=after(fact, draw, always=True))
    return pair("in-context", question, None, named(fact, draw))


def _where(fact: Fact, it: str, draw: Draw) -> Pair:
    question = draw.one(WHERE).format(it=it, noun=fact.name, be=verb(fact.name))
    when = f" {fact.when}" if fact.when else ""
    return pair("in-context", question.replace("?", f"{when}?"), None, capital(f"{fact.place}."))
