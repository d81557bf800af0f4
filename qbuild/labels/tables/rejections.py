"""Why rows were rejected: one typed reason a row, with the row as it was read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from qbuild.labels.tables.cells import Numbers

MISSING_SCORE = "missing-score"
NOT_A_NUMBER = "not-a-number"
NOT_FINITE = "not-finite"
OUT_OF_RANGE = "out-of-range"
MISSING_PATH = "missing-path"
MISSING_SUBJECT = "missing-subject"
UNSAFE_PATH = "unsafe-path"
CONFLICT = "conflict"


@dataclass(frozen=True)
class Refusal:
    """What is wrong with one row: the reason's name, the words, the column and its value."""

    reason: str
    message: str
    column: str | None = None
    value: str | None = None


@dataclass
class Refusals:
    """The first thing found wrong with each row, by its position in the frame."""

    found: dict[int, Refusal] = field(default_factory=dict)

    def refuse(
        self,
        which: NDArray[np.bool_],
        reason: str,
        column: str,
        cells: pd.Series[Any] | None,
        wording: str,
    ) -> None:
        """Refuse the rows `which` is true for; `{value}` in the wording stands for the cell."""
        for at in which.nonzero()[0].tolist():
            if at not in self.found:
                value = None if cells is None else as_text(cells.iloc[at])
                message = wording.format(value=repr(value))
                self.found[at] = Refusal(reason, message, column, value)

    def refuse_numbers(
        self, number: Numbers, column: str, cells: pd.Series[Any], *, required: bool
    ) -> None:
        """Refuse the cells that are no finite number, and the empty ones where one is required."""
        if required:
            self.refuse(number.missing, MISSING_SCORE, column, cells, "the row holds no score")
        wording = "{value} is not a number; expected one such as 3.5"
        self.refuse(number.unreadable, NOT_A_NUMBER, column, cells, wording)
        self.refuse(number.infinite, NOT_FINITE, column, cells, "{value} is not finite")

    def frame(
        self, source_rows: NDArray[np.int64], records: Callable[[Sequence[int]], list[Any]]
    ) -> pd.DataFrame:
        """The refused rows in order: row, reason, message, column, value, record."""
        import pandas as pd

        at = sorted(self.found)
        columns: dict[str, Any] = {
            "row": source_rows[at],
            "reason": [self.found[place].reason for place in at],
            "message": [self.found[place].message for place in at],
            "column": [self.found[place].column for place in at],
            "value": [self.found[place].value for place in at],
            "record": [as_json(record) for record in records(at)] if at else [],
        }
        return pd.DataFrame({name: pd.Series(cells) for name, cells in columns.items()})


def as_text(cell: object) -> str | None:
    """A cell as the rejected table quotes it; None where it holds nothing."""
    plain = _plain(cell)
    if plain is None or isinstance(plain, str):
        return plain
    return json.dumps(plain, ensure_ascii=False)


def as_json(record: object) -> str:
    """The record as canonical JSON; NaN becomes null, infinities their names."""
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
