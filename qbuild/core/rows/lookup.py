"""Rows of artifacts by their ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from qbuild.core.schema import Schema

if TYPE_CHECKING:
    from qbuild.core.artifact.reader import Artifact

# The columns that identify a row; the first entry that a schema has.
_KEYS = (("sample_id",), ("depiction_id",), ("request_id",), ("source", "row"), ("media_id",))


def key_columns(schema: Schema) -> tuple[str, ...]:
    """The columns that identify a row of a schema; all columns where none do."""
    names = set(schema.arrow.names)
    return next((key for key in _KEYS if names.issuperset(key)), tuple(schema.arrow.names))


def id_column(schema: Schema) -> str | None:
    """The one column that identifies a row, or None (rejected rows have source and number)."""
    key = key_columns(schema)
    return key[0] if len(key) == 1 else None


def find_row(artifact: Artifact, identity: str) -> dict[str, Any] | None:
    """The first row with that id, or None."""
    column = id_column(artifact.schema)
    if column is None:
        return None
    for index in range(artifact.groups):
        at = pc.index(artifact.group(index, [column]).column(column), identity).as_py()
        if at >= 0:
            return next(iter(artifact.group(index).slice(at, 1).to_pylist()))
    return None


def iter_ids(artifact: Artifact) -> Iterator[Any]:
    """The ids of an artifact, a chunked array per row group; nothing where rows have no id."""
    column = id_column(artifact.schema)
    for index in range(artifact.groups if column else 0):
        yield artifact.group(index, [str(column)]).column(0)


def row_at(artifact: Artifact, number: int, columns: list[str]) -> dict[str, Any]:
    """Some columns of row `number`, from 0."""
    for index in range(artifact.groups):
        if number < artifact.group_rows(index):
            rows = artifact.group(index, columns).slice(number, 1).to_pylist()
            return dict(rows[0])
        number -= artifact.group_rows(index)
    raise IndexError(number)
