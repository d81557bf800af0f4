"""What is asked about one depiction: which templates, filled with what, in which order.

An overall depiction of a video gives quality-centric, temporal and extended pairs (VQA² section
3.4), a note on a place or moment one pair, an aspect of a generated video one; a pathway feedback,
and any depiction of an image, gives the pairs of Q-Instruct.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import row_seed
from qbuild.llm.requests import ChatRequest
from qbuild.pairs.assignment import NOTHING_ASSIGNED, Assignment, draw_want

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qbuild.core.rows.rejections import Rejection
    from qbuild.llm.requests import Parameter
    from qbuild.pairs.parse import Pair
    from qbuild.pairs.templates import Template

QUALITY, YES_NO_TASK = "vqa2/quality-centric", "q-instruct/yes-no"
VQA2 = {
    "overall": (QUALITY, "vqa2/temporal", "vqa2/extended"),
    "in-context": ("vqa2/in-context",),
    "conversation": ("vqa2/conversation",),
    "aspect": ("vqa2/aspect",),
}
Q_INSTRUCT = ("q-instruct/what-how", YES_NO_TASK, "q-instruct/extended")
WHAT_HOW, DISTRACTORS = "q-instruct/what-how", "q-instruct/distractors"
NO_ANSWER = "(no answer)"  # servers reject an empty turn
AREAS = ("cause", "photography advice", "restoration tools", "audience", "other")
# Exactly one pair of tags surrounds the notes: no depiction can close its own.
_TAG = re.compile(r"<\s?/?\s?notes\s?>", re.IGNORECASE)


@dataclass(frozen=True)
class Task:
    """One template and the values of its slots for one depiction.

    `want` is the right answer of a yes/no pair, Yes or No.
    """

    template: Template
    depiction: Mapping[str, Any]
    want: str
    slots: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The template's id."""
        return self.template.id


@dataclass(frozen=True)
class Style:
    """How every request is sent: model, form of the answer, parameters."""

    model: str
    structured: bool
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True)
class Retry:
    """An unusable answer and the reasons: sent back with the next request."""

    raw: str
    rejections: tuple[Rejection, ...]


def template_ids(kind: str, medium: str, *, joined: bool = False) -> tuple[str, ...]:
    """The templates for a depiction of that kind, of an image or a video.

    `joined`: all aspects of a generated video as one depiction, which needs no temporal pair.
    """
    if joined:
        return (QUALITY, "vqa2/extended")
    if kind == "pathway" or (kind == "overall" and medium == "image"):
        return Q_INSTRUCT
    return VQA2[kind]


def template_ids_of(depiction: Mapping[str, Any]) -> tuple[str, ...]:
    """The templates for a depiction."""
    joined = depiction["kind"] == "aspect" and depiction["aspect"] is None
    return template_ids(depiction["kind"], depiction["medium"], joined=joined)


def asks_yes_no(depiction: Mapping[str, Any]) -> bool:
    """Whether a yes/no question is asked about a depiction."""
    return not {QUALITY, YES_NO_TASK}.isdisjoint(template_ids_of(depiction))


def tasks_of(
    depiction: Mapping[str, Any],
    templates: Mapping[str, Template],
    seed: int,
    assigned: Assignment = NOTHING_ASSIGNED,
) -> list[Task]:
    """The tasks of a depiction, in order; a task that is not assigned is drawn independently."""
    own_id = depiction["depiction_id"]
    slots = {
        name: _TAG.sub("(notes)", str(depiction[name] if depiction[name] is not None else ""))
        for name in ("text", "question", "aspect", "aspect_level")
    }
    slots["medium"] = "picture" if depiction["medium"] == "image" else "video"
    slots["area"] = AREAS[row_seed(seed, own_id, "area") % len(AREAS)]
    want = assigned.wants.get(own_id) or draw_want(own_id, seed)
    names = template_ids_of(depiction)
    if own_id in assigned.without_extended:
        names = tuple(name for name in names if name != Q_INSTRUCT[-1])
    return [Task(templates[name], depiction, want, {**slots, "want": want}) for name in names]


def distractor_task(task: Task, pair: Pair, templates: Mapping[str, Template]) -> Task:
    """The request for three wrong choices to a what or how question."""
    slots = {**task.slots, "question": pair.question, "answer": pair.answer}
    return Task(templates[DISTRACTORS], task.depiction, task.want, slots)


def request_of(task: Task, style: Style, retries: tuple[Retry, ...] = ()) -> ChatRequest:
    """The request for a task, with the earlier answers and what was wrong with each."""
    messages = list(task.template.messages(task.slots, style.structured))
    for retry in retries:
        messages.append(("assistant", retry.raw.strip() or NO_ANSWER))
        messages.append(("user", _complaint(retry)))
    return ChatRequest(
        parent_id=task.depiction["depiction_id"],
        prompt=task.template.named,
        model=style.model,
        messages=tuple(messages),
        answer_schema=task.template.answer_schema if style.structured else None,
        parameters=dict(style.parameters),
    )


def _complaint(retry: Retry) -> str:
    """The message that asks for another answer; part of the request's id, never reworded."""
    lines = "\n".join(f"- {rejection.message}" for rejection in retry.rejections)
    return (
        f"This answer cannot be used:\n{lines}\n"
        "Write the whole answer again, in the same form, without these faults."
    )
