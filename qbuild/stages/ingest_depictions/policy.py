"""The rules of VQA² for depictions: attributes, degrees, temporal description and tone.

Appendix B.2: fourteen attributes (Table 11), degree words with the levels each is mainly for
(Table 12, meant to be flexible), a temporal description (Table 13), and by level which side is
described: High only the good, Good both with a turn between them, Fair and below only the bad.
No depiction is rejected for a violation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qbuild.language.degrees import DEGREES
from qbuild.language.mentions import Mention, read
from qbuild.stages.ingest_depictions.agreement import Sides

HIGH, GOOD = 5, 4


@dataclass(frozen=True)
class DegreeUse:
    """A degree word in a text, the attribute it qualifies, and the levels it is mainly for."""

    name: str
    attribute: str
    levels: tuple[int, ...]


@dataclass(frozen=True)
class TextFindings:
    """The statements of a text about quality.

    `sides` holds each named attribute with its side, `turn` whether the tone changes between good
    and bad, `timed` whether there is a temporal description.
    """

    sides: Sides
    timed: bool
    turn: bool
    positive: bool
    negative: bool
    degrees: tuple[DegreeUse, ...]

    def misplaced(self, level: int) -> list[DegreeUse]:
        """The degree words that are mainly for other levels."""
        return [degree for degree in self.degrees if level not in degree.levels]

    def violations(self, level: int) -> list[str]:
        """How the tone of an overall depiction deviates from the policy of its level."""
        if not (self.positive or self.negative):
            return []
        if level == GOOD:
            required = {
                "a good side": self.positive,
                "a bad side": self.negative,
                "a turn": self.turn,
            }
            return [f"expected {name}" for name, present in required.items() if not present]
        unwanted, side = (-1, "good") if level >= HIGH else (1, "bad")
        if not (self.negative if level >= HIGH else self.positive):
            return []
        attributes = [name for name, side_of in self.sides.items() if side_of == unwanted]
        names = ", ".join(attributes) or "an attribute described as both"
        return [f"expected only the {side} side; also found: {names}"]


def check_text(text: str) -> TextFindings:
    """The findings in a depiction in English; none for other languages."""
    reading = read(text)
    polarities = {mention.polarity for mention in reading.mentions}
    return TextFindings(
        sides=_sides(reading.mentions),
        timed=bool(reading.times),
        turn=any(mention.turn for mention in reading.mentions),
        positive=1 in polarities,
        negative=-1 in polarities,
        degrees=tuple(
            DegreeUse(mention.degree, mention.attribute, DEGREES[mention.degree].levels)
            for mention in reading.mentions
            if mention.degree is not None
        ),
    )


def _sides(mentions: Iterable[Mention]) -> Sides:
    polarities: dict[str, set[int]] = {}
    for mention in mentions:
        polarities.setdefault(mention.attribute, set()).add(mention.polarity)
    sides = {name: values - {0} for name, values in polarities.items()}
    return {name: next(iter(known)) if len(known) == 1 else 0 for name, known in sides.items()}
