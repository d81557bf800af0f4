"""Questions with given answers: the choices under letters, one a line, the answer with its letter.

    Which of these is it?
    A. Noise
    B. Motion blur

The answer is `B. Motion blur`, the answer key `B`. VQA² shows the form in its figure 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def letters(count: int) -> str:
    """The letters of so many choices, `ABCD` for four; ValueError for fewer than 2 or over 26."""
    if not 2 <= count <= len(ALPHABET):
        raise ValueError(f"{count} choices; expected 2 to {len(ALPHABET)}, as each has a letter")
    return ALPHABET[:count]


def choice_text(question: str, options: Sequence[str]) -> str:
    """The question and below it the choices, each on a line with its letter.

    ValueError where a choice is blank, stands twice or is more than one line.
    """
    if len(set(options)) < len(options):
        raise ValueError(f"a choice stands twice in {list(options)}; expected different ones")
    for option in options:
        if not option.strip() or len(option.splitlines()) > 1:
            raise ValueError(f"the choice {option!r} cannot be asked; expected one line of text")
    lines = (
        answer_text(letter, option)
        for letter, option in zip(letters(len(options)), options, strict=True)
    )
    return "\n".join((question, *lines))


def answer_text(letter: str, option: str) -> str:
    """A choice with its letter: `A. Yes`."""
    return f"{letter}. {option}"
