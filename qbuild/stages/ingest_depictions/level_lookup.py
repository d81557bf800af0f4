"""Level and score shown to the annotators: from `level` artifacts, else from the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qbuild.core.engine.stage import Inputs
from qbuild.core.plural import plural

TOLERANCE = 0.1  # a score is shown with one decimal
_COLUMNS = ("level", "word", "mos_norm")


@dataclass
class LevelLookup:
    """The levels of media, and counts of the rows that were joined with them."""

    has_artifacts: bool = False
    by_medium: dict[str, dict[str, Any]] = field(default_factory=dict)
    joined: int = 0
    unknown: int = 0
    other_level: int = 0
    other_score: int = 0

    @classmethod
    def load(cls, inputs: Inputs) -> LevelLookup:
        """The levels of the depicted media in the side inputs; of several, the first is used."""
        depicted = {
            medium
            for batch in inputs.scan(["media_id"])
            for medium in batch.rows.column("media_id").to_pylist()
        }
        lookup = cls()
        for table in inputs.side_inputs("level"):
            lookup.has_artifacts = True
            for row in table.select(["media_id", *_COLUMNS]).to_pylist():
                medium = row.pop("media_id")
                if medium in depicted:
                    lookup.by_medium.setdefault(medium, row)
        return lookup

    def join(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with the level of the artifact instead of its own; differences are counted."""
        known = self.by_medium.get(row["media_id"])
        if known is None:
            self.unknown += self.has_artifacts
            return row
        self.joined += 1
        self.other_level += row["level"] not in (None, known["level"])
        score = row["mos_norm"]
        self.other_score += score is not None and abs(score - known["mos_norm"]) > TOLERANCE
        return {**row, **known}

    def warnings(self) -> list[str]:
        """The differences from the artifacts, for the report."""
        counts = {"another level": self.other_level, "another mos_norm": self.other_score}
        warnings = [
            f"{plural(count, 'depiction')} with {what} than the level artifact, which is used"
            for what, count in counts.items()
            if count
        ]
        if self.unknown:
            depictions = plural(self.unknown, "depiction")
            warnings.append(f"{depictions} of media that no level artifact contains")
        return warnings
