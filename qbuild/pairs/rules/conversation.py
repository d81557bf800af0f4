"""Pairs of the annotator's own conversation, and on an aspect of a generated video."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from qbuild.core.rows.rejections import RejectedError
from qbuild.language.claims import read_statement
from qbuild.language.mentions import read
from qbuild.pairs.conversations import asks_for_proposal
from qbuild.pairs.rules.draws import Draw, Pair, make_pair
from qbuild.pairs.rules.extended import why_pair
from qbuild.pairs.rules.facts import Fact, fact_of, find_facts
from qbuild.pairs.rules.phrases import capitalise
from qbuild.pairs.rules.quality import open_pair
from qbuild.pairs.rules.sentences import state_clause

# VideoFeedback's four levels, worst to best.
_LEVELS = ("bad", "average", "good", "perfect")
_ASPECT = (
    "How would you judge the {aspect} of {it}?",
    "What is the {aspect} of {it} like?",
    "How good is the {aspect} of {it}?",
    "What do you think of the {aspect} of {it}?",
)
_WHY = re.compile(r"\b(?:why|reason|causes?|caused)\b", re.IGNORECASE)


def conversation_pair(depiction: Mapping[str, Any], it: str, draw: Draw) -> Pair:
    """The annotator's question and answer in other words, or their own where they propose.

    Raises RejectedError where the two together judge no attribute.
    """
    question, answer = depiction.get("question"), str(depiction["text"])
    if not question:
        raise RejectedError("no-question", "the conversation has no question")
    if asks_for_proposal(str(question)) and read(f"{question} {answer}").mentions:
        return make_pair("in-context", _own(str(question), "?"), None, _own(answer, "."))
    fact = draw.one(_judged(str(question), answer, str(depiction["medium"])))
    if _WHY.search(str(question)) and fact.reason:
        return {**why_pair(fact, it, draw), "form": "in-context"}
    return {**open_pair(fact, it, draw), "form": "in-context"}


def _judged(question: str, answer: str, medium: str) -> list[Fact]:
    """What question and answer judge together, else what only the answer judges."""
    claims = read_statement(question, answer).claims
    mentions = [claim.mention for claim in claims if not claim.denied]
    judged = [fact_of(mention, medium, answer) for mention in mentions if mention.polarity]
    return judged or find_facts(answer, medium)


def _own(text: str, end: str) -> str:
    """The person's own words with a capital letter and a mark at the end."""
    words = " ".join(text.split())
    return capitalise(words if words.endswith((".", "!", "?")) else f"{words}{end}")


def aspect_pair(depiction: Mapping[str, Any], it: str, draw: Draw) -> Pair:
    """An open question on the aspect, answered by its level and by what is seen."""
    aspect, level = depiction.get("aspect"), depiction.get("aspect_level")
    if not aspect or not level:
        raise RejectedError("no-aspect", "no aspect with a level from 1 to 4 is given")
    question = draw.one(_ASPECT).format(aspect=aspect, it=it)
    facts = find_facts(str(depiction["text"]), "image")[:2]  # the clip is too short for times
    seen = " and ".join(state_clause(fact, it, draw) for fact in facts)
    return make_pair("open", question, None, f"The {aspect} is {_LEVELS[level - 1]}: {seen}.")
