"""Typed values from the cells of a depiction; RejectedError for a cell that cannot be parsed."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import date
from typing import Any

from qbuild.core.canonical import canonical_json
from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.depictions.entries import is_empty, single
from qbuild.labels.tables.rejections import CONFLICT, NOT_A_NUMBER, OUT_OF_RANGE, cell_text
from qbuild.quality.published_text import LEVEL_WORDS

MAX_CHARACTERS = 200_000
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?", re.DOTALL)
_PSEUDONYM = re.compile(r"a-[0-9a-f]{12}")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WORDS = [word for words in LEVEL_WORDS.values() for word in words]
# in other capitals, a word of both sets is VQA²'s
_BY_CASEFOLD = {w.casefold(): w for words in reversed(LEVEL_WORDS.values()) for w in words}


def parse_text(cell: Any, column: str) -> str:
    """The text in NFC, trimmed, every line end a single line feed."""
    if not is_empty(cell) and not isinstance(cell, str):
        message = f"{cell_text(cell)!r} is not text; expected what a person wrote"
        raise RejectedError("not-a-text", message, column, cell_text(cell))
    plain = "" if is_empty(cell) else cell.replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFC", plain).strip()
    for character in text:
        if character not in "\n\t" and unicodedata.category(character) == "Cc":
            code = f"U+{ord(character):04X}"
            message = f"the {column} holds the control character {code}; expected text"
            raise RejectedError("control-character", message, column)
    if not text:
        raise RejectedError("missing-text", f"the {column} is empty; expected a text", column)
    if len(text) > MAX_CHARACTERS:
        message = f"the {column} has {len(text):,} characters; expected at most {MAX_CHARACTERS:,}"
        raise RejectedError("too-long", message, column)
    return text


def parse_day(cell: Any) -> str | None:
    """The day as YYYY-MM-DD, of a date with or without a time; None for an empty cell."""
    if is_empty(cell):
        return None
    parts = _DAY.fullmatch(str(cell).strip())
    try:
        if parts is not None:
            return date(*(int(part) for part in parts.groups())).isoformat()
    except ValueError:  # such as February 30, rejected below
        pass
    message = f"{cell_text(cell)!r} is not a date; expected one such as 2024-03-07"
    raise RejectedError("bad-date", message, "date", cell_text(cell))


def parse_number(cell: Any, column: str, low: float, high: float) -> float | None:
    """The number in the cell, from `low` to `high`; None for an empty cell."""
    if is_empty(cell):
        return None
    known = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    if not known and not (isinstance(cell, str) and _NUMBER.fullmatch(cell.strip())):
        message = f"{cell_text(cell)!r} is not a number; expected one from {low:g} to {high:g}"
        raise RejectedError(NOT_A_NUMBER, message, column, cell_text(cell))
    number = float(cell) if isinstance(cell, str) else cell
    if not low <= number <= high:  # compared before float(): JSON's integers have no limit
        message = f"{cell_text(cell)!r} is not within {low:g} to {high:g}"
        raise RejectedError(OUT_OF_RANGE, message, column, cell_text(cell))
    return float(number)


def parse_integer(cell: Any, column: str, low: int, high: int) -> int | None:
    """The whole number in the cell, from `low` to `high`; None for an empty cell."""
    number = parse_number(single(cell), column, low, high)
    if number is not None and number != int(number):
        message = f"{cell_text(cell)!r} is not a whole number; expected one from {low} to {high}"
        raise RejectedError(OUT_OF_RANGE, message, column, cell_text(cell))
    return None if number is None else int(number)


def parse_level(level: Any, word: Any) -> tuple[int | None, str | None]:
    """The level, 1 worst to 5 best, and its word, where one is given.

    Either cell may hold either; RejectedError where they differ.
    """
    number, level_word = _number_and_word(single(level), "level")
    word_number, own_word = _number_and_word(single(word), "word")
    if None not in (number, word_number) and number != word_number:
        message = f"the level {level!r} is not that of the word {word!r}; expected the same level"
        raise RejectedError(CONFLICT, message, "level", cell_text(level))
    return (number if number is not None else word_number), (own_word or level_word)


def _number_and_word(cell: Any, column: str) -> tuple[int | None, str | None]:
    if not isinstance(cell, str) or is_empty(cell) or _NUMBER.fullmatch(cell.strip()):
        return parse_integer(cell, column, 1, 5), None
    text = cell.strip()
    word = text if text in _WORDS else _BY_CASEFOLD.get(text.casefold())
    if word is None:
        message = f"{text!r} is not the word of a level; expected 1 to 5, or {', '.join(_WORDS)}"
        raise RejectedError("unknown-level", message, column, cell_text(cell))
    return next(w.index(word) + 1 for w in LEVEL_WORDS.values() if word in w), word


def pseudonymise(cell: Any, salt: str) -> str | None:
    """`a-` and twelve hexadecimal digits for a person's name; a pseudonym stays as it is.

    A Label Studio user is identified by the number, else by the e-mail address.
    """
    if isinstance(cell, dict):
        cell = next((cell[key] for key in ("id", "email", "username") if cell.get(key)), None)
    cell = single(cell)
    if isinstance(cell, float) and cell.is_integer():  # a column with gaps turns integers to floats
        cell = int(cell)
    if is_empty(cell):
        return None
    name = unicodedata.normalize("NFC", cell_text(cell) or "").strip()
    if _PSEUDONYM.fullmatch(name):
        return name
    return "a-" + hashlib.sha256(canonical_json([salt, name]).encode()).hexdigest()[:12]
