"""Several label files as one table of `distortion` rows, and the rejected rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from qbuild.core.engine.stage import Output
from qbuild.core.engine.tally import Tally
from qbuild.core.rows.duplicates import deduplicate
from qbuild.core.rows.rejections import RejectedRow, Rejection, rejected_table
from qbuild.core.schema import load_schema
from qbuild.labels.distortions.options import LabelOptions
from qbuild.labels.distortions.read_file import FileRows, Row, read_file
from qbuild.labels.tables.media_paths import check_strip_prefix
from qbuild.labels.tables.options import read_each
from qbuild.labels.tables.rejections import CONFLICT, cell_text, record_json

_PLACE = ("source_file", "source_row")  # a row's place is not part of its content


def read_labels(
    paths: list[Path], options: LabelOptions, limit: int | None = None
) -> Iterator[Output]:
    """All files' rows, identical ones collapsed, those that differ rejected.

    With a limit, the first usable rows, and the rejected ones before the last of them.
    """
    files = read_each(paths, lambda path: read_file(path, options), "label file")
    rows = sum(len(file.grid.frame) for file in files)
    check_strip_prefix(options, sum(file.unprefixed for file in files), rows)
    yield _merge(files, limit)


def _merge(files: list[FileRows], limit: int | None) -> Output:
    rows = [(number, row) for number, file in enumerate(files) for row in file.rows]
    unique = deduplicate(rows, lambda one: one[1]["media_id"], lambda one: _content(one[1]))
    rejected = [(number, row) for number, file in enumerate(files) for row in file.rejected]
    for group in unique.conflicts:
        rejected += _conflicts(group, files)
    rejected.sort(key=lambda one: (one[0], one[1].row))
    kept = unique.kept
    if limit is not None and limit <= len(kept):
        kept = kept[:limit]
        last = (kept[-1][0], kept[-1][1]["source_row"])
        rejected = [one for one in rejected if (one[0], one[1].row) < last]
    tally = Tally(collapsed=unique.collapsed)
    tally.add_each("note", {note for file in files for note in file.notes})
    schema = load_schema("distortion").arrow
    return Output(
        rows=pa.Table.from_pylist([row for _, row in kept], schema=schema),
        rejected=rejected_table(row for _, row in rejected),
        tally=tally,
    )


def _content(row: Row) -> str:
    return repr([value for name, value in row.items() if name not in _PLACE])


def _conflicts(
    group: list[tuple[int, Row]], files: list[FileRows]
) -> list[tuple[int, RejectedRow]]:
    """The rows of one medium as rejected rows, each with another one that differs."""
    first = group[0][1]
    other = next(row for _, row in group if _content(row) != _content(first))
    also = f"; {len(group) - 2} more rows are of this medium" if len(group) > 2 else ""
    rejected = []
    for number, row in group:
        differing = other if _content(row) == _content(first) else first
        column = next(name for name, value in row.items() if differing[name] != value)
        where = f"{differing['source_file']} row {differing['source_row']}"
        message = f"the same media has another {column} in {where}{also}; all are rejected"
        rejection = Rejection(CONFLICT, message, column, cell_text(row[column]))
        record = record_json(files[number].grid.records([row["source_row"] - 1])[0])
        place = (row["source_file"], row["source_row"])
        rejected.append((number, RejectedRow(*place, rejection, record)))
    return rejected
