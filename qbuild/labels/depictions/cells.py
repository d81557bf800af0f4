"""Typed values from the cells of a depiction; what cannot be read is a `Fault`."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import date
from typing import Any

from qbuild.core.canonical import canonical_json
from qbuild.labels.depictions.entries import is_empty, single
from qbuild.labels.tables.rejections import OUT_OF_RANGE, Refusal, as_text
from qbuild.quality.published_text import LEVEL_WORDS

LONGEST = 200_000
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?", re.DOTALL)
_OURS = re.compile(r"a-[0-9a-f]{12}")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_ANY_WORD = {  # in capitals a word of both sets is VQA²'s
    word.casefold(): word for words in reversed(LEVEL_WORDS.values()) for word in words
}


class Fault(Exception):  # noqa: N818 - caught where the row is refused
    """Why a row is refused."""

    def __init__(self, reason: str, message: str, column: str, cell: Any = None) -> None:
        self.refusal = Refusal(reason, message, column, as_text(cell))
        super().__init__(message)


def text_of(cell: Any, column: str) -> str:
    """What was written, in NFC, with plain line ends and no blanks around it."""
    if is_empty(cell):
        raise Fault("missing-text", f"no {column} was written; expected a text", column)
    if not isinstance(cell, str):
        told = f"{as_text(cell)!r} is no text; expected what a person wrote"
        raise Fault("not-a-text", told, column, cell)
    plain = cell.replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFC", plain).strip()
    for sign in text:
        if sign not in "\n\t" and unicodedata.category(sign) == "Cc":
            told = f"the {column} holds the control character U+{ord(sign):04X}; expected text"
            raise Fault("control-character", told, column)
    if not text:
        raise Fault("missing-text", f"no {column} was written; expected a text", column)
    if len(text) > LONGEST:
        told = f"the {column} has {len(text):,} signs; expected {LONGEST:,} at most"
        raise Fault("too-long", told, column)
    return text


def day_of(cell: Any) -> str | None:
    """The day as YYYY-MM-DD, of a date with or without a time; None of an empty cell."""
    if is_empty(cell):
        return None
    found = _DAY.fullmatch(str(cell).strip())
    try:
        if found is not None:
            return date(*(int(part) for part in found.groups())).isoformat()
    except ValueError:  # such as the 30th of February: the refusal below says what was expected
        pass
    told = f"{as_text(cell)!r} is no day; expected one such as 2024-03-07"
    raise Fault("bad-date", told, "date", cell)


def number_of(cell: Any, column: str, low: float, high: float) -> float | None:
    """The number in the cell, from `low` to `high`; None of an empty cell."""
    if is_empty(cell):
        return None
    known = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    if not known and not (isinstance(cell, str) and _NUMBER.fullmatch(cell.strip())):
        told = f"{as_text(cell)!r} is not a number; expected one from {low:g} to {high:g}"
        raise Fault("not-a-number", told, column, cell)
    number = float(cell) if isinstance(cell, str) else cell
    if not low <= number <= high:  # before it is a float: JSON's whole numbers have no end
        told = f"{as_text(cell)!r} is not within {low:g} to {high:g}"
        raise Fault(OUT_OF_RANGE, told, column, cell)
    return float(number)


def whole_of(cell: Any, column: str, low: int, high: int) -> int | None:
    """The whole number in the cell, from `low` to `high`; None of an empty cell."""
    number = number_of(single(cell), column, low, high)
    if number is not None and number != int(number):
        told = f"{as_text(cell)!r} is no whole number; expected one from {low} to {high}"
        raise Fault(OUT_OF_RANGE, told, column, cell)
    return None if number is None else int(number)


def level_of(level: Any, word: Any) -> tuple[int | None, str | None]:
    """The level, 1 worst to 5 best, and its word, where one is given.

    Either cell may hold either; two that disagree are refused.
    """
    number, named = _level(single(level), "level")
    other, also = _level(single(word), "word")
    if None not in (number, other) and number != other:
        told = f"the level {level!r} is not that of the word {word!r}; expected one of them right"
        raise Fault("conflict", told, "level", level)
    return (number if number is not None else other), (also or named)


def _level(cell: Any, column: str) -> tuple[int | None, str | None]:
    if isinstance(cell, str) and not is_empty(cell) and not _NUMBER.fullmatch(cell.strip()):
        word = _word(cell.strip())
        if word is None:
            expected = ", ".join(word for words in LEVEL_WORDS.values() for word in words)
            told = f"{cell.strip()!r} is no level's word; expected 1 to 5, or {expected}"
            raise Fault("unknown-level", told, column, cell)
        return next(w.index(word) + 1 for w in LEVEL_WORDS.values() if word in w), word
    return whole_of(cell, column, 1, 5), None


def _word(text: str) -> str | None:
    known = {word for words in LEVEL_WORDS.values() for word in words}
    return text if text in known else _ANY_WORD.get(text.casefold())


def pseudonym(cell: Any, salt: str) -> str | None:
    """`a-` and twelve hexadecimal digits for a person's name; one of ours stays as it is.

    A Label Studio user is known by the number, by the address where there is no number.
    """
    if isinstance(cell, dict):
        cell = next((cell[key] for key in ("id", "email", "username") if cell.get(key)), None)
    cell = single(cell)
    if isinstance(cell, float) and cell.is_integer():  # a column with gaps makes floats of numbers
        cell = int(cell)
    if is_empty(cell):
        return None
    name = unicodedata.normalize("NFC", as_text(cell) or "").strip()
    if _OURS.fullmatch(name):
        return name
    return "a-" + hashlib.sha256(canonical_json([salt, name]).encode()).hexdigest()[:12]
