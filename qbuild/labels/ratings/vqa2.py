"""VQA²'s score files and Q-Bench's prediction files: JSON records with a path and a score.

The path is under `img_path`, `video_path` or `image`, the score under `mos` or `gt_score`, as a
number or as text with blanks. Q-Bench concatenates its objects (`}{`) without an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qbuild.labels.ratings.layout import Layout, LayoutTable
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.json_records import read_records
from qbuild.labels.tables.sniff import FilePreview

PATH_KEYS = ("img_path", "video_path", "image")
SCORE_KEYS = ("mos", "gt_score")


def matches(preview: FilePreview) -> bool:
    """Whether the first record has one of the path keys and one of the score keys."""
    keys = (preview.record or {}).keys()
    return not keys.isdisjoint(PATH_KEYS) and not keys.isdisjoint(SCORE_KEYS)


def read(path: Path, options: RatingOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row per record; of several keys, the first that holds a value is read."""
    records = read_records(path)
    columns = {
        "path": [_first_value(record, PATH_KEYS) for record in records],
        "mos": [_first_value(record, SCORE_KEYS) for record in records],
    }
    return LayoutTable.from_records(records, columns)


def _first_value(record: dict[str, Any], keys: Sequence[str]) -> object:
    return next((record[key] for key in keys if record.get(key) is not None), None)


LAYOUT = Layout("vqa2", matches, read)
