"""Pairs on single attributes: yes/no, one of four, open; and what and how as in Q-Instruct."""

from __future__ import annotations

from collections.abc import Sequence

from qbuild.pairs.rules.choices import ask_amount, ask_degree, ask_topic, wrong_faults
from qbuild.pairs.rules.draws import Draw, Pair, four_choices, make_pair
from qbuild.pairs.rules.facts import Fact
from qbuild.pairs.rules.phrases import be, capitalise, enumerate_words
from qbuild.pairs.rules.sentences import (
    ask_yes_no,
    state_clause,
    state_sentence,
    where_and_when,
)
from qbuild.pairs.rules.wording import HOW_MUCH, WHAT_STANDS_OUT, WHICH_FAULT, WHICH_FAULTS

_AREAS = ("the background", "the foreground", "the sky", "the lower left corner", "the center",
          "the right side", "the top edge", "the floor", "the horizon", "the shadows")  # fmt: skip
_PREPOSITIONS = {"side": "on", "edge": "at", "floor": "on", "horizon": "at"}


def quality_pairs(facts: list[Fact], it: str, draw: Draw, want_yes: bool | None) -> list[Pair]:
    """Three pairs, yes/no, choice and open, on three facts where there are as many."""
    order = draw.shuffled(facts)
    first, second, third = (order[n % len(order)] for n in range(3))
    return [
        yes_no_pair(first, it, draw, want_yes),
        choice_pair(second, facts, it, draw),
        open_pair(third, it, draw, facts),
    ]


def what_how_pairs(facts: list[Fact], it: str, draw: Draw) -> list[Pair]:
    """A how and up to two what questions, each open and with three wrong choices.

    "How" is answered by an adjective, "what" by the noun of an attribute and by that of a place.
    """
    question, right, wrong = ask_degree(draw.one(facts), it, draw)
    pairs = _open_and_choice(question, question, right, right, wrong, draw)
    bad = [fact for fact in facts if fact.polarity < 0]
    if bad:
        names = enumerate_words(fact.name for fact in bad[:3])
        one = draw.one(bad)
        pairs += _open_and_choice(
            draw.one(WHICH_FAULTS).format(it=it, when=""),
            draw.one(WHICH_FAULT).format(it=it, when=""),
            names,
            one.name,
            wrong_faults(one, facts, it, draw),
            draw,
        )
    placed = [fact for fact in facts if fact.area or fact.place]
    if placed:
        pairs += _place_pairs(draw.one(placed), facts, it, draw)
    return pairs


def _place_pairs(fact: Fact, facts: Sequence[Fact], it: str, draw: Draw) -> list[Pair]:
    """What or where it is that a fact is about, open and with three wrong choices."""
    known = " ".join(f"{one.area or ''} {one.place or ''}" for one in facts)
    known = known.replace("middle", "center").replace("centre", "center")
    other = [area for area in _AREAS if not set(area.split()[1:]) & set(known.split())]
    question, right = ask_place(fact, it)
    wrong = draw.shuffled(other)[:3]
    if not fact.area:
        wrong = [f"{_PREPOSITIONS.get(area.rsplit(' ', 1)[-1], 'in')} {area}" for area in wrong]
    return _open_and_choice(question, question, right, right, wrong, draw)


def ask_place(fact: Fact, it: str) -> tuple[str, str]:
    """A question after the area or place of a fact, and its answer."""
    state = fact.state
    if fact.area and state is not None:
        return f"What is {state.adjective or state.noun} in {it}?", f"the {fact.area}"
    if state is not None and not state.amount and state.adjective:
        subject = it if state.subject == "picture" else f"the {state.subject} of {it}"
        return f"Where {be(state.subject)} {subject} {state.adjective}?", fact.place or ""
    return f"Where in {it} {be(fact.name)} there {fact.name}?", fact.place or ""


def _open_and_choice(
    question: str, choice_question: str, answer: str, right: str, wrong: list[str], draw: Draw
) -> list[Pair]:
    open_ = make_pair("open", question, None, capitalise(answer))
    return [open_, four_choices(choice_question, right, wrong, draw)]


def yes_no_pair(fact: Fact, it: str, draw: Draw, want_yes: bool | None) -> Pair:
    """A yes/no question about the fact or its opposite."""
    yes = draw.number(2) == 0 if want_yes is None else want_yes
    question = ask_yes_no(fact, it, yes, draw)
    return make_pair("binary", question, ["Yes", "No"], "A" if yes else "B")


def ask_by_form(fact: Fact, forms: Sequence[str], it: str, tail: str, draw: Draw) -> str:
    """A question about all that can be seen at the place and time of a fact."""
    if fact.place:
        asks = "which of these problems can be seen" if forms is WHICH_FAULT else "what stands out"
        return f"In {it}, {asks}{tail}?"
    return draw.one(forms).format(it=it, when=tail)


def choice_pair(fact: Fact, facts: Sequence[Fact], it: str, draw: Draw) -> Pair:
    """Four choices: degrees of the attribute, or, for a fault, faults that are not stated."""
    if fact.polarity < 0 and ((fact.has_amount and not fact.severities) or draw.number(2) == 0):
        question = ask_by_form(fact, WHICH_FAULT, it, where_and_when(fact, draw), draw)
        return four_choices(question, fact.name, wrong_faults(fact, facts, it, draw), draw)
    question, right, wrong = ask_degree(fact, it, draw)
    return four_choices(question, right, wrong, draw)


def open_pair(fact: Fact, it: str, draw: Draw, facts: Sequence[Fact] = ()) -> Pair:
    """An open question, answered in a sentence; about all facts now and then."""
    if len(facts) > 1 and draw.number(4) == 0:
        question = draw.one(WHAT_STANDS_OUT).format(it=it, when="")
        return make_pair("open", question, None, sum_up(facts, it, draw))
    if fact.has_amount and fact.severities and fact.state is not None:
        question = ask_amount(fact, HOW_MUCH, it, draw)
    elif fact.has_amount or (draw.number(4) == 0 and fact.specific):
        tail = where_and_when(fact, draw, always=True)
        question = ask_by_form(fact, WHAT_STANDS_OUT, it, tail, draw)
    else:
        question = ask_topic(fact, it, draw)
    return make_pair("open", question, None, state_sentence(fact, it, draw))


def sum_up(facts: Sequence[Fact], it: str, draw: Draw) -> str:
    """The first facts, the good ones first; a sentence each where one has a place or time.

    In one sentence, a reader could take the place or time of one fact for that of another.
    """
    sides = [[fact for fact in facts[:4] if fact.polarity == side] for side in (1, -1)]
    clauses = [[_placed_clause(fact, it, draw) for fact in side] for side in sides if side]
    if any(fact.place or fact.when for fact in facts[:4]):
        sentences = [". ".join(map(capitalise, side)) for side in clauses]
        return ". However, ".join([sentences[0], *map(_lower_first, sentences[1:])]) + "."
    return capitalise(", but ".join(map(enumerate_words, clauses))) + "."


def _placed_clause(fact: Fact, it: str, draw: Draw) -> str:
    when = f" {fact.when}" if fact.when and not fact.frequency else ""
    return state_clause(fact, it, draw) + (f" {fact.place}" if fact.place else "") + when


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
