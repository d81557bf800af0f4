"""What the mock server answers to the requests of `gpt-extend`: pairs made by the rules.

A request is known by its instructions, which are those of a template that ships with qbuild; the
depiction is read out of its notes. Anything else gets the server's plain answer.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from qbuild.llm.mock.answers import default_answer
from qbuild.pairs.rules import CannotMake, rules_answer
from qbuild.pairs.tasks import DISTRACTORS, WHAT_HOW
from qbuild.pairs.templates import filled, load_templates
from qbuild.quality.choices import letters

_NOTES = re.compile(r"<notes>\n(.*)\n</notes>", re.DOTALL)
_FIELDS = {
    "question": re.compile(r"^Question: (.+)$", re.MULTILINE),
    "aspect": re.compile(r"^Aspect: (.+)$", re.MULTILINE),
    "aspect_level": re.compile(r"^Level: (\d) of 4$", re.MULTILINE),
    "answer": re.compile(r"^Right answer: (.+)$", re.MULTILINE),
    "want": re.compile(r"right answer[^:\n]*: (Yes|No)$", re.MULTILINE),
}


def depiction_answer(body: dict[str, Any]) -> str:
    """The answer to a chat completion's body, in the form it asks for."""
    messages = [str(message.get("content", "")) for message in body.get("messages", [])]
    found = _template_of(messages[0]) if len(messages) > 1 else None
    if found is None:
        return default_answer(body)
    task, medium = found
    raw = _pairs(task, medium, messages[1])
    return raw if body.get("response_format") else _as_text(json.loads(raw)["pairs"])


@cache
def _instructions() -> dict[str, tuple[str, str]]:
    return {
        filled(template.sections["Instructions"], {"medium": word}): (name, medium)
        for name, template in load_templates().items()
        for word, medium in (("picture", "image"), ("video", "video"))
    }


def _template_of(system: str) -> tuple[str, str] | None:
    for instructions, found in _instructions().items():
        if system.startswith(instructions):
            return found
    return None


def _pairs(task: str, medium: str, user: str) -> str:
    notes = _NOTES.search(user)
    said = {name: match[1] for name, form in _FIELDS.items() if (match := form.search(user))}
    text = notes[1] if notes else user
    if task == DISTRACTORS:
        wrong = [f"{said['answer']} {word}" for word in ("by day", "by night", "at dusk")]
        options = [said["answer"], *wrong]
        pair = {"form": "multi", "question": said["question"], "options": options, "answer": "A"}
        return json.dumps({"pairs": [pair]})
    if task == "vqa2/conversation":
        text = text.partition("\nAnswer: ")[2]
    row = {
        "depiction_id": None,
        "medium": medium,
        "kind": "overall",
        "text": text,
        "question": said.get("question"),
        "aspect": said.get("aspect"),
        "aspect_level": int(said["aspect_level"]) if "aspect_level" in said else None,
    }
    try:
        raw = rules_answer(task, row, 0, said.get("want", "Yes") == "Yes")
    except CannotMake:
        return json.dumps({"pairs": []})
    if task == WHAT_HOW:  # a model gives the open ones, and is asked for wrong choices apart
        pairs = [pair for pair in json.loads(raw)["pairs"] if pair["form"] == "open"]
        return json.dumps({"pairs": pairs})
    return raw


def _as_text(pairs: list[dict[str, Any]]) -> str:
    """Pairs in the text form of VQA² appendix C.1."""
    return "\n".join(_text(number, pair) for number, pair in enumerate(pairs, 1)) or "None"


def _text(number: int, pair: dict[str, Any]) -> str:
    options = pair["options"] or []
    named = dict(zip(letters(len(options)), options, strict=True)) if options else {}
    choices = "".join(f" {letter}. {option}" for letter, option in named.items())
    right = f"{pair['answer']}. {named[pair['answer']]}" if named else pair["answer"]
    return f"Question {number}:\nQuestion: {pair['question']}{choices}\nAnswer: {right}"
