"""The level and score that annotators were shown: from the file, or from `level` artifacts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qbuild.core.plural import plural

if TYPE_CHECKING:
    from qbuild.core.engine.stage import Inputs

ROUNDED = 0.1  # a score is shown with one decimal
_COLUMNS = ("level", "word", "mos_norm")


@dataclass
class Shown:
    """Levels by medium; `tally` counts what joining them came upon."""

    given: bool = False
    by_medium: dict[str, dict[str, Any]] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, inputs: Inputs) -> Shown:
        """The levels of the depicted media, of the artifacts given beside; the first counts."""
        wanted = {
            medium
            for batch in inputs.scan(["media_id"])
            for medium in batch.rows.column("media_id").to_pylist()
        }
        shown = cls()
        for table in inputs.beside("level"):
            shown.given = True
            for row in table.select(["media_id", *_COLUMNS]).to_pylist():
                medium = row.pop("media_id")
                if medium in wanted:
                    shown.by_medium.setdefault(medium, row)
        return shown

    def join(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with the level of the artifact, which wins; disagreement is counted."""
        known = self.by_medium.get(row["media_id"])
        if known is None:
            self.tally["unknown"] += self.given
            return row
        self.tally["joined"] += 1
        self.tally["other level"] += row["level"] not in (None, known["level"])
        mos = row["mos_norm"]
        self.tally["other score"] += mos is not None and abs(mos - known["mos_norm"]) > ROUNDED
        return {**row, **known}

    def warnings(self) -> list[str]:
        """What was at odds with the artifacts, in words."""
        found = []
        for key, what in (("other level", "another level"), ("other score", "another mos_norm")):
            if count := self.tally[key]:
                many = plural(count, "depiction")
                found.append(f"{many} with {what} than the level artifact, which counts")
        if count := self.tally["unknown"]:
            found.append(f"{plural(count, 'depiction')} of media that no level artifact holds")
        return found
