"""Facts as questions and sentences: subject, verb, adjective or amount, place and time."""

from __future__ import annotations

from qbuild.pairs.rules.draws import Draw
from qbuild.pairs.rules.facts import Fact
from qbuild.pairs.rules.phrases import be, capitalise, does, with_degree
from qbuild.pairs.rules.states import State

IMAGE = "this image"
_SEEN = ("picture", "colors", "lighting", "details", "composition")  # these look like something


def subject_of(fact: Fact, state: State, it: str) -> tuple[str, str]:
    """What comes before a question, and its subject: an area, or the subject of the medium."""
    if fact.area:
        return f"In {it}, ", f"the {fact.area}"
    if state.subject == "picture" and it == IMAGE:
        return "", it
    return "", f"the {state.subject} of {it}"


def ask_yes_no(fact: Fact, it: str, same: bool, draw: Draw) -> str:
    """A question after the state (`same`: the answer is yes) or after its opposite (no)."""
    state = fact.state
    tail = where_and_when(fact, draw)
    if state is None:
        good = (fact.polarity > 0) == same
        subject = f"the {fact.area}" if fact.area else f"the {fact.topic} of {it}"
        rating = "good" if good else "poor"
        return f"{capitalise(be(fact.topic))} {subject} {rating}{tail}?"
    if state.free:
        return _ask_free(state, it, same, tail, draw)
    if state.amount and (not state.adjective or draw.number(2)):
        return _ask_amount(state, fact, it, same, tail, draw)
    adjective = state.adjective if same else state.opposite
    return _ask_adjective(state, fact, it, adjective, tail, draw)


def _ask_free(state: State, it: str, same: bool, tail: str, draw: Draw) -> str:
    noun = state.adjective.removeprefix("free of ")
    if same:
        return f"Is {it} {state.adjective}{tail}?"
    forms = (f"{capitalise(be(noun))} there {noun} in {it}{tail}?", f"Does {it} show {noun}{tail}?")
    return draw.one(forms)


def _ask_amount(state: State, fact: Fact, it: str, same: bool, tail: str, draw: Draw) -> str:
    noun = state.noun
    if not same:
        return f"Is {it} {_negated(noun)}{tail}?"
    if fact.place:
        return f"In {it}, {be(noun)} there {noun}{tail}?"
    forms = (f"{capitalise(be(noun))} there {noun} in {it}{tail}?", f"Does {it} show {noun}{tail}?")
    return draw.one(forms)


def _negated(noun: str) -> str:
    return f"free of {noun.removeprefix('a ')}"


def _ask_adjective(state: State, fact: Fact, it: str, adjective: str, tail: str, draw: Draw) -> str:
    before, subject = subject_of(fact, state, it)
    plural = fact.area or state.subject
    if state.subject in _SEEN and draw.number(2) and not adjective.startswith(("in ", "out of")):
        return f"{capitalise(before + does(plural))} {subject} look {adjective}{tail}?"
    return f"{capitalise(before + be(plural))} {subject} {adjective}{tail}?"


def where_and_when(fact: Fact, draw: Draw, always: bool = False) -> str:
    """Place and time with a leading blank; an overall time is left out half of the times.

    How often something is seen never belongs to a question of how it looks.
    """
    where = f" {fact.place}" if fact.place else ""
    if fact.frequency or (fact.always and not always and draw.number(2)):
        return where
    return where + (f" {fact.when}" if fact.when else "")


def state_sentence(fact: Fact, it: str, draw: Draw, tail: str = "") -> str:
    """The fact as a full sentence, with its reason where one is stated."""
    reason = f" {fact.reason}" if fact.reason else ""
    return capitalise(f"{state_clause(fact, it, draw)}{tail}{reason}.")


def state_clause(fact: Fact, it: str, draw: Draw) -> str:
    """The fact as a clause: "there is slight noise", "the colors are very vivid"."""
    state = fact.state
    if state is None:
        subject = fact.area or fact.topic
        return f"the {subject} {be(subject)} {draw.one(fact.ratings)}"
    if fact.has_amount:
        degree = draw.one(fact.severities) if fact.severities else ""
        return f"there {be(state.noun)} {with_degree(state.noun, degree)}"
    subject = fact.area or state.subject
    named = it if subject == "picture" and it == IMAGE else f"the {subject}"
    adverb = "" if state.free or " " in state.adjective else draw.one(fact.adverbs)
    adjective = f"{adverb} {state.adjective}".strip()
    return f"{named} {be(subject)} {adjective}"
