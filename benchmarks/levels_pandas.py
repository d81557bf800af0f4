"""The peer of `mos-to-levels`: what a careful user writes with pandas, vectorised throughout.

    python benchmarks/levels_pandas.py RATINGS OUTPUT FIGURES

Same rows, same figures: identical duplicates collapse, conflicting ones are left out, levels are
cut at linspace of each dataset's own minimum and maximum, closed on the right.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

WORDS = ["Low", "Poor", "Fair", "Good", "High"]
PLACE = ["source_file", "source_row"]


def deduplicated(frame: pd.DataFrame) -> pd.DataFrame:
    """Without identical duplicates and without rows that conflict."""
    twice = frame["media_id"].duplicated(keep=False)
    if not twice.any():
        return frame
    values = [name for name in frame.columns if name not in PLACE]
    again = frame[twice].drop_duplicates(subset=values)
    good = again.drop_duplicates(subset="media_id", keep=False)
    return pd.concat([frame[~twice], good]).sort_index()


def with_levels(frame: pd.DataFrame) -> pd.DataFrame:
    """With mos_norm, level and word; each dataset on its own range."""
    groups = frame.groupby("dataset", sort=False)["mos"]
    low, high = groups.transform("min"), groups.transform("max")
    frame["mos_norm"] = (frame["mos"] - low) / (high - low) * 100.0
    level = pd.Series(0, index=frame.index, dtype="int8")
    for _, scores in groups:
        edges = np.linspace(scores.min(), scores.max(), 6)
        level[scores.index] = (
            pd.cut(scores, edges, labels=False, include_lowest=True).astype("int8") + 1
        )
    frame["level"] = level
    frame["word"] = pd.Categorical.from_codes(level - 1, WORDS)
    return frame


def figures(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Rows, SRCC, PLCC, counts of levels and flip share, a dataset."""
    found = {}
    for dataset, rows in frame.groupby("dataset", sort=False):
        mos, level = rows["mos"], rows["level"]
        edges = np.linspace(mos.min(), mos.max(), 6)[1:5]
        error = rows["mos_std"] / np.sqrt(rows["num_ratings"])
        down = np.searchsorted(edges, mos - error, side="left") + 1
        up = np.searchsorted(edges, mos + error, side="left") + 1
        found[str(dataset)] = {
            "rows": len(rows),
            "srcc": mos.corr(level, method="spearman"),
            "plcc": mos.corr(level),
            "flip_share": float(((down != level) | (up != level)).mean()),
            **{word: int((rows["word"] == word).sum()) for word in WORDS},
        }
    return found


def main() -> None:
    ratings, output, report = sys.argv[1:]
    frame = with_levels(deduplicated(pd.read_parquet(ratings)))
    Path(report).write_text(json.dumps(figures(frame)), encoding="utf-8")
    frame.to_parquet(output, index=False)


if __name__ == "__main__":
    main()
