"""Rejected rows in the form of the schema `rejected`: what stood where, and why it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from qbuild.core.canonical import canonical_json
from qbuild.core.schema import load_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Refused = tuple["NDArray[np.int64]", pa.Table]  # places in a batch, the rejected rows they became


def refused(
    rows: Sequence[dict[str, Any]],
    reason: str,
    messages: Sequence[str],
    column: str | None = None,
    source: str = "",
) -> pa.Table:
    """A rejected row for each of `rows`, which say themselves where they came from.

    `source_file` and `source_row` of a row name its place; else `source` and its number.
    """
    found = [
        {
            "source": row.get("source_file") or source,
            "row": row.get("source_row") or number,
            "reason": reason,
            "message": message,
            "column": column,
            "value": None if column is None or row.get(column) is None else str(row[column]),
            "record": canonical_json(row),
        }
        for number, (row, message) in enumerate(zip(rows, messages, strict=True), 1)
    ]
    return pa.Table.from_pylist(found, schema=load_schema("rejected").arrow)


def in_order(refusals: Sequence[Refused]) -> pa.Table | None:
    """The rejected rows of a batch in the order of their places, whatever refused them."""
    given = [(places, rows) for places, rows in refusals if len(places)]
    if not given:
        return None
    order = np.argsort(np.concatenate([places for places, _ in given]))
    return pa.concat_tables([rows for _, rows in given]).take(pa.array(order))
