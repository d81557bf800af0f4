"""Pairs of the annotator's own conversation, and on an aspect of a generated video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qbuild.core.rows.rejections import RejectedError
from qbuild.language.claims import read_statement
from qbuild.pairs.rules.facts import Fact, fact_of, find_facts
from qbuild.pairs.rules.quality import Draw, Pair, capitalise, make_pair, open_pair

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

    Raises RejectedError where the two together judge no attribute.
    """
    question, answer = depiction.get("question"), str(depiction["text"])
    if not question:
        raise RejectedError("no-question", "the conversation has no question")
    medium = str(depiction["medium"])
    claims = read_statement(str(question), answer).claims
    mentions = [claim.mention for claim in claims if not claim.denied]
    judged = [fact_of(mention, medium) for mention in mentions if mention.polarity]
    fact = draw.one(judged or find_facts(answer, medium))
    return {**open_pair(fact, it, draw), "form": "in-context"}


def aspect_pair(depiction: Mapping[str, Any], it: str, draw: Draw) -> Pair:
    """An open question on the aspect, answered by its level and by what is seen."""
    aspect, level = depiction.get("aspect"), depiction.get("aspect_level")
    if not aspect or not level:
        raise RejectedError("no-aspect", "no aspect with a level from 1 to 4 is given")
    question = draw.one(_ASPECT).format(aspect=aspect, it=it)
    facts = find_facts(str(depiction["text"]), "image")[:2]  # the clip is too short for times
    seen = " ".join(_observation(fact, draw) for fact in facts)
    return make_pair("open", question, None, f"The {aspect} is {_LEVELS[level - 1]}. {seen}")


def _observation(fact: Fact, draw: Draw) -> str:
    form = draw.one(("there is {name}.", "one sees {name}."))
    return capitalise(form.format(name=fact.name))
