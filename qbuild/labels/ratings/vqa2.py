"""VQA2's score files and Q-Bench's prediction files: JSON records with a path and a score.

The path stands under `img_path`, `video_path` or `image`, the score under `mos` or `gt_score`, as
a number or as text with blanks. Q-Bench writes its objects one after another (`}{`), in no array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.labels.tables.layout import Head, Layout, LayoutTable, ReadOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PATH_KEYS = ("img_path", "video_path", "image")
SCORE_KEYS = ("mos", "gt_score")


def matches(head: Head) -> bool:
    """Whether the first record has one of the path keys and one of the score keys."""
    keys = (head.record or {}).keys()
    return not keys.isdisjoint(PATH_KEYS) and not keys.isdisjoint(SCORE_KEYS)


def read(path: Path, options: ReadOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row a record; the first of the keys that holds a value is read."""
    import pandas as pd

    from qbuild.labels.tables.json_records import read_records

    records = read_records(path)
    columns = {
        "path": [_first(record, PATH_KEYS) for record in records],
        "mos": [_first(record, SCORE_KEYS) for record in records],
    }
    return LayoutTable(
        pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()}),
        records=lambda positions: [records[at] for at in positions],
    )


def _first(record: dict[str, Any], keys: Sequence[str]) -> object:
    return next((record[key] for key in keys if record.get(key) is not None), None)


LAYOUT = Layout(
    "vqa2",
    "VQA2 and Q-Bench: JSON records with a media path and `mos` or `gt_score`",
    matches,
    read,
)
