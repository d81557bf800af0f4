"""Conversations of annotators: which ask for a proposal, and how their pairs are checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qbuild.pairs.parse import Pair

CONVERSATION = "vqa2/conversation"
_PROPOSES = re.compile(
    r"\b(?:(?:could|should|can|would|might)(?! (?:you|one|we|be seen|be noticed)\b)"
    r"|(?:could|should|can|would) (?:you|one|we|be) (?!rate|describe|judge|evaluate|assess|say|see"
    r"|notice|tell|call|find|seen|noticed)|improve|avoid|reduce|fix|remedy|next time)\b",
    re.IGNORECASE,
)


def asks_for_proposal(question: str) -> bool:
    """Whether the answer to a question may state what is not seen."""
    return _PROPOSES.search(question) is not None


def judged_form(task: str, question: str | None) -> str | None:
    """The form as which the pairs of a task are compared with the depiction; None: their own.

    A person's own conversation is an extended one, but unless it asks for a proposal, its answer
    states what is seen.
    """
    if task != CONVERSATION or asks_for_proposal(question or ""):
        return None
    return "open"


def read_as(task: str, pairs: Iterable[Pair]) -> Iterator[Pair]:
    """The pairs of a task; those of a person's own conversation are extended ones (VQA² 3.4).

    The template asks for them as `in-context`: its wording is part of the ids of requests.
    """
    for pair in pairs:
        yield replace(pair, form="extended") if task == CONVERSATION else pair
