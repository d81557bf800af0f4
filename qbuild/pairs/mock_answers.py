"""The mock server's answers to the requests of `gpt-extend`: pairs made by the rules.

A request is recognised by its instructions, which are those of a shipped template; the depiction
is read from its notes. Any other request gets the server's default answer.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from qbuild.core.rows.rejections import RejectedError
from qbuild.llm.mock.answers import default_answer
from qbuild.pairs.rules import rules_answer
from qbuild.pairs.tasks import DISTRACTORS, WHAT_HOW
from qbuild.pairs.templates import fill_slots, load_templates
from qbuild.quality.published_text import letters

_NOTES = re.compile(r"<notes>\n(.*)\n</notes>", re.DOTALL)
_FIELDS = {
    "question": re.compile(r"^Question: (.+)$", re.MULTILINE),
    "aspect": re.compile(r"^Aspect: (.+)$", re.MULTILINE),
    "aspect_level": re.compile(r"^Level: (\d) of 4$", re.MULTILINE),
    "answer": re.compile(r"^Right answer: (.+)$", re.MULTILINE),
    "want": re.compile(r"right answer[^:\n]*: (Yes|No)$", re.MULTILINE),
}


def depiction_answer(body: dict[str, Any]) -> str:
    """The answer to a chat completion's body, in the form that it asks for."""
    messages = [str(message.get("content", "")) for message in body.get("messages", [])]
    template = _find_template(messages[0]) if len(messages) > 1 else None
    if template is None:
        return default_answer(body)
    raw = _answer(*template, messages[1])
    return raw if body.get("response_format") else _as_text(json.loads(raw)["pairs"])


@cache
def _instructions() -> dict[str, tuple[str, str]]:
    return {
        fill_slots(template.sections["Instructions"], {"medium": word}): (name, medium)
        for name, template in load_templates().items()
        for word, medium in (("picture", "image"), ("video", "video"))
    }


def _find_template(system: str) -> tuple[str, str] | None:
    for instructions, task_and_medium in _instructions().items():
        if system.startswith(instructions):
            return task_and_medium
    return None


def _answer(task: str, medium: str, user: str) -> str:
    """The answer to a task as JSON; `user` is the request's message with the notes."""
    notes = _NOTES.search(user)
    fields = {name: match[1] for name, form in _FIELDS.items() if (match := form.search(user))}
    text = notes[1] if notes else user
    if task == DISTRACTORS:
        return _distractors(fields["question"], fields["answer"])
    if task == "vqa2/conversation":
        text = text.partition("\nAnswer: ")[2]
    row = {
        "depiction_id": None,
        "medium": medium,
        "kind": "overall",
        "text": text,
        "question": fields.get("question"),
        "aspect": fields.get("aspect"),
        "aspect_level": int(fields["aspect_level"]) if "aspect_level" in fields else None,
    }
    try:
        raw = rules_answer(task, row, 0, fields.get("want", "Yes") == "Yes")
    except RejectedError:
        return json.dumps({"pairs": []})
    if task == WHAT_HOW:  # a model gives the open ones, and is asked for wrong choices separately
        pairs = [pair for pair in json.loads(raw)["pairs"] if pair["form"] == "open"]
        return json.dumps({"pairs": pairs})
    return raw


def _distractors(question: str, answer: str) -> str:
    options = [answer, *(f"{answer} {word}" for word in ("by day", "by night", "at dusk"))]
    pair = {"form": "multi", "question": question, "options": options, "answer": "A"}
    return json.dumps({"pairs": [pair]})


def _as_text(pairs: list[dict[str, Any]]) -> str:
    """Pairs in the text form of VQA² appendix C.1."""
    return "\n".join(_pair_text(number, pair) for number, pair in enumerate(pairs, 1)) or "None"


def _pair_text(number: int, pair: dict[str, Any]) -> str:
    options = pair["options"] or []
    named = dict(zip(letters(len(options)), options, strict=True)) if options else {}
    choices = "".join(f" {letter}. {option}" for letter, option in named.items())
    right = f"{pair['answer']}. {named[pair['answer']]}" if named else pair["answer"]
    return f"Question {number}:\nQuestion: {pair['question']}{choices}\nAnswer: {right}"
