"""Pairs beyond what is seen: stated causes, remedies, advice, audience."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from qbuild.pairs.rules.draws import Draw, Pair, make_pair
from qbuild.pairs.rules.facts import Fact
from qbuild.pairs.rules.phrases import capitalise, definite, enumerate_words, is_plural
from qbuild.pairs.rules.sentences import state_clause

_WHY = ("What is the reason for {nouns} in {it}?", "What causes {nouns} in {it}?")
_POST = (
    "Which post-processing could reduce {nouns} in {it}?",
    "What could be done after recording against {nouns} in {it}?",
    "How could {nouns} in {it} be treated in post-production?",
    "What could an editor do about {nouns} in {it}?",
)
_AGAIN = (
    "If {it} were shot again, what should be changed because of {nouns}?",
    "What advice would help to avoid {nouns} if {it} were shot again?",
    "What could one do differently in a new recording of {it}, given {nouns}?",
    "How could a reshoot of {it} avoid {nouns}?",
)
_KEEP = (
    "What should be kept if something like {it} is shot again?",
    "Which strengths of {it} should a new recording keep?",
)
_SUITS = (
    "What could {it} be used for, given {nouns}?",
    "Which use would {it} suit, given {nouns}?",
)
_FIRST = (
    "What should be improved first in {it}?",
    "Which single change would improve {it} most?",
)


def extended_pair(facts: list[Fact], it: str, draw: Draw) -> Pair:
    """A cause where one is stated, else a remedy for what is bad, else what to keep."""
    caused = [fact for fact in facts if fact.reason]
    if caused:
        return why_pair(draw.one(caused), it, draw)
    bad, good = _distinct(facts, -1), _distinct(facts, 1)
    return draw.one((_post, _again))(bad, it, draw) if bad else _keep(good, it, draw)


def pathway_extended_pair(facts: list[Fact], it: str, draw: Draw) -> Pair:
    """One of five areas: cause, photography advice, restoration tools, audience, other."""
    caused = [fact for fact in facts if fact.reason]
    bad, good = _distinct(facts, -1), _distinct(facts, 1)
    ways: list[Callable[[], Pair]] = [lambda: _audience(bad or good, bool(bad), it, draw)]
    if caused:
        ways.append(lambda: why_pair(draw.one(caused), it, draw))
    if bad:
        ways += [partial(make, bad, it, draw) for make in (_post, _again, _first)]
    else:
        ways.append(lambda: _keep(good, it, draw))
    return draw.one(ways)()


def _distinct(facts: list[Fact], polarity: int) -> list[Fact]:
    """The good or the bad facts, one per attribute, three at most; no blur next to motion blur."""
    chosen: dict[str, Fact] = {}
    for fact in facts:
        if fact.polarity == polarity:
            chosen.setdefault(fact.attribute, fact)
    names = [fact.name for fact in chosen.values()]
    return [
        fact
        for fact in chosen.values()
        if not any(name.endswith(f" {fact.name}") for name in names)
    ][:3]


def why_pair(fact: Fact, it: str, draw: Draw) -> Pair:
    """Why a fact is as it is; answered by the stated cause."""
    reason = fact.reason or ""
    answer = f"{capitalise(state_clause(fact, it, draw))} {reason}."
    return _ask(_WHY, [fact], answer, it, draw)


def _post(bad: list[Fact], it: str, draw: Draw) -> Pair:
    remedies = enumerate_words(fact.remedies[0] for fact in bad)
    lead = draw.one(("An editor could", "One could", "It would help to"))
    return _ask(_POST, bad, f"{lead} {remedies}.", it, draw)


def _again(bad: list[Fact], it: str, draw: Draw) -> Pair:
    remedies = enumerate_words(fact.remedies[1] for fact in bad)
    lead = draw.one(("One should", "It would help to", "The person filming should"))
    if it != "this video":
        lead = draw.one(("One should", "It would help to", "The photographer should"))
    return _ask(_AGAIN, bad, f"{lead} {remedies}.", it, draw)


def _first(bad: list[Fact], it: str, draw: Draw) -> Pair:
    fact = bad[0]
    lead = f"{definite(fact.name)} should be treated first"
    answer = f"{capitalise(lead)}: one could {fact.remedies[0]}."
    return _ask(_FIRST, bad, answer, it, draw)


def _keep(good: list[Fact], it: str, draw: Draw) -> Pair:
    names = _list_names(good)
    makes = "make" if len(good) > 1 or is_plural(good[0].name) else "makes"
    answer = f"{capitalise(names)} should be kept: {_pronoun(good)} {makes} for pleasant viewing."
    return _ask(_KEEP, good, answer, it, draw)


def _pronoun(facts: Sequence[Fact]) -> str:
    return "they" if len(facts) > 1 or is_plural(facts[0].name) else "it"


def _audience(facts: list[Fact], bad: bool, it: str, draw: Draw) -> Pair:
    if bad:
        answer = "It may do for personal memories, but hardly for publication."
    else:
        answer = "It would suit publication and large screens."
    return _ask(_SUITS, facts, answer, it, draw)


def _ask(forms: Sequence[str], facts: list[Fact], answer: str, it: str, draw: Draw) -> Pair:
    question = draw.one(forms).format(it=it, nouns=_list_names(facts))
    return make_pair("extended", question, None, answer)


def _list_names(facts: Sequence[Fact]) -> str:
    """The states as a list: "the blur, the noise and the dim lighting"."""
    return enumerate_words(definite(fact.name) for fact in facts)
