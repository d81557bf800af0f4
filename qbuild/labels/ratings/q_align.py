"""Q-Align's and Q-SiT's scoring data: JSON records whose `id` reads `name->score`.

`image` is the path, or a list with only the path. Test files also hold `gt_score`, which is read
where a record has both. The answer's last word is the published level (Q-Align, section 3.2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qbuild.labels.ratings.layout import Layout, LayoutTable
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.json_records import read_records
from qbuild.labels.tables.sniff import FilePreview
from qbuild.quality.published_text import ID_ARROW


def matches(preview: FilePreview) -> bool:
    """Whether the first record has an image and a score, in its id or next to a conversation."""
    record = preview.record
    if record is None or "image" not in record:
        return False
    return ID_ARROW in str(record.get("id")) or {"gt_score", "conversations"} <= record.keys()


def read(path: Path, options: RatingOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row per record; a record with several images has no path."""
    records = read_records(path)
    differing = sum(_differs(_score_in_id(record), record.get("gt_score")) for record in records)
    note = f"{differing} records hold another gt_score than their id; gt_score was read"
    columns = {
        "path": [_only_image(record.get("image")) for record in records],
        "mos": [_score(record) for record in records],
    }
    return LayoutTable.from_records(records, columns, [note] if differing else [])


def _only_image(image: object) -> object:
    if isinstance(image, list):
        return image[0] if len(image) == 1 else None
    return image


def _score(record: dict[str, Any]) -> object:
    return _score_in_id(record) if record.get("gt_score") is None else record["gt_score"]


def _score_in_id(record: dict[str, Any]) -> str | None:
    _, arrow, score = str(record.get("id")).rpartition(ID_ARROW)
    return score if arrow else None


def _differs(in_id: str | None, gt_score: object) -> bool:
    if in_id is None or gt_score is None:
        return False
    try:
        return float(in_id) != float(str(gt_score))
    except ValueError:
        return True


LAYOUT = Layout("q-align", matches, read)
