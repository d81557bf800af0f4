"""The level words in the answers that a checkpoint was trained on, `level_words.json`.

`score` reads the logits of these words unless others are named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from qbuild.quality.published_text import ANSWER
from qbuild_backends.models.inputs import Turn
from qbuild_backends.models.saved_files import read_errors

LEVEL_WORDS = "level_words.json"
_ANSWER = re.compile(
    re.escape(ANSWER)
    .replace(r"\{aspect\}", r"\w+")
    .replace(r"\{kind\}", r"\w+")
    .replace(r"\{word\}", r"(\w+)")
)


def write_level_words(place: Path, conversations: Iterable[Iterable[Turn]], base: Path) -> None:
    """Write the words of the answers that state a level; without any, those of the base."""
    words = {
        match[1]
        for turns in conversations
        for turn in turns
        if turn.role == "assistant" and (match := _ANSWER.fullmatch(turn.text.strip()))
    } or read_level_words(base)
    if words:
        text = json.dumps(sorted(words)) + "\n"
        (place / LEVEL_WORDS).write_text(text, encoding="utf-8")


def read_level_words(place: Path) -> set[str]:
    """The words that a checkpoint was trained on; none where that is not known.

    InputError for a damaged file.
    """
    file = place / LEVEL_WORDS
    if not file.is_file():
        return set()
    with read_errors(file, "expected a list of words", "Copy or train the checkpoint again."):
        words = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError("not a list of words")
    return set(words)
