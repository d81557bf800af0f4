"""Pairs of the annotator's own conversation, and on an aspect of a generated video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qbuild.language.claims import stated
from qbuild.pairs.rules.draw import Draw
from qbuild.pairs.rules.facts import CannotMake, Fact, fact_of, facts
from qbuild.pairs.rules.quality import Pair, capital, opened, pair

# VideoFeedback's four levels, worst to best.
_LEVELS = ("bad", "average", "good", "perfect")
_ASPECT = (
    "How would you judge the {aspect} of {it}?",
    "What is the {aspect} of {it} like?",
    "How good is the {aspect} of {it}?",
    "What do you think of the {aspect} of {it}?",
    "How well does {it} do in {aspect}?",
)


def conversation_pair(depiction: Mapping[str, Any], it: str, draw: Draw) -> Pair:
    """The annotator's question and answer in other words.

    Raises CannotMake where the two together judge no attribute.
    """
    question, answer = depiction.get("question"), str(depiction["text"])
    if not question:
        raise CannotMake("no-question", "the conversation has no question")
    medium = str(depiction["medium"])
    claims = [claim.mention for claim in stated(str(question), answer).claims if not claim.denied]
    judged = [fact_of(mention, medium) for mention in claims if mention.polarity]
    held = judged or facts(answer, medium)
    return {**opened(draw.one(held), it, draw), "form": "in-context"}


def aspect_pair(depiction: Mapping[str, Any], it: str, draw: Draw) -> Pair:
    """An open question on the aspect, answered by its level and by what is seen."""
    aspect, level = depiction.get("aspect"), depiction.get("aspect_level")
    if not aspect or not level:
        raise CannotMake("no-aspect", "no aspect with a level from 1 to 4 is given")
    question = draw.one(_ASPECT).format(aspect=aspect, it=it)
    seen = [_seen(fact, draw) for fact in facts(str(depiction["text"]), "image")[:2]]
    return pair("open", question, None, f"The {aspect} is {_LEVELS[level - 1]}. {' '.join(seen)}")


def _seen(fact: Fact, draw: Draw) -> str:
    """A sentence on one fact; the clip is too short for times (appendix B.4)."""
    form = draw.one(("there is {name}.", "one sees {name}."))
    return capital(form.format(name=fact.name))
