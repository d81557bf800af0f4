"""Pairs in the text form of VQA² appendix C.1: `Question: … A. … B. …`, then `Answer: …`.

Models decorate it: bold marks, numbered titles, choices on lines of their own, code fences, words
before and after. The time it takes is linear in the length of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from qbuild.core.rows.rejections import RejectedError
from qbuild.quality.published_text import letters

_PLAIN = {ord("*"): None, ord("`"): None, 0xFF1A: ":"}  # bold marks, code, the full-width colon
_TITLE = re.compile(r"^[\W_]{0,9}Question[ \t]{0,3}\d{1,3}[\W_]{0,9}$", re.IGNORECASE)
_MARK = re.compile(
    r"(?:^[\W_]{0,9}(?i:(?:correct |right )?(?P<word>question|answer))"
    r"|\b(?P<inside>Question|Answer))[ \t]{0,3}\d{0,3}[ \t]{0,3}:",
    re.MULTILINE,
)
_CHOICE = re.compile(r"(?<!\S)\(?([A-H])[.):](?:\s|$)")
_LETTER = re.compile(r"(?:(?:option|choice)\s)?\(?([A-H])(?:\)?[.:]|\)|(?=\s|$))\s*", re.IGNORECASE)
_LONGEST_SHOWN = 80


def pairs_in_text(raw: str) -> list[dict[str, Any]] | None:
    """The pairs of a text as objects of the JSON form, without `form`; None where it has none.

    The text `None` alone gives an empty list.
    """
    text = raw.translate(_PLAIN).strip()
    if text.strip(" .").lower() == "none":
        return []
    lines = text.splitlines()
    pairs, question = [], ""
    for word, part in _split("\n".join("" if _TITLE.match(line) else line for line in lines)):
        if word == "question":
            question = part
        elif question:
            pairs.append(_pair(question, part))
            question = ""
    return pairs or None


def _split(text: str) -> list[tuple[str, str]]:
    marks = list(_MARK.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [
        ((mark["word"] or mark["inside"]).lower(), text[mark.end() : end].strip())
        for mark, end in zip(marks, ends, strict=False)  # without a mark there is one end more
    ]


def _pair(question_text: str, answer_text: str) -> dict[str, Any]:
    question, options = _split_choices(" ".join(question_text.split()))
    answer = answer_text.partition("\n\n")[0]
    if options is not None:
        answer = answer.partition("\n")[0]
    return {"question": question, "options": options, "answer": " ".join(answer.split())}


def _split_choices(text: str) -> tuple[str, list[str] | None]:
    """The question, and the choices where they follow it in order from A."""
    marks: list[re.Match[str]] = []
    for mark in _CHOICE.finditer(text):
        if mark[1] == "ABCDEFGH"[len(marks) : len(marks) + 1]:
            marks.append(mark)
    if len(marks) < 2:
        return text, None
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    options = [text[mark.end() : end].strip(" .-•") for mark, end in zip(marks, ends, strict=True)]
    return text[: marks[0].start()].strip(" -•"), options


def choice_letter(answer: str, options: Sequence[str]) -> str | None:
    """The letter that an answer names: alone, with its choice, or by the choice's words.

    None where it names none; RejectedError where its words are those of another choice.
    """
    plain, known = _plain(answer), letters(len(options))
    for letter, option in zip(known, options, strict=True):
        if plain == _plain(option):
            return letter
    named = _LETTER.match(answer)
    if named is None or named[1].upper() not in known:
        return None
    letter, words = named[1].upper(), _plain(answer[named.end() :])
    option = options[known.index(letter)]
    if words and not re.match(rf"{re.escape(_plain(option))}(?!\w)", words):
        choice, behind = shortened(repr(option)), shortened(repr(words))
        raise RejectedError(
            "letter", f"answer {letter} is {choice} among the choices, {behind} behind it"
        )
    return letter


def shortened(text: str) -> str:
    """The text, or its beginning where it is long; sent back to the model, so never reworded."""
    return (
        text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}… ({len(text):,} signs)"
    )


def _plain(text: str) -> str:
    return text.casefold().strip(" .")
