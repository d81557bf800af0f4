"""Which rows a command takes by their split, and how many it leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from qbuild.core.errors import UsageError, suggest
from qbuild.core.plural import plural

ALL, NONE = "all", "none"  # every row; rows without a split
TRAINING = ("train", "training")  # splits to train on, in lower case
HELD_OUT = ("test", "val", "dev")  # beginnings of the names of splits not to train on
_TODO = f"Use --split NAME, --split {NONE} for rows without a split, or --split {ALL}."


def is_training(split: str | None) -> bool:
    """Whether a row is trained on by default: its split is `train` or `training`, or missing."""
    return split is None or split.lower() in TRAINING


def is_held_out(split: str) -> bool:
    """Whether a split is one of test, validation and dev sets."""
    return split.lower().startswith(HELD_OUT)


@dataclass
class SplitFilter:
    """Takes the rows of the splits in `names`; of none given, those to train on, or all rows.

    `counts` are the rows seen per split; rows without a split count under `none`.
    """

    names: tuple[str, ...] = ()
    training: bool = False  # what no name means: rows to train on, else all rows
    counts: Counter[str] = field(default_factory=Counter)

    def takes(self, split: str | None) -> bool:
        """Whether the rows of a split are taken."""
        if not self.names:
            return not self.training or is_training(split)
        return ALL in self.names or (NONE if split is None else split) in self.names

    def count(self, splits: Iterable[str | None]) -> None:
        """Count rows by their splits."""
        self.counts.update(NONE if split is None else split for split in splits)

    @property
    def taken(self) -> dict[str, int]:
        """Rows of each split that is taken, by name."""
        return {name: rows for name, rows in sorted(self.counts.items()) if self._takes(name)}

    @property
    def left_out(self) -> dict[str, int]:
        """Rows of each split that is left out, by name."""
        return {name: rows for name, rows in sorted(self.counts.items()) if not self._takes(name)}

    def check(self, where: str) -> None:
        """Raise a UsageError for a name without rows, or where no row is taken at all."""
        for name in self.names:
            if name != ALL and name not in self.counts:
                known = [one for one in self.counts if one != NONE]
                near = suggest(name, known)
                raise UsageError(
                    f"--split {name}",
                    f"no row of {where} has this split",
                    f"expected one of {format_split_counts(self.counts)}",
                    near if near.startswith("Did") else _TODO,
                )
        if self.counts and not self.taken:
            raise UsageError(
                where,
                f"holds no row to train on, only {format_split_counts(self.counts)}",
                f"expected rows of split {TRAINING[0]}, or without a split",
                _TODO,
            )

    def _takes(self, name: str) -> bool:
        return self.takes(None if name == NONE else name)


def format_split_counts(counts: Mapping[str, int]) -> str:
    """Splits with their numbers of rows, such as `test (20 rows), none (3 rows)`."""
    ordered = sorted(counts.items(), key=lambda one: (one[0] == NONE, one[0]))
    return ", ".join(f"{name} ({plural(rows, 'row')})" for name, rows in ordered)


def format_left_out(left_out: Mapping[str, int]) -> str:
    """The line of a report about rows of other splits; `""` where there are none."""
    if not left_out:
        return ""
    total = plural(sum(left_out.values()), "row")
    return f"{total} of other splits left out: {format_split_counts(left_out)}"
