"""Ratings of one medium: identical rows collapse to the first, rows that differ conflict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from qbuild.core.rows import duplicates
from qbuild.core.rows.rejections import RejectedRow, Rejection
from qbuild.labels.tables.cells import is_null
from qbuild.labels.tables.rejections import CONFLICT, cell_text, record_json

Records = Callable[[Sequence[int]], list[Any]]

VALUES = (
    "mos", "mos_std", "num_ratings", "votes", "scale_low", "scale_high",
    "split", "licence", "source",
)  # fmt: skip
NAMED_PLACES = 5


@dataclass(frozen=True)
class UniqueRatings:
    """Rows with one media id each; `conflicts` holds the number of a file and its rejected row."""

    rows: pd.DataFrame
    collapsed: int = 0
    conflicts: list[tuple[int, RejectedRow]] = field(default_factory=list)


def deduplicate(rows: pd.DataFrame, records: list[Records]) -> UniqueRatings:
    """The unique rows; the columns `file` and `at` locate each row in `records`."""
    repeated = rows["media_id"].duplicated(keep=False)
    if not repeated.any():
        return UniqueRatings(rows)
    part = rows[repeated].reset_index()
    contents = [tuple(map(_hashable, row)) for row in part[list(VALUES)].itertuples(index=False)]
    ids = part["media_id"].tolist()
    unique = duplicates.deduplicate(range(len(part)), ids.__getitem__, contents.__getitem__)
    return UniqueRatings(
        rows.drop(index=part["index"].drop(unique.kept).tolist()),
        unique.collapsed,
        _reject(part, contents, unique.conflicts, records),
    )


def _hashable(cell: object) -> Any:
    if isinstance(cell, list):
        return tuple(cell)
    return None if is_null(cell) else cell


def _reject(
    part: pd.DataFrame,
    contents: list[tuple[Any, ...]],
    conflicts: list[list[int]],
    records: list[Records],
) -> list[tuple[int, RejectedRow]]:
    """The conflicting rows, each with the first column that differs and the others' places."""
    files, sources, numbers = (
        part[name].tolist() for name in ("file", "source_file", "source_row")
    )
    places = [f"{source} row {row}" for source, row in zip(sources, numbers, strict=True)]
    record = _original_records(part.iloc[[at for group in conflicts for at in group]], records)
    rejected = []
    for group in conflicts:
        cells = zip(*(contents[at] for at in group), strict=True)
        column = next(at for at, values in enumerate(cells) if len(set(values)) > 1)
        for at in group:
            others = _format_others(places[at], [places[other] for other in group])
            rejection = Rejection(
                CONFLICT,
                f"the same media has another {VALUES[column]} in {others}",
                VALUES[column],
                cell_text(contents[at][column]),
            )
            rejected.append(
                (files[at], RejectedRow(sources[at], numbers[at], rejection, record[at]))
            )
    return rejected


def _original_records(part: pd.DataFrame, records: list[Records]) -> dict[Any, str]:
    """The rows as their files have them, by index, read once per file."""
    by_index: dict[Any, str] = {}
    for number, rows in part.groupby("file"):
        originals = records[int(str(number))](rows["at"].tolist())
        by_index.update(zip(rows.index, map(record_json, originals), strict=True))
    return by_index


def _format_others(own: str, places: list[str]) -> str:
    """The first few places other than the row's own, and how many more there are."""
    named = [place for place in places[: NAMED_PLACES + 1] if place != own][:NAMED_PLACES]
    more = len(places) - 1 - len(named)
    return (", ".join(named) or own) + (f" and {more} more" if more > 0 else "")
