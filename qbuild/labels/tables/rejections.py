"""The first rejection of each row of a table, and cells as rejected rows quote them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from qbuild.core.canonical import canonical_json
from qbuild.core.rows.rejections import RejectedRow, Rejection
from qbuild.labels.tables.cells import Numbers
from qbuild.quality.arrays import Ints, Mask

MISSING_SCORE = "missing-score"
NOT_A_NUMBER = "not-a-number"
NOT_FINITE = "not-finite"
OUT_OF_RANGE = "out-of-range"
MISSING_PATH = "missing-path"
MISSING_SUBJECT = "missing-subject"
UNSAFE_PATH = "unsafe-path"
CONFLICT = "conflict"


@dataclass
class RowRejections:
    """The first rejection of each rejected row, by its position in the table."""

    by_position: dict[int, Rejection] = field(default_factory=dict)

    def reject(
        self,
        mask: Mask,
        reason: str,
        column: str,
        cells: pd.Series[Any] | None,
        message: str,
    ) -> None:
        """Reject the rows where `mask` is true; `{value}` in the message is the cell."""
        for at in mask.nonzero()[0].tolist():
            if at not in self.by_position:
                value = None if cells is None else cell_text(cells.iloc[at])
                text = message.format(value=repr(value))
                self.by_position[at] = Rejection(reason, text, column, value)

    def reject_numbers(
        self, numbers: Numbers, column: str, cells: pd.Series[Any], *, required: bool
    ) -> None:
        """Reject cells that are not finite numbers, and empty ones where one is required."""
        if required:
            self.reject(numbers.missing, MISSING_SCORE, column, cells, "the row holds no score")
        message = "{value} is not a number; expected one such as 3.5"
        self.reject(numbers.unreadable, NOT_A_NUMBER, column, cells, message)
        self.reject(numbers.infinite, NOT_FINITE, column, cells, "{value} is not finite")

    def rows(
        self,
        source: str,
        records: Callable[[Sequence[int]], list[Any]],
        numbers: Ints | None = None,
    ) -> list[RejectedRow]:
        """The rejected rows in order; `numbers` are those of all rows, by default from 1."""
        positions = sorted(self.by_position)
        return [
            RejectedRow(
                source,
                at + 1 if numbers is None else int(numbers[at]),
                self.by_position[at],
                record_json(record),
            )
            for at, record in zip(positions, records(positions) if positions else [], strict=True)
        ]


def cell_text(cell: object) -> str | None:
    """A cell as a rejected row quotes it; None where it is empty."""
    plain = _plain(cell)
    if plain is None or isinstance(plain, str):
        return plain
    return json.dumps(plain, ensure_ascii=False)


def record_json(record: object) -> str:
    """The record as canonical JSON; NaN becomes null, infinities become text."""
    return canonical_json(_plain(record))


def _plain(value: object) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return _plain(value.tolist())
    return None if str(value) in ("<NA>", "NaT") else str(value)
