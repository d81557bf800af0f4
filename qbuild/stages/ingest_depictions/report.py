"""The report on annotations, for each annotator and for all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from qbuild.quality.published_text import LEVEL_WORDS
from qbuild.stages.ingest_depictions.agreement import Agreement, Pairs
from qbuild.stages.ingest_depictions.policy import check

if TYPE_CHECKING:
    from qbuild.stages.ingest_depictions.policy import Checked

Row = dict[str, Any]

FEWEST_A_DAY, MOST_A_DAY = 15, 30  # videos, VQA² appendix B.5
EXAMPLES = 5
_GRADED = ("overall", "in-context", "pathway")  # kinds whose degree words are held to the level


@dataclass
class Figures:
    """What one annotator's depictions amount to, or those of all."""

    kinds: Counter[str] = field(default_factory=Counter)
    media: set[str] = field(default_factory=set)
    attributes: Counter[str] = field(default_factory=Counter)
    named: int = 0  # attributes of overall depictions, summed
    blank: int = 0  # overall depictions in which no attribute was found
    timed: Counter[str] = field(default_factory=Counter)
    degrees: Counter[str] = field(default_factory=Counter)
    degree_examples: list[Row] = field(default_factory=list)
    judged: Counter[int] = field(default_factory=Counter)
    violations: Counter[int] = field(default_factory=Counter)
    policy_examples: list[Row] = field(default_factory=list)
    days: dict[tuple[str | None, str], set[str]] = field(default_factory=dict)

    def add(self, row: Row, checked: Checked) -> None:
        """Take in one depiction with what was found in it."""
        self.kinds[row["kind"]] += 1
        self.media.add(row["media_id"])
        if row["annotated_on"] is not None:
            day = (row["annotator"], row["annotated_on"])
            self.days.setdefault(day, set()).add(row["media_id"])
        if row["kind"] == "overall":
            self._add_overall(row, checked)
        if row["kind"] in _GRADED and row["level"] is not None:
            self._add_degrees(row, checked)

    def _add_overall(self, row: Row, checked: Checked) -> None:
        self.attributes.update(checked.sides.keys())
        self.named += len(checked.sides)
        self.blank += not checked.sides
        if row["medium"] == "video":
            self.timed["of"] += 1
            self.timed["with"] += checked.timed
        level = row["level"]
        if level is None or not (checked.positive or checked.negative):
            return
        self.judged[level] += 1
        if against := checked.against_policy(level):
            self.violations[level] += 1
            example = {"depiction_id": row["depiction_id"], "level": _word(level)}
            _keep(self.policy_examples, {**example, "found": "; ".join(against)})

    def _add_degrees(self, row: Row, checked: Checked) -> None:
        misplaced = checked.misplaced(row["level"])
        self.degrees["words"] += len(checked.degrees)
        self.degrees["misplaced"] += len(misplaced)
        for degree in misplaced:
            example = {
                "depiction_id": row["depiction_id"],
                "level": _word(row["level"]),
                "degree": degree.name,
                "attribute": degree.attribute,
                "mainly_for": [_word(level) for level in degree.levels],
            }
            _keep(self.degree_examples, example)

    def report(self, pairs: Pairs) -> Row:
        """The figures as JSON values."""
        return {
            "depictions": self.kinds.total(),
            "media": len(self.media),
            "kinds": dict(sorted(self.kinds.items())),
            "attributes": _in_order(self.attributes),
            "attributes_a_depiction": _share(self.named, self.kinds["overall"]),
            "without_attributes": self.blank,
            "temporal": {
                "videos": self.timed["of"],
                "with": self.timed["with"],
                "share": _share(self.timed["with"], self.timed["of"]),
            },
            "degrees": {
                "words": self.degrees["words"],
                "misplaced": self.degrees["misplaced"],
                "examples": self.degree_examples,
            },
            "policy": {
                "judged": self.judged.total(),
                "violations": {_word(n): self.violations[n] for n in sorted(self.violations)},
                "examples": self.policy_examples,
            },
            "days": self._days(),
            "agreement": pairs.figures(),
        }

    def _days(self) -> Row | None:
        """Media a day and person; None where no date is given."""
        counts = [len(media) for media in self.days.values()]
        if not counts:
            return None
        outside = sum(not FEWEST_A_DAY <= count <= MOST_A_DAY for count in counts)
        spread = {"min": min(counts), "median": float(median(counts)), "max": max(counts)}
        return {"days": len(counts), **spread, "mean": round(fmean(counts), 6), "outside": outside}


@dataclass
class Report:
    """The figures of all annotators; those of nobody in particular stand under None."""

    each: dict[str | None, Figures] = field(default_factory=dict)
    total: Figures = field(default_factory=Figures)
    agreement: Agreement = field(default_factory=Agreement)

    def add(self, row: Row) -> None:
        """Take in one depiction."""
        checked, who = check(row["text"]), row["annotator"]
        self.total.add(row, checked)
        self.each.setdefault(who, Figures()).add(row, checked)
        if row["kind"] == "overall" and who is not None:
            self.agreement.add(row["media_id"], who, checked.sides)

    def figures(self) -> Row:
        """`totals` and `annotators`, these by pseudonym, the nameless last."""
        total, pairs = self.agreement.compared()
        order = sorted(self.each, key=lambda who: (who is None, who or ""))
        return {
            "totals": self.total.report(total),
            "annotators": [
                {"annotator": who, **self.each[who].report(pairs.get(who or "", Pairs()))}
                for who in order
            ],
        }


def _word(level: int) -> str:
    return LEVEL_WORDS["vqa2"][level - 1]


def _keep(examples: list[Row], example: Row) -> None:
    if len(examples) < EXAMPLES:
        examples.append(example)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _in_order(found: Counter[str]) -> dict[str, int]:
    """The fourteen attributes with their counts, in the order of Table 11."""
    from qbuild.language.attributes import ATTRIBUTES

    return {name: found[name] for name in ATTRIBUTES}
