"""Multiple-choice questions: each option on a line with its letter, the answer with its letter too.

    Which of these is it?
    A. Noise
    B. Motion blur

The answer is `B. Motion blur`, the answer key `B` (VQA² figure 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase


def letters(count: int) -> str:
    """The letters of `count` options, `ABCD` for four; ValueError unless 2 ≤ count ≤ 26."""
    if not 2 <= count <= len(ascii_uppercase):
        raise ValueError(f"{count} choices; expected 2 to {len(ascii_uppercase)}, one per letter")
    return ascii_uppercase[:count]


def choice_text(question: str, options: Sequence[str]) -> str:
    """The question followed by its options, one per line with its letter.

    ValueError where an option is blank, a duplicate, or more than one line.
    """
    if len(set(options)) < len(options):
        raise ValueError(f"duplicate choices in {list(options)}; expected different ones")
    for option in options:
        if not option.strip() or len(option.splitlines()) > 1:
            raise ValueError(f"the choice {option!r} cannot be asked; expected one line of text")
    return "\n".join([question, *map(answer_text, letters(len(options)), options)])


def answer_text(letter: str, option: str) -> str:
    """An option with its letter: `A. Yes`."""
    return f"{letter}. {option}"
