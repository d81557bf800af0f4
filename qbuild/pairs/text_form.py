"""Pairs in the text form of VQA² appendix C.1: `Question: … A. … B. …`, then `Answer: …`.

Models decorate it: bold marks, numbered titles, choices on lines of their own, code fences, words
before and after. What is read here takes time in proportion to the length of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from qbuild.core.errors import shortened
from qbuild.quality.choices import letters

_PLAINER = {ord("*"): None, ord("`"): None, 0xFF1A: ":"}  # bold marks, code, the wide colon
_TITLE = re.compile(r"^[\W_]{0,9}Question[ \t]{0,3}\d{1,3}[\W_]{0,9}$", re.IGNORECASE)
_MARK = re.compile(
    r"(?:^[\W_]{0,9}(?i:(?:correct |right )?(?P<word>question|answer))"
    r"|\b(?P<inside>Question|Answer))[ \t]{0,3}\d{0,3}[ \t]{0,3}:",
    re.MULTILINE,
)
_CHOICE = re.compile(r"(?<!\S)\(?([A-H])[.):](?:\s|$)")
_LETTER = re.compile(r"(?:(?:option|choice)\s)?\(?([A-H])(?:\)?[.:]|\)|(?=\s|$))\s*", re.IGNORECASE)


class NoSuchLetterError(ValueError):
    """An answer whose letter and words are of different choices."""


def pairs_in_text(raw: str) -> list[dict[str, Any]] | None:
    """The pairs of a text as the JSON form has them, of no form; None where it holds none.

    `None` alone is an empty list.
    """
    text = raw.translate(_PLAINER).strip()
    if text.strip(" .").lower() == "none":
        return []
    lines = text.splitlines()
    pieces = _pieces("\n".join("" if _TITLE.match(line) else line for line in lines))
    found, asked = [], ""
    for word, said in pieces:
        if word == "question":
            asked = said
        elif asked:
            found.append(_pair(asked, said))
            asked = ""
    return found or None


def _pieces(text: str) -> list[tuple[str, str]]:
    """What stands behind each mark, with the word of the mark."""
    marks = list(_MARK.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [
        ((mark["word"] or mark["inside"]).lower(), text[mark.end() : end].strip())
        for mark, end in zip(marks, ends, strict=False)  # no mark, no piece
    ]


def _pair(asked: str, said: str) -> dict[str, Any]:
    question, options = _choices(" ".join(asked.split()))
    paragraph = said.partition("\n\n")[0]
    if options is None:
        return {"question": question, "options": None, "answer": " ".join(paragraph.split())}
    answer = " ".join(paragraph.partition("\n")[0].split())
    return {"question": question, "options": options, "answer": answer}


def _choices(asked: str) -> tuple[str, list[str] | None]:
    """The question, and its choices where they stand behind it in order from A."""
    marks: list[re.Match[str]] = []
    for mark in _CHOICE.finditer(asked):
        if mark[1] == "ABCDEFGH"[len(marks) : len(marks) + 1]:
            marks.append(mark)
    if len(marks) < 2:
        return asked, None
    ends = [mark.start() for mark in marks[1:]] + [len(asked)]
    options = [asked[mark.end() : end].strip(" .-•") for mark, end in zip(marks, ends, strict=True)]
    return asked[: marks[0].start()].strip(" -•"), options


def chosen(answer: str, options: Sequence[str]) -> str | None:
    """The letter that an answer names: alone, with its choice, or by the choice's words.

    None where it names none; NoSuchLetterError where the words are of another choice.
    """
    plain, known = _plain(answer), letters(len(options))
    for letter, option in zip(known, options, strict=True):
        if plain == _plain(option):
            return letter
    named = _LETTER.match(answer)
    if named is None or named[1].upper() not in known:
        return None
    letter, said = named[1].upper(), _plain(answer[named.end() :])
    meant = options[known.index(letter)]
    if said and not re.match(rf"{re.escape(_plain(meant))}(?!\w)", said):
        shown = shortened(repr(said), 80)
        raise NoSuchLetterError(
            f"answer {letter} is {shortened(repr(meant), 80)} among the choices, {shown} behind it"
        )
    return letter


def _plain(text: str) -> str:
    return text.casefold().strip(" .")
