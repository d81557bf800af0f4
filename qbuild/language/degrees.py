"""The five degrees of VQA², Table 12, worst to best, and the words that express them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# The strength of a single word; a degree follows from all strengths and the polarity.
Strength = Literal[
    "strong", "worst", "severe", "middle", "moderate", "light", "good", "top", "plain"
]  # fmt: skip


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
        terribly, badly, incredibly, remarkably, thoroughly, utterly, intensely, massively,
        violently, wildly, completely, totally, entirely, absolutely, dramatically, extreme,
        hugely""",
    "severe": """severe, serious, heavy, significant, significantly, obvious, obviously,
        pronounced, major, intense, strong, strongly, considerable, considerably, prominent,
        clearly visible, annoying, noticeable, noticeably, marked, markedly, large amplitude,
        high amplitude, dense, densely, distracting, substantial, a lot of, plenty of, much,
        many, ca not be denied, can not be denied, cannot be denied, ca not be overlooked, can
        not be overlooked, cannot be overlooked, ca not be ignored, can not be ignored, cannot
        be ignored, ca not be missed, can not be missed, cannot be missed, hard to miss,
        impossible to miss, impossible to ignore, hard to ignore, hard to overlook, difficult to
        ignore, not negligible, no small amount of, no shortage of, not a little, no little,
        quite a few, quite some, disturbing, clearly noticeable""",
    "middle": "relatively, quite, fairly, rather, reasonably, pretty, somewhat strong",
    "moderate": "moderately, to some extent, to a certain extent, to a certain degree",
    "light": """slight, slightly, mild, mildly, minor, faint, faintly, subtle, small, tiny,
        merely noticeable, barely noticeable, barely visible, hardly noticeable, just
        noticeable, a little, a bit, a bit of, a touch of, a touch, a hint of, a trace of, a
        few, somewhat, small amount of, small amplitude, minor amplitude, low amplitude,
        marginal, marginally, not serious, not severe, not obvious, not disturbing, not strong,
        not heavy, not pronounced, scarcely noticeable, scarcely visible, hardly visible, barely
        perceptible, isolated, hardly worth mentioning, not worth mentioning, hard to notice,
        difficult to notice, hardly disturbing""",
}

# Adjectives that judge the noun next to them, by polarity and strength.
RATINGS: dict[tuple[int, Strength], str] = {
    (1, "top"): """excellent, flawless, perfect, perfectly, outstanding, superb, impeccable,
        could not be better, could hardly be better, second to none, exceptional, faultless,
        first rate, very best, immaculate, excellently, spot on, optimal, leaves nothing to be
        desired, leave nothing to be desired, brilliant, ideal""",
    (1, "good"): """good, well, decent, fine, nice, nicely, great, satisfactory, satisfying,
        pleasing, better, proper, appropriate, suitable, acceptable, well maintained, improves,
        improved, impressive, solid, accurate, accurately, correct, correctly, right, precise,
        precisely, reliable, reliably, reasonable, tidy, neat, neatly, interesting, appealing,
        attractive, pleasant, preserved, well preserved, retained, locked, convincing,
        sufficient, adequate, not bad, enough, strength, strong point, easy to see, easily seen,
        just right, preserves, maintained, favourable, favorable""",
    (-1, "plain"): """poor, poorly, bad, inferior, unsatisfactory, worse, worst, disappointing,
        limited, inadequate, deteriorates, deteriorate, declines, decline, degrades, degraded,
        drop, drops, decreases, decrease, falls, suffers, suffer, reduced, diminished,
        unpleasant, wrong, incorrect, incorrectly, inaccurate, inaccurately, imprecise,
        unreliable, faulty, flawed, boring, dreary, problematic, unsuitable, inappropriate,
        unconvincing, unattractive, leaves much to be desired, leaves a lot to be desired, leave
        much to be desired, leaves something to be desired, leave a lot to be desired, could be
        better, should be better, could be higher, should be higher, not good enough, subpar,
        lousy, excessive, problem, issue, weakness, weak point, careless, sloppy, amateurish,
        unfortunate, artificial, hard to see, impossible to see, difficult to see, impossible to
        make out, destroyed, ruined, scarce, questionable, flaws, flaw, errors, mistakes,
        problems, defects, issues, faults, deficiencies, weaknesses, shortcomings""",
    (-1, "light"): "weak",
    (-1, "worst"): """terrible, awful, horrible, dreadful, unwatchable, abysmal, unacceptable,
        disastrous, could not be worse, could hardly be worse, catastrophic, atrocious""",
    (0, "middle"): "average, fair, medium, ordinary, mediocre, passable, so so, middling",
    (0, "moderate"): "moderate, tolerable, bearable",
}

# Good for an attribute, bad for a fault; not a judgement of light or color.
GROWTH = "rises, rise, increases, increase, grows, grow, increased"

# Bad for an attribute; a fault that is gone was there before, and is not judged.
LOSSES = """missing, gone, lost, disappears, disappear, disappeared, vanishes, vanish, vanished,
    removed, eliminated, collapses, ceases, wears off"""

# Good for an attribute, and for a fault too: it is kept low.
CONTROLLED = """well controlled, under control, kept under control, kept in check, well
    suppressed, suppressed, well handled, well corrected, kept low, kept to a minimum, kept at a
    minimum"""

# Attributes with a right amount between too little and too much: "moderate" is good.
ADJUSTABLE = frozenset(("light", "exposure", "color", "camera trajectory"))

# Excess that follows what there is too much of.
THAN_RIGHT = """than it should be, than they should be, than it should, than necessary, than
    needed, than ideal, than desirable"""

# Too much, or too little, of whatever follows: always a fault.
EXCESS: dict[Strength, str] = {
    "plain": "too",
    "strong": """far too, much too, way too, overly, excessively, extremely too, really too,
        clearly too much""",
    "severe": "clearly too, obviously too, noticeably too, markedly too, considerably too",
    "middle": "rather too, quite too, relatively too",
    "light": """a bit too, a little bit too, a little too, slightly too, somewhat too, a touch
        too, a tad too, marginally too, just a bit too""",
}

# Amounts, by sign: much of an attribute is good, much of a fault is bad.
AMOUNTS: dict[int, str] = {
    1: "high, higher, abundant, more",
    -1: "low, lower, little, few, minimal, negligible, very few, very little",
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
    if "moderate" in strengths:
        return "mild"
    return "relatively severe" if strengths & {"severe", "middle"} else None


def _merit_degree(strengths: set[Strength]) -> str | None:
    if strengths & {"top", "strong"}:
        return "excellent"
    return "good" if strengths & {"good", "middle", "moderate", "severe"} else None


def steps(one: str, other: str) -> int:
    """The distance of two degrees on the scale."""
    return abs(DEGREES[one].rank - DEGREES[other].rank)
