"""A text as a sequence of items: terms, times, places, plain words, commas, stops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from qbuild.language.lexicon import LEXICON, Term, term_at
from qbuild.language.time_patterns import find_times_and_places
from qbuild.language.times import Place, Time

_CAPITALS = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}
_CAPITALS |= {ord("\u00e9"): ord("e"), ord("\u00c9"): ord("e")}  # moir\u00e9
_APOSTROPHE = "'\u2019"
_STOPS = frozenset(".;!?\n\u2026\u3002\uff01\uff1f")  # the last four: …, and the CJK ones
_COMMAS = frozenset(",:()\u2014\u2013\uff0c")
_PUNCTUATION = re.escape("".join(sorted(_STOPS | _COMMAS)))
_TOKEN = re.compile(
    rf"n[{_APOSTROPHE}]t\b|[a-z]+?(?=n[{_APOSTROPHE}]t\b)|[a-z]+|\d+(?:\.\d+)?|[{_PUNCTUATION}]"
)
_NOT = tuple(_APOSTROPHE)
_MOMENT = frozenset((
    "when", "whenever", "once", "after", "before", "until", "till", "during",
))  # fmt: skip
_SUBJECT = frozenset((
    "the", "a", "an", "he", "she", "it", "they", "someone", "somebody", "people", "we",
    "his", "her", "one", "two",
))  # fmt: skip
_HEADS = frozenset((
    "scene", "scenes", "shot", "shots", "part", "section", "segment", "moment", "moments",
    "close",
))  # fmt: skip
# After "when" or "during" these begin a question, or end the clause before it began.
_ASKS = frozenset(
    ("", "do", "does", "did", "is", "are", "was", "were", "can", "could", "would", "will", "has",
     "have", "might", "may", "which", "what", *_STOPS, *_COMMAS)
)  # fmt: skip
_MAX_WORDS = 16  # of a moment; the rest is a clause of its own


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a text, with its extent."""

    kind: Literal["term", "time", "place", "word", "comma", "stop"]
    start: int
    end: int
    what: Term | Time | Place | str = ""


@dataclass(slots=True)
class _Tokens:
    """The words and punctuation of a text with their extents; a time or place is one token."""

    text: str
    words: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    marks: dict[int, Time | Place] = field(default_factory=dict)

    def add(self, word: str, start: int, end: int) -> None:
        self.words.append(word)
        self.starts.append(start)
        self.ends.append(end)


def lower_ascii(text: str) -> str:
    """The text with A to Z in lower case; every character keeps its position."""
    return text.translate(_CAPITALS)


def split_items(text: str) -> Iterator[Item]:
    """The items of a text in lower case, in order."""
    tokens = _tokens(text)
    at, count = 0, len(tokens.words)
    while at < count:
        item, at = _item(tokens, at)
        yield item


def _tokens(text: str) -> _Tokens:
    tokens, at = _Tokens(text), 0
    for start, end, what in find_times_and_places(text):
        _add_words(tokens, at, start)
        tokens.marks[len(tokens.words)] = what
        tokens.add("", start, end)
        at = end
    _add_words(tokens, at, len(text))
    return tokens


def _add_words(tokens: _Tokens, start: int, end: int) -> None:
    for token in _TOKEN.finditer(tokens.text, start, end):
        word = token[0]
        tokens.add("not" if word[0] == "n" and word[1:2] in _NOT else word, *token.span())


def _item(tokens: _Tokens, at: int) -> tuple[Item, int]:
    """The item that begins at a token, and the position after it."""
    word, start = tokens.words[at], tokens.starts[at]
    if at in tokens.marks:
        what = tokens.marks[at]
        kind: Literal["time", "place"] = "time" if isinstance(what, Time) else "place"
        return Item(kind, start, tokens.ends[at], what), at + 1
    if word in _STOPS or word in _COMMAS:
        return Item("stop" if word in _STOPS else "comma", start, tokens.ends[at]), at + 1
    if _begins_moment(tokens, at):
        return _moment(tokens, at)
    found = (Term("turn"), at + 1) if word == "while" else term_at(tokens.words, at)
    if found is None:
        return Item("word", start, tokens.ends[at], word), at + 1
    term, end = found
    return Item("term", start, tokens.ends[end - 1], term), end


def _begins_moment(tokens: _Tokens, at: int) -> bool:
    """Whether a description in context begins here."""
    word = tokens.words[at]
    after = tokens.words[at + 1 : at + 6]
    if word in _MOMENT:
        return bool(after) and after[0] not in _ASKS
    if word in ("as", "while"):
        return bool(after) and after[0] in _SUBJECT and not _judges(tokens, at + 1)
    if word in ("in", "at", "for"):
        return after[:1] == ["the"] and any(head in _HEADS for head in after[1:4])
    return False


def _judges(tokens: _Tokens, at: int) -> bool:
    """Whether the words up to the next comma or stop judge quality."""
    noun = False
    for place in range(at, min(at + _MAX_WORDS, len(tokens.words))):
        word = tokens.words[place]
        if word in _STOPS or word in _COMMAS:
            return False
        found = term_at(tokens.words, place) if word in LEXICON else None
        kind = found[0].kind if found else None
        if kind in ("fault", "quality") or (noun and kind in ("rating", "amount")):
            return True
        noun = noun or kind == "noun"
    return False


def _moment(tokens: _Tokens, at: int) -> tuple[Item, int]:
    """The description in context that begins at a token, and the position after it."""
    end = at + 1
    while end < len(tokens.words) and end - at < _MAX_WORDS and not _ends_moment(tokens, end):
        end += 1
    start, last = tokens.starts[at], tokens.ends[end - 1]
    words = tokens.text[start:last]
    return Item("time", start, last, Time("in-context", words)), end


def _ends_moment(tokens: _Tokens, at: int) -> bool:
    word = tokens.words[at]
    if word in _STOPS or word in _COMMAS or word in ("while", "which", "there"):
        return True
    if at in tokens.marks:
        return isinstance(tokens.marks[at], Time)
    if word in _MOMENT or (word == "the" and _opens_clause(tokens, at + 1)):
        return True
    found = term_at(tokens.words, at) if word in LEXICON else None
    if found is None:
        return False
    kind = found[0].kind
    return kind in ("turn", "cause") or (kind in ("and", "with") and _judges(tokens, at + 1))


def _opens_clause(tokens: _Tokens, at: int) -> bool:
    """Whether an attribute and a judgement follow: "after the cut the brightness falls"."""
    found = term_at(tokens.words, at) if at < len(tokens.words) else None
    return found is not None and found[0].kind == "noun" and _judges(tokens, at)
