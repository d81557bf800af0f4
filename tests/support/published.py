"""The published level words of Q-Align's and Q-SiT's scoring data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.ratings.q_align import read
from qbuild.labels.tables.cells import to_numbers
from qbuild.labels.tables.json_records import read_records


def published_words(path: Path) -> pd.DataFrame:
    """The published answers: path, score (float) and the level word that ends the answer."""
    frame = read(path, RatingOptions()).frame
    words = [_last_word(record) for record in read_records(path)]
    return frame[["path"]].assign(score=to_numbers(frame["mos"]).values, word=words)


def _last_word(record: dict[str, Any]) -> str | None:
    answers = [turn for turn in record.get("conversations", []) if turn.get("from") == "gpt"]
    words = str(answers[-1].get("value")).strip().rstrip(".").split() if answers else []
    return words[-1] if words else None
