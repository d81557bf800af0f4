"""The five degrees of VQA², Table 12, worst to best, and the words that express them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# The strength of a single word; a degree follows from all strengths and the polarity.
Strength = Literal["strong", "worst", "severe", "middle", "light", "good", "top", "plain"]


@dataclass(frozen=True, slots=True)
class Degree:
    """One degree; `rank` 0 worst … 4 best, `levels` at which it is mainly used (1 worst … 5)."""

    name: str
    rank: int
    words: tuple[str, ...]
    levels: tuple[int, ...]


_TABLE = (
    Degree("very severe", 0, ("very severe", "extremely severe"), (1, 2)),
    Degree("relatively severe", 1, ("relatively severe", "quite severe"), (1, 2, 3)),
    Degree("mild", 2, ("mild", "relatively slight", "merely noticeable"), (1, 2, 3, 4, 5)),
    Degree("good", 3, ("good", "relatively good"), (4, 5)),
    Degree("excellent", 4, ("excellent", "flawless"), (5,)),
)

DEGREES: dict[str, Degree] = {degree.name: degree for degree in _TABLE}

MODIFIERS: dict[Strength, str] = {
    "strong": """very, extremely, exceptionally, really, highly, severely, seriously, heavily,
        terribly, badly, incredibly, remarkably, thoroughly, overly, excessively, far too, utterly,
        intensely, massively""",
    "severe": """severe, serious, heavy, significant, significantly, obvious, obviously, pronounced,
        major, intense, strong, strongly, considerable, considerably, prominent, clearly visible,
        annoying, noticeable, noticeably, marked, markedly, large amplitude, high amplitude, dense,
        densely, distracting, substantial, a lot of, plenty of, much, many""",
    "middle": "relatively, quite, fairly, rather, reasonably, pretty, moderately, somewhat strong",
    "light": """slight, slightly, mild, mildly, minor, faint, faintly, subtle, small, tiny,
        merely noticeable, barely noticeable, barely visible, hardly noticeable, just noticeable,
        a little, a bit, a bit of, a touch of, a touch, a hint of, a trace of, a few, somewhat,
        small amount of, small amplitude, minor amplitude, low amplitude, marginal, marginally,
        not serious, not severe, not obvious""",
}

# Adjectives that judge the noun next to them, by polarity and strength.
RATINGS: dict[tuple[int, Strength], str] = {
    (1, "top"): """excellent, flawless, perfect, perfectly, outstanding, superb, impeccable,
        exceptional, faultless, first rate, very best, immaculate, excellently""",
    (1, "good"): """good, well, decent, fine, nice, great, satisfactory, pleasing, better, proper,
        appropriate, suitable, acceptable, moderate, well controlled, well maintained, improves,
        improved, impressive, solid""",
    (-1, "plain"): """poor, poorly, bad, inferior, unsatisfactory, worse, worst, disappointing,
        limited, inadequate, deteriorates, deteriorate, declines, decline, degrades, degraded, drop,
        drops, decreases, decrease, falls, suffers, reduced, diminished, unpleasant""",
    (-1, "light"): "weak",
    (-1, "worst"): "terrible, awful, horrible, dreadful, unwatchable, abysmal, unacceptable",
    (0, "middle"): "average, fair, medium, ordinary, mediocre, passable",
}

# Amounts, by sign: much of an attribute is good, much of a fault is bad.
AMOUNTS: dict[int, str] = {
    1: "high, higher, rises, rise, increases, increase, abundant",
    -1: "low, lower, little, few, minimal, negligible, scarce, lacking",
}


def degree_of(polarity: int, strengths: set[Strength]) -> str | None:
    """The degree of all that is said about one attribute; None where no word expresses one."""
    if "light" in strengths:
        return "mild"
    if polarity < 0:
        return _fault_degree(strengths)
    if polarity > 0:
        return _merit_degree(strengths)
    return None


def _fault_degree(strengths: set[Strength]) -> str | None:
    if strengths & {"strong", "worst"}:
        return "very severe"
    return "relatively severe" if strengths & {"severe", "middle"} else None


def _merit_degree(strengths: set[Strength]) -> str | None:
    if strengths & {"top", "strong"}:
        return "excellent"
    return "good" if strengths & {"good", "middle", "severe"} else None


def steps(one: str, other: str) -> int:
    """The distance of two degrees on the scale."""
    return abs(DEGREES[one].rank - DEGREES[other].rank)
