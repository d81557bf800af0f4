"""Rejections: why a row or a file is rejected, and the rows of schema `rejected`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import canonical_json

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    # positions of rows in a batch, and their rejected rows
    PlacedRejections = tuple[NDArray[np.int64], pa.Table]


@dataclass(frozen=True)
class Rejection:
    """Why a row or a file is rejected.

    `reason` groups rejections (`^[a-z][a-z0-9-]*$`), `message` says what is wrong and what was
    expected, `column` and `value` name the invalid cell, if it is one.
    """

    reason: str
    message: str
    column: str | None = None
    value: str | None = None


class RejectedError(Exception):
    """Carries a Rejection to where the row and its file are known.

    `record` is what was read of the row or file, for the rejected row.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        column: str | None = None,
        value: str | None = None,
        record: Any = None,
    ) -> None:
        self.rejection = Rejection(reason, message, column, value)
        self.record = record
        super().__init__(reason, message, column, value, record)  # all arguments, for pickling

    @property
    def reason(self) -> str:
        """The reason of the rejection."""
        return self.rejection.reason

    @property
    def message(self) -> str:
        """The message of the rejection."""
        return self.rejection.message

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


@dataclass(frozen=True)
class RejectedRow:
    """A rejected row: the base name of its file, its number there from 1, and its JSON."""

    source: str
    row: int
    rejection: Rejection
    record: str


def rejected_table(rows: Iterable[RejectedRow]) -> pa.Table | None:
    """The rows as a table of schema `rejected`; None where there are none."""
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    cells = [
        {
            "source": rejected.source,
            "row": rejected.row,
            **vars(rejected.rejection),
            "record": rejected.record,
        }
        for rejected in rows
    ]
    return pa.Table.from_pylist(cells, schema=load_schema("rejected").arrow) if cells else None


def reject_rows(
    rows: Sequence[dict[str, Any]],
    reason: str,
    messages: Sequence[str],
    column: str | None = None,
) -> pa.Table:
    """A rejected row for each of `rows`, with its message.

    Its place is `source_file` and `source_row` of the row; without them, its number from 1.
    """
    from qbuild.core.schema import load_schema

    def rejected(number: int, row: dict[str, Any], message: str) -> RejectedRow:
        value = None if column is None or row.get(column) is None else str(row[column])
        return RejectedRow(
            row.get("source_file") or "",
            row.get("source_row") or number,
            Rejection(reason, message, column, value),
            canonical_json(row),
        )

    numbered = zip(range(1, len(rows) + 1), rows, messages, strict=True)
    table = rejected_table(rejected(*one) for one in numbered)
    return load_schema("rejected").arrow.empty_table() if table is None else table


def merge_rejections(parts: Sequence[PlacedRejections]) -> pa.Table | None:
    """The rejected rows of a batch, sorted by their positions in it; None where there are none."""
    import numpy as np
    import pyarrow as pa

    filled = [(positions, rows) for positions, rows in parts if len(positions)]
    if not filled:
        return None
    order = np.argsort(np.concatenate([positions for positions, _ in filled]))
    return pa.concat_tables([rows for _, rows in filled]).take(pa.array(order))
