"""Temporal descriptions: the three kinds of VQA², Table 13, and which of them agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

TimeKind = Literal["overall", "in-context", "direct"]
Part = Literal[
    "throughout", "frequent", "rare", "beginning", "middle", "end", "first half", "second half"
]


@dataclass(frozen=True, slots=True)
class Time:
    """One temporal description: its kind, its words, the part of the video that it names.

    `span` is in seconds; its end is None for "from the 5th second on", and equals its start for a
    single point.
    """

    kind: TimeKind
    words: str
    part: Part | None = None
    span: tuple[float, float | None] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Words for a place in the frame."""

    words: str


# Words that do not identify a moment.
_EMPTY = frozenset((
    "the", "a", "an", "of", "to", "in", "on", "at", "is", "are", "was", "were", "be",
    "being", "been", "it", "its", "this", "that", "and", "or", "as", "by", "with", "from",
    "into", "when", "while", "whenever", "once", "after", "before", "until", "during",
    "where", "which", "who", "whose", "there", "then", "video", "clip", "camera", "cuts",
    "cut", "shot", "scene", "scenes", "moment", "part", "section", "segment", "switches",
    "switch", "switching", "switched", "moves", "move", "moving", "changes", "change",
    "changing", "turns", "turn", "goes", "go", "comes", "come", "off", "out", "up", "down",
    "over", "away", "begins", "begin", "starts", "start", "starting", "appears", "appear",
    "playback", "his", "her", "their", "them", "he", "she", "they", "has", "have", "had",
    "do", "does", "did", "doing", "one",
))  # fmt: skip


def content_words(words: str) -> frozenset[str]:
    """The words that identify a moment, without their endings."""
    tokens = re.findall(r"[a-z0-9]+", words.lower())
    return frozenset(_stem(word) for word in tokens if word not in _EMPTY and len(word) > 1)


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def same_time(claim: Time, held: Time) -> bool:
    """Whether a statement about the time `held` covers a claim about the time `claim`."""
    if claim.span is not None:
        return held.span is not None and _within(claim.span, held.span)
    if claim.part is not None and held.part is not None:
        return claim.part == held.part or {claim.part, held.part} in _NEAR
    if claim.kind == held.kind == "in-context":
        return _same_moment(content_words(claim.words), content_words(held.words))
    return False


_NEAR = ({"beginning", "first half"}, {"end", "second half"})
_SLACK = 0.5  # seconds


def _within(claim: tuple[float, float | None], held: tuple[float, float | None]) -> bool:
    end = float("inf") if held[1] is None else held[1]
    last = float("inf") if claim[1] is None else claim[1]
    return held[0] - _SLACK <= claim[0] and last <= end + _SLACK


def _same_moment(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether at least half of the words of the shorter one are in the other."""
    least = min(len(one), len(other))
    return least == 0 or 2 * len(one & other) >= least
