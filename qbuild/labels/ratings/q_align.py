"""Q-Align's and Q-SiT's scoring data: JSON records whose `id` reads `name->score`.

`image` is the path, alone or as a list of one. Test files also hold `gt_score`, which is the
score where both stand. The answer's last word is the published level (Q-Align, section 3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.labels.tables.layout import Head, Layout, LayoutTable, ReadOptions
from qbuild.quality.published_text import ID_ARROW

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def matches(head: Head) -> bool:
    """Whether the first record has an image and a score, in its id or beside a conversation."""
    record = head.record
    if record is None or "image" not in record:
        return False
    return ID_ARROW in str(record.get("id")) or {"gt_score", "conversations"} <= record.keys()


def read(path: Path, options: ReadOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row a record; a record with several images has no path of its own."""
    from qbuild.labels.tables.json_records import read_records

    records = read_records(path)
    return LayoutTable(
        _frame(records),
        notes=_contradictions(records),
        records=lambda positions: [records[at] for at in positions],
    )


def published_words(path: Path) -> pd.DataFrame:
    """The published answers: path, score (float) and the level word that ends the answer."""
    import pandas as pd

    from qbuild.labels.tables.cells import numbers
    from qbuild.labels.tables.json_records import read_records

    records = read_records(path)
    frame = _frame(records).rename(columns={"mos": "score"})
    words = pd.Series([_last_word(record) for record in records], dtype="str")
    return frame.assign(score=numbers(frame["score"]).values, word=words)


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    columns = {
        "path": [_only(record.get("image")) for record in records],
        "mos": [_score(record) for record in records],
    }
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def _only(image: object) -> object:
    if isinstance(image, list):
        return image[0] if len(image) == 1 else None
    return image


def _score(record: dict[str, Any]) -> object:
    return _in_id(record) if record.get("gt_score") is None else record["gt_score"]


def _in_id(record: dict[str, Any]) -> str | None:
    _, arrow, score = str(record.get("id")).rpartition(ID_ARROW)
    return score if arrow else None


def _contradictions(records: list[dict[str, Any]]) -> list[str]:
    unlike = sum(_differs(_in_id(record), record.get("gt_score")) for record in records)
    return [f"{unlike} records hold another gt_score than their id says; gt_score was read"] * (
        unlike > 0
    )


def _differs(in_id: str | None, gt_score: object) -> bool:
    if in_id is None or gt_score is None:
        return False
    try:
        return float(in_id) != float(str(gt_score))
    except ValueError:
        return True


def _last_word(record: dict[str, Any]) -> str | None:
    answers = [turn for turn in record.get("conversations", []) if turn.get("from") == "gpt"]
    words = str(answers[-1].get("value")).strip().rstrip(".").split() if answers else []
    return words[-1] if words else None


LAYOUT = Layout(
    "q-align", "Q-Align and Q-SiT: JSON records with `id` = `name->score`", matches, read
)
