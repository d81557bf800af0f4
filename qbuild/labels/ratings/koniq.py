"""KonIQ-10k's scores and distributions (Hosu et al., 2020): votes c1 to c5, MOS, SD, set.

Traps; those of the copy with shares and sets are checked against the published file:
- c1..c5 are shares of `c_total` in one published copy and counts in the other; rows hold counts,
  worst to best.
- SD is the sample deviation (n - 1) of the votes, on their scale of 1 to 5, while MOS is on 0 to
  100 and not an affine map of the votes' mean. `mos_std` is 25 times SD, the ratio of the two
  nominal scales, (100 - 0) / (5 - 1); a line fitted through MOS against the votes' mean has slope
  27.8.
- In the copy with a column `MOS_zscore`, `MOS` is the votes' mean, and the MOS on 0 to 100 is
  `MOS_zscore`, which is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qbuild.labels.ratings.layout import Layout, LayoutTable
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.cells import to_numbers
from qbuild.labels.tables.columns import column_named, has_column
from qbuild.labels.tables.sniff import FilePreview
from qbuild.labels.tables.table import Grid, read_grid

VOTES = ("c1", "c2", "c3", "c4", "c5")
SCALE = (0.0, 100.0)
STD_RATIO = (SCALE[1] - SCALE[0]) / (5 - 1)


def matches(preview: FilePreview) -> bool:
    """Whether the header names the image, KonIQ's votes, MOS and SD."""
    return preview.columns >= {"image_name", *VOTES, "c_total", "mos", "sd"}


def read(path: Path, options: RatingOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row per image: MOS on 0 to 100, its deviation there, counts of votes, split."""
    grid = read_grid(path)
    columns = {
        "path": column_named(grid, "image_name"),
        "mos": column_named(grid, "mos_zscore" if has_column(grid, "mos_zscore") else "mos"),
        "mos_std": _rescale(column_named(grid, "sd")),
        "num_ratings": column_named(grid, "c_total"),
        "votes": _count_votes(grid),
    }
    if has_column(grid, "set"):
        columns["split"] = column_named(grid, "set")
    return LayoutTable.from_grid(grid, columns, "koniq", SCALE)


def _count_votes(grid: Grid) -> pd.Series[Any]:
    """Votes of each grade, worst first; None where they sum neither to 1 nor to the total."""
    votes = np.stack([to_numbers(column_named(grid, name)).values for name in VOTES], axis=1)
    total, sums = to_numbers(column_named(grid, "c_total")).values, votes.sum(axis=1)
    shares, counts = np.isclose(sums, 1, atol=1e-6), np.isclose(sums, total, atol=1e-6)
    counted = np.rint(votes * np.where(counts, 1.0, total)[:, None])  # [row, 5]
    known = (shares | counts) & np.isfinite(counted).all(axis=1)
    rows = [row if valid else None for row, valid in zip(counted.tolist(), known, strict=True)]
    return pd.Series(rows, dtype=object)


def _rescale(deviation: pd.Series[Any]) -> pd.Series[Any]:
    """The deviation on the scale of MOS; cells that are not numbers stay, to be rejected."""
    numbers = to_numbers(deviation)
    known = ~(numbers.unreadable | numbers.missing)
    rescaled = deviation.astype(object)
    rescaled[known] = numbers.values[known] * STD_RATIO
    return rescaled


LAYOUT = Layout("koniq", matches, read)
