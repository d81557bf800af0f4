"""What a depiction keeps to: attributes, degrees, time and tone as VQA² asked for them.

Appendix B.2: fourteen attributes (Table 11), degree words with the levels each is mainly for
(Table 12, meant to be flexible), a temporal description (Table 13), and by level which side is
described: High the good alone, Good both with a turn between them, Fair and below the bad alone.
Nothing here refuses a depiction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qbuild.language.mentions import Mention, Reading

HIGH, GOOD = 5, 4


@dataclass(frozen=True)
class Said:
    """A degree word, the attribute it is said of, and the levels it is mainly for."""

    name: str
    attribute: str
    levels: tuple[int, ...]


@dataclass(frozen=True)
class Checked:
    """What was found in a text.

    `sides` has each attribute named with its side: 1 good, -1 bad, 0 unknown or both. `degrees`
    are all that were said, `turn` a change of tone between good and bad.
    """

    sides: dict[str, int]
    timed: bool
    turn: bool
    positive: bool
    negative: bool
    degrees: tuple[Said, ...]

    def misplaced(self, level: int) -> list[Said]:
        """The degrees said that are mainly for other levels."""
        return [degree for degree in self.degrees if level not in degree.levels]

    def against_policy(self, level: int) -> list[str]:
        """What the tone of an overall depiction lacks or has too much, at this level."""
        if not (self.positive or self.negative):
            return []
        if level == GOOD:
            missing = {
                "a good side": self.positive,
                "a bad side": self.negative,
                "a turn": self.turn,
            }
            return [f"expected {name}" for name, there in missing.items() if not there]
        unwanted, side = (-1, "good") if level >= HIGH else (1, "bad")
        strays = [name for name, found in self.sides.items() if found == unwanted]
        there = self.negative if level >= HIGH else self.positive
        return [f"expected the {side} side alone; also found: {_named(strays)}"] if there else []


def check(text: str) -> Checked:
    """What is found in a depiction; nothing where it is in another language."""
    from qbuild.language.mentions import read

    reading: Reading = read(text)
    polarities = {mention.polarity for mention in reading.mentions}
    return Checked(
        sides=_sides(reading.mentions),
        timed=bool(reading.times),
        turn=any(mention.turn for mention in reading.mentions),
        positive=1 in polarities,
        negative=-1 in polarities,
        degrees=tuple(_degrees(reading.mentions)),
    )


def _sides(mentions: Iterable[Mention]) -> dict[str, int]:
    found: dict[str, set[int]] = {}
    for mention in mentions:
        found.setdefault(mention.attribute, set()).add(mention.polarity)
    sides = {name: polarities - {0} for name, polarities in found.items()}
    return {name: next(iter(known)) if len(known) == 1 else 0 for name, known in sides.items()}


def _degrees(mentions: Iterable[Mention]) -> Iterable[Said]:
    from qbuild.language.degrees import DEGREES

    for mention in mentions:
        if mention.degree is not None:
            yield Said(mention.degree, mention.attribute, DEGREES[mention.degree].levels)


def _named(attributes: list[str]) -> str:
    return ", ".join(attributes) or "an attribute said to be both"
