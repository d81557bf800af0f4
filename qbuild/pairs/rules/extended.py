"""Pairs beyond what is seen: stated causes, remedies, advice, audience."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from qbuild.pairs.rules.facts import Fact
from qbuild.pairs.rules.quality import Draw, Pair, capitalise, make_pair

_WHY = (
    "Why does {it} show {nouns}?",
    "What is the reason for {nouns} in {it}?",
    "What causes {nouns} in {it}?",
)
_POST = (
    "Which post-processing could lessen {nouns} in {it}?",
    "What could be done after recording against {nouns} in {it}?",
    "Which tools might an editor apply to {it} because of {nouns}?",
    "How could {nouns} in {it} be treated in post-production?",
)
_AGAIN = (
    "If {it} were shot again, what should be changed because of {nouns}?",
    "Which advice would help against {nouns} when {it} is shot again?",
    "What could one do differently in a new recording of {it}, given {nouns}?",
    "How could a reshoot of {it} avoid {nouns}?",
)
_KEEP = (
    "What should be kept if something like {it} is shot again?",
    "What might others learn from {it}, given {nouns}?",
    "Which strengths of {it} should a new recording keep?",
    "What should a maker hold on to after {it}, with {nouns}?",
)
_SUITS = (
    "For which viewers would {it} be suited, given {nouns}?",
    "What use would {it} be suitable for, with {nouns}?",
    "Who could make use of {it} despite its {nouns}?",
)
_FIRST = (
    "What should be looked at first to improve {it}, given {nouns}?",
    "With {nouns}, what would matter most for a better version of {it}?",
)


def extended_pair(facts: list[Fact], it: str, draw: Draw) -> Pair:
    """A cause where one is stated, else a remedy for what is bad, else what to keep."""
    caused = [fact for fact in facts if fact.cause]
    if caused:
        return _why(draw.one(caused), it, draw)
    bad, good = _distinct(facts, -1), _distinct(facts, 1)
    return draw.one((_post, _again))(bad, it, draw) if bad else _keep(good, it, draw)


def pathway_extended_pair(facts: list[Fact], it: str, draw: Draw) -> Pair:
    """One of five areas: cause, photography advice, restoration tools, audience, other."""
    caused = [fact for fact in facts if fact.cause]
    bad, good = _distinct(facts, -1), _distinct(facts, 1)
    ways: list[Callable[[], Pair]] = [lambda: _audience(bad or good, bool(bad), it, draw)]
    if caused:
        ways.append(lambda: _why(draw.one(caused), it, draw))
    if bad:
        ways += [partial(make, bad, it, draw) for make in (_post, _again, _first)]
    else:
        ways.append(lambda: _keep(good, it, draw))
    return draw.one(ways)()


def _distinct(facts: list[Fact], polarity: int) -> list[Fact]:
    """The good or the bad facts, one per attribute, three at most."""
    return list({f.attribute: f for f in facts if f.polarity == polarity}.values())[:3]


def _why(fact: Fact, it: str, draw: Draw) -> Pair:
    return _ask(_WHY, [fact], f"Because of {(fact.cause or '').rstrip('.')}.", it, draw)


def _post(bad: list[Fact], it: str, draw: Draw) -> Pair:
    return _ask(_POST, bad, _sentences(fact.words.post for fact in bad), it, draw)


def _again(bad: list[Fact], it: str, draw: Draw) -> Pair:
    return _ask(_AGAIN, bad, _sentences(fact.words.again for fact in bad), it, draw)


def _first(bad: list[Fact], it: str, draw: Draw) -> Pair:
    answer = f"Most would be gained if the {bad[0].name} were treated first."
    return _ask(_FIRST, bad, answer, it, draw)


def _keep(good: list[Fact], it: str, draw: Draw) -> Pair:
    answer = f"One should keep {_list_names(good)}, for they make the viewing pleasant."
    return _ask(_KEEP, good, answer, it, draw)


def _audience(facts: list[Fact], bad: bool, it: str, draw: Draw) -> Pair:
    if bad:
        answer = "It may be suited for personal memories, less for publication."
        return _ask(_SUITS, facts, answer, it, draw)
    answer = "It would suit publication, exhibitions and large screens."
    return _ask(_SUITS[:2], facts, answer, it, draw)


def _ask(forms: Sequence[str], facts: list[Fact], answer: str, it: str, draw: Draw) -> Pair:
    question = draw.one(forms).format(it=it, nouns=_list_names(facts))
    return make_pair("extended", question, None, answer)


def _list_names(facts: list[Fact]) -> str:
    """The states as a list: "blur, noise and dim lighting"."""
    names = [fact.name for fact in facts]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _sentences(clauses: Iterable[str]) -> str:
    return " ".join(capitalise(f"{clause}.") for clause in clauses)
