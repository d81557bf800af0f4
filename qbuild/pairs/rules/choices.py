"""The degree of a fact as an answer with three wrong ones, and faults that are not stated."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qbuild.pairs.rules.draws import Draw
from qbuild.pairs.rules.facts import Fact
from qbuild.pairs.rules.phrases import be, capitalise, does
from qbuild.pairs.rules.sentences import IMAGE, subject_of, where_and_when
from qbuild.pairs.rules.wording import HOW_GOOD, HOW_MUCH, RATINGS, UNGRADED, WORDS

# Attributes whose faults look alike: one is not clearly a wrong choice next to another.
_ALIKE = (
    frozenset(("sharpness", "focus", "motion blur", "compression artifact")),
    frozenset(("flicker", "camera trajectory", "quality switch")),
    frozenset(("flicker", "fluency")),
    frozenset(("exposure", "light")),
    frozenset(("contents", "composition")),
)
# Faults of none of the attributes: where fewer than three of those are clearly wrong.
_OTHER_FAULTS = ("vignetting", "lens distortion", "chromatic aberration")
_LOOKS = ("picture", "colors", "lighting", "composition")
_WRONG_SEVERITIES = {
    "very severe": ("slight", "moderate", "not present at all"),
    "relatively severe": ("slight", "barely visible", "not present at all"),
    "mild": ("severe", "extremely severe", "not present at all"),
}
_WRONG_AMOUNTS = ("to a slight degree", "to a considerable degree", "to an extreme degree")
_WRONG_MODERATE = ("barely visible", "extremely severe", "not present at all")


def ask_degree(fact: Fact, it: str, draw: Draw) -> tuple[str, str, list[str]]:
    """A question after the degree of a fact, its answer in a few words, and three wrong ones."""
    tail = where_and_when(fact, draw)
    state = fact.state
    if fact.has_amount and fact.severities and state is not None:
        question = ask_amount(fact, HOW_MUCH[1:], it, draw)
        right = draw.one(fact.severities)
        wrong = _WRONG_MODERATE if "moderate" in right else _WRONG_SEVERITIES[fact.degree or "mild"]
        return question, right, list(wrong)
    if _is_graded(fact) and state is not None and draw.number(3):
        before, subject = subject_of(fact, state, it)
        plural = fact.area or state.subject
        looks = state.subject in _LOOKS
        verb = f"{does(plural)} {subject} look" if looks else f"{be(plural)} {subject}"
        question = capitalise(f"{before}how {verb}{tail}?")
        return question, _graded(fact, draw), _wrong_adjectives(fact)
    if state is not None and state.free:
        return ask_topic(fact, it, draw), "not at all", list(_WRONG_AMOUNTS)
    right = draw.one(fact.ratings)
    return ask_topic(fact, it, draw), right, _wrong_ratings(fact, draw)


def ask_amount(fact: Fact, forms: Sequence[str], it: str, draw: Draw) -> str:
    """A question after the degree of a fault: "How severe is the noise in this video?"."""
    noun, tail = fact.name, where_and_when(fact, draw)
    if fact.place:
        return f"In {it}, how severe {be(noun)} the {noun}{tail}?"
    return draw.one(forms).format(noun=noun, be=be(noun), it=it, when=tail)


def ask_topic(fact: Fact, it: str, draw: Draw) -> str:
    """A question after the quality of the fact's topic: "How is the sharpness of this video?".

    Where a fault is absent, it is the fault that is asked about.
    """
    tail = where_and_when(fact, draw)
    if fact.state is not None and fact.state.free:
        noun = fact.state.adjective.removeprefix("free of ")
        return f"To what degree does {it} show {noun}{tail}?"
    if fact.area:
        return f"In {it}, how is the {fact.topic} of the {fact.area}{tail}?"
    return draw.one(HOW_GOOD).format(topic=fact.topic, it=it, when=tail)


def _is_graded(fact: Fact) -> bool:
    """Whether adverbs fit both the adjective of the state and its opposite."""
    state = fact.state
    if state is None or not state.adjective or not state.opposite or state.amount:
        return False
    return " " not in state.adjective + state.opposite


def _graded(fact: Fact, draw: Draw) -> str:
    state = fact.state
    return f"{draw.one(fact.adverbs)} {state.adjective if state else ''}".strip()


def _wrong_adjectives(fact: Fact) -> list[str]:
    adjective, opposite = (fact.state.adjective, fact.state.opposite) if fact.state else ("", "")
    first = {
        "mild": f"extremely {adjective}",
        "very severe": f"slightly {adjective}",
    }.get(fact.grade or "", f"slightly {opposite}")
    return [first, f"quite {opposite}", f"very {opposite}"]


def _wrong_ratings(fact: Fact, draw: Draw) -> list[str]:
    """Three wrong ratings, each clearly different from the right one."""
    if fact.grade is None:
        other = UNGRADED[-fact.polarity][0]
        extreme = RATINGS["very severe" if fact.polarity > 0 else "excellent"][0]
        return [other, extreme, "average"]
    return draw.shuffled([words[0] for name, words in RATINGS.items() if name != fact.grade])[:3]


def wrong_faults(right: Fact, facts: Sequence[Fact], it: str, draw: Draw) -> list[str]:
    """Three faults that the medium could have and that no fact states.

    None looks like one that is stated.
    """
    bad = {fact.attribute for fact in facts if fact.polarity < 0}
    possible = [name for name, words in WORDS.items() if words.still or it != IMAGE]
    order = draw.shuffled([name for name in possible if name not in bad])
    clear = [name for name in order if not _is_alike(name, {right.attribute, *bad})]
    faults = [WORDS[name].fault for name in clear] + draw.shuffled(_OTHER_FAULTS)
    return faults[:3]


def _is_alike(name: str, others: Collection[str]) -> bool:
    return any(name in family and not family.isdisjoint(others) for family in _ALIKE)
