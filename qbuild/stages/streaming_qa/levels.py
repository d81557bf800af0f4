"""The level of each session, joined by media id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.engine.stage import Inputs
from qbuild.core.errors import InputError, UsageError, raise_all
from qbuild.core.rows.duplicates import Duplicates, deduplicate, find_duplicates
from qbuild.quality.arrays import Ints

LABELS = ("mos", "mos_norm", "mos_std", "level", "word", "level_probs")
_COLUMNS = ("media_id", *LABELS, "source", "split")


@dataclass(frozen=True)
class SessionLevels:
    """The duplicates among the sessions, the levels, and for each session its level's row."""

    duplicates: Duplicates
    levels: pa.Table
    level_rows: Ints  # [sessions], -1 where there is no level


def join_levels(inputs: Inputs) -> SessionLevels:
    """The level of each session; UsageError without level artifacts, InputError on conflict."""
    tables = [_plain_columns(table) for table in inputs.side_inputs("level")]
    if not tables:
        name = inputs.artifacts[0].path.name
        raise UsageError(
            "streaming-qa",
            "no level artifact is given",
            "expected the levels of the sessions as well as their stalls",
            f"Make one with `qbuild mos-to-levels {name} -o levels.parquet`, and give both.",
        )
    chunks = [c for batch in inputs.scan(["media_id"]) for c in batch.rows.column(0).chunks]
    ids: Any = pa.chunked_array(chunks, pa.string()).combine_chunks()
    wanted = [t.filter(pc.is_in(t.column("media_id"), value_set=ids)) for t in tables]
    levels = _deduplicate(pa.concat_tables(wanted))
    rows = pc.index_in(ids, value_set=levels.column("media_id").combine_chunks())
    level_rows = pc.fill_null(rows, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return SessionLevels(find_duplicates(inputs, "media_id"), levels, level_rows)


def _plain_columns(levels: pa.Table) -> pa.Table:
    """The columns that are used, as plain strings: the dictionaries of several files differ."""
    columns = {}
    for name in _COLUMNS:
        column: Any = levels.column(name)
        is_dictionary = pa.types.is_dictionary(column.type)
        columns[name] = column.cast(pa.string()) if is_dictionary else column
    return pa.table(columns)


def _deduplicate(levels: pa.Table) -> pa.Table:
    """The levels without identical rows; InputError where two rows of a session conflict."""
    numbered = enumerate(levels.to_pylist())
    unique = deduplicate(numbered, lambda item: item[1]["media_id"], lambda item: item[1])
    raise_all(_conflict([row for _, row in group]) for group in unique.conflicts)
    return levels.take(pa.array([number for number, _ in unique.kept], pa.int64()))


def _conflict(rows: list[dict[str, Any]]) -> InputError:
    first, other = rows[0], next(row for row in rows if row != rows[0])
    column = next(name for name in first if first[name] != other[name])
    return InputError(
        first["media_id"],
        f"has levels that conflict: {column} is {first[column]} and {other[column]}",
        "expected one level per session",
        "Give the levels of one run of `qbuild mos-to-levels`.",
    )
