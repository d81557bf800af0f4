"""The figures of the report on annotations, for each annotator and for all."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any

from qbuild.language.attributes import ATTRIBUTES
from qbuild.quality.published_text import LEVEL_WORDS
from qbuild.stages.ingest_depictions.agreement import Agreement, PairSums
from qbuild.stages.ingest_depictions.policy import TextFindings, check_text

Row = dict[str, Any]

MIN_PER_DAY, MAX_PER_DAY = 15, 30  # videos, VQA² appendix B.5
# Q-SiT section III-B: a warning after 30 images in a row, a pause at 50, 3 feedbacks per image.
WARNED_AT, PAUSED_AT, FEEDBACKS = 30, 50, 3
_CONCLUSION = re.compile(r"\bquality\b", re.IGNORECASE)
EXAMPLES = 5
_GRADED = ("overall", "in-context", "pathway")  # kinds whose degree words are compared


@dataclass
class Figures:
    """The figures of one annotator's depictions, or of all."""

    kinds: Counter[str] = field(default_factory=Counter)
    media: set[str] = field(default_factory=set)
    attributes: Counter[str] = field(default_factory=Counter)
    named: int = 0  # attributes in all overall depictions
    blank: int = 0  # overall depictions without an attribute
    timed: Counter[str] = field(default_factory=Counter)
    degrees: Counter[str] = field(default_factory=Counter)
    degree_examples: list[Row] = field(default_factory=list)
    judged: Counter[int] = field(default_factory=Counter)
    violations: Counter[int] = field(default_factory=Counter)
    policy_examples: list[Row] = field(default_factory=list)
    days: dict[tuple[str | None, str], set[str]] = field(default_factory=dict)
    pathway_days: dict[tuple[str | None, str], set[str]] = field(default_factory=dict)
    feedbacks: Counter[str] = field(default_factory=Counter)
    unconcluded: int = 0

    def add(self, row: Row, findings: TextFindings) -> None:
        """Add one depiction and the findings in its text."""
        self.kinds[row["kind"]] += 1
        self.media.add(row["media_id"])
        if row["annotated_on"] is not None:
            day = (row["annotator"], row["annotated_on"])
            days = self.pathway_days if row["kind"] == "pathway" else self.days
            days.setdefault(day, set()).add(row["media_id"])
        if row["kind"] == "pathway":
            self.feedbacks[row["media_id"]] += 1
            self.unconcluded += _CONCLUSION.search(row["text"]) is None
        if row["kind"] == "overall":
            self._add_overall(row, findings)
        if row["kind"] in _GRADED and row["level"] is not None:
            self._add_degrees(row, findings)

    def _add_overall(self, row: Row, findings: TextFindings) -> None:
        self.attributes.update(findings.sides.keys())
        self.named += len(findings.sides)
        self.blank += not findings.sides
        if row["medium"] == "video":
            self.timed["of"] += 1
            self.timed["with"] += findings.timed
        level = row["level"]
        if level is None or not (findings.positive or findings.negative):
            return
        self.judged[level] += 1
        if violations := findings.violations(level):
            self.violations[level] += 1
            example = {"depiction_id": row["depiction_id"], "level": _word(level)}
            _keep(self.policy_examples, {**example, "found": "; ".join(violations)})

    def _add_degrees(self, row: Row, findings: TextFindings) -> None:
        misplaced = findings.misplaced(row["level"])
        self.degrees["words"] += len(findings.degrees)
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

    def report(self, pairs: PairSums) -> Row:
        """The figures as JSON values."""
        return {
            "depictions": self.kinds.total(),
            "media": len(self.media),
            "kinds": dict(sorted(self.kinds.items())),
            "attributes": {name: self.attributes[name] for name in ATTRIBUTES},
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
            "pathway": self._pathway(),
            "agreement": pairs.figures(),
        }

    def _pathway(self) -> Row | None:
        """Pathway feedbacks against the limits and the policy of Q-SiT; dates show only days."""
        if not self.feedbacks:
            return None
        counts = [len(media) for media in self.pathway_days.values()]
        return {
            "days": len(counts),
            "warned": sum(count > WARNED_AT for count in counts),
            "paused": sum(count > PAUSED_AT for count in counts),
            "without_conclusion": self.unconcluded,
            "images": len(self.feedbacks),
            "few_feedbacks": sum(count < FEEDBACKS for count in self.feedbacks.values()),
        }

    def _days(self) -> Row | None:
        counts = [len(media) for media in self.days.values()]
        if not counts:
            return None
        outside = sum(not MIN_PER_DAY <= count <= MAX_PER_DAY for count in counts)
        span = {"min": min(counts), "median": float(median(counts)), "max": max(counts)}
        return {"days": len(counts), **span, "mean": round(fmean(counts), 6), "outside": outside}


@dataclass
class Report:
    """The figures of all annotators; None is the key of depictions without annotator."""

    each: dict[str | None, Figures] = field(default_factory=dict)
    total: Figures = field(default_factory=Figures)
    agreement: Agreement = field(default_factory=Agreement)

    def add(self, row: Row) -> None:
        """Add one depiction."""
        findings, who = check_text(row["text"]), row["annotator"]
        self.total.add(row, findings)
        self.each.setdefault(who, Figures()).add(row, findings)
        if row["kind"] == "overall" and who is not None:
            self.agreement.add(row["media_id"], who, findings.sides)

    def figures(self) -> Row:
        """`totals` and `annotators`, these by pseudonym, depictions without annotator last."""
        total, pairs = self.agreement.compare()
        order = sorted(self.each, key=lambda who: (who is None, who or ""))
        return {
            "totals": self.total.report(total),
            "annotators": [
                {"annotator": who, **self.each[who].report(pairs.get(who or "", PairSums()))}
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
