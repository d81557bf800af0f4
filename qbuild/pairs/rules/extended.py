"""Pairs beyond what is seen: stated causes, remedies, advice, audience."""

from __future__ import annotations

from collections.abc import Callable

from qbuild.pairs.rules.facts import Fact
from qbuild.pairs.rules.quality import Draw, Pair, capitalise, make_pair

_WHY = (
    "Why does {it} show {noun}?",
    "What is the reason for {noun} in {it}?",
    "What causes {noun} in {it}?",
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
    bad = _distinct(facts, -1)
    return draw.one((_post, _again))(bad, it, draw) if bad else _keep(facts, it, draw)


def pathway_extended_pair(facts: list[Fact], it: str, draw: Draw) -> Pair:
    """One of five areas: cause, photography advice, restoration tools, audience, other."""
    caused = [fact for fact in facts if fact.cause]
    bad = _distinct(facts, -1)
    ways: list[Callable[[], Pair]] = [lambda: _audience(facts, bad, it, draw)]
    if caused:
        ways.append(lambda: _why(draw.one(caused), it, draw))
    if bad:
        ways += [
            lambda: _post(bad, it, draw),
            lambda: _again(bad, it, draw),
            lambda: _first(bad, it, draw),
        ]
    else:
        ways.append(lambda: _keep(facts, it, draw))
    return draw.one(ways)()


def _distinct(facts: list[Fact], polarity: int) -> list[Fact]:
    """The good or the bad facts, one per attribute, three at most."""
    return list({f.attribute: f for f in facts if f.polarity == polarity}.values())[:3]


def _list_names(facts: list[Fact]) -> str:
    """The states as a list: "blur, noise and dim lighting"."""
    names = [fact.name for fact in facts]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _why(fact: Fact, it: str, draw: Draw) -> Pair:
    question = draw.one(_WHY).format(it=it, noun=fact.name)
    return _pair(question, f"Because of {(fact.cause or '').rstrip('.')}.")


def _post(bad: list[Fact], it: str, draw: Draw) -> Pair:
    question = draw.one(_POST).format(it=it, nouns=_list_names(bad))
    return _pair(question, _advice([fact.words.post for fact in bad]))


def _again(bad: list[Fact], it: str, draw: Draw) -> Pair:
    question = draw.one(_AGAIN).format(it=it, nouns=_list_names(bad))
    return _pair(question, _advice([fact.words.again for fact in bad]))


def _first(bad: list[Fact], it: str, draw: Draw) -> Pair:
    question = draw.one(_FIRST).format(it=it, nouns=_list_names(bad))
    return _pair(question, f"Most would be gained if the {bad[0].name} were treated first.")


def _keep(facts: list[Fact], it: str, draw: Draw) -> Pair:
    nouns = _list_names(_distinct(facts, 1))
    question = draw.one(_KEEP).format(it=it, nouns=nouns)
    return _pair(question, f"One should keep {nouns}, for they make the viewing pleasant.")


def _audience(facts: list[Fact], bad: list[Fact], it: str, draw: Draw) -> Pair:
    if bad:
        question = draw.one(_SUITS).format(it=it, nouns=_list_names(bad))
        return _pair(question, "It may be suited for personal memories, less for publication.")
    question = draw.one(_SUITS[:2]).format(it=it, nouns=_list_names(_distinct(facts, 1)))
    return _pair(question, "It would suit publication, exhibitions and large screens.")


def _advice(clauses: list[str]) -> str:
    return " ".join(capitalise(f"{clause}.") for clause in clauses)


def _pair(question: str, answer: str) -> Pair:
    return make_pair("extended", question, None, answer)
