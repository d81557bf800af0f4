"""Rejected rows in the form of the schema `rejected`: what stood where, and why it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from qbuild.core.canonical import canonical_json
from qbuild.core.schema import load_schema

if TYPE_CHECKING:
    from collections.abc import Sequence


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
