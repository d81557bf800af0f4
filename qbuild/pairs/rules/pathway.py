"""Pairs in the manner of Q-Instruct: what and how with short answers, yes or no."""

from __future__ import annotations

from qbuild.pairs.rules.draw import Draw
from qbuild.pairs.rules.facts import Fact
from qbuild.pairs.rules.quality import (
    Pair,
    after,
    capital,
    chosen,
    degrees_beside,
    faults_beside,
    graded,
    pair,
)
from qbuild.pairs.rules.wording import WHICH


def what_how_pairs(held: list[Fact], it: str, draw: Draw) -> list[Pair]:
    """A how and a what question, each open and with three wrong choices beside the right one.

    "How" asks for the degree and is answered by an adjective, "what" for a fault, by its noun.
    """
    made: list[Pair] = []
    rated = [fact for fact in held if fact.gradings]
    if rated:
        fact = draw.one(rated)
        right = draw.one(fact.gradings)
        question = graded(fact, it, draw)
        made += _both(question, right, degrees_beside(fact, draw), draw)
    bad = [fact for fact in held if fact.polarity < 0]
    if bad:
        fact = draw.one(bad)
        question = draw.one(WHICH).format(it=it, when=after(fact, draw))
        made += _both(question, fact.name, faults_beside(held, draw), draw)
    return made


def _both(question: str, right: str, wrong: list[str], draw: Draw) -> list[Pair]:
    return [pair("open", question, None, capital(right)), chosen(question, right, wrong, draw)]
