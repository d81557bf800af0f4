"""KonIQ-10k's scores and distributions (Hosu et al., 2020): votes c1 to c5, MOS, SD, set.

Traps; those of the copy with shares and sets are checked against the published file:
- c1..c5 are shares of `c_total` in one published copy and counts in the other; rows come out
  with counts, worst to best.
- SD is the sample deviation (n - 1) of the votes, on their scale of 1 to 5, while MOS lies on 0 to
  100 and is no affine map of the votes' mean. `mos_std` is 25 times SD, the ratio of the two
  nominal scales, (100 - 0) / (5 - 1); a line fitted through MOS against the votes' mean has slope
  27.8.
- The copy with a column `MOS_zscore` keeps the votes' mean under `MOS`; the MOS on 0 to 100 is
  `MOS_zscore` there, and that is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.labels.tables.columns import column_of, has, spelled
from qbuild.labels.tables.layout import Head, Layout, LayoutTable, ReadOptions

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from qbuild.labels.tables.table import Grid

VOTES = ("c1", "c2", "c3", "c4", "c5")
SCALE = (0.0, 100.0)
STD_RATIO = (SCALE[1] - SCALE[0]) / (5 - 1)


def matches(head: Head) -> bool:
    """Whether all of KonIQ's vote columns, MOS and SD stand in the header."""
    return {"image_name", *VOTES, "c_total", "mos", "sd"} <= {
        spelled(name) for name in head.header or []
    }


def read(path: Path, options: ReadOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row an image: MOS on 0 to 100, its deviation there, counts of votes, split."""
    import pandas as pd

    from qbuild.labels.tables.table import read_grid

    grid = read_grid(path)
    columns = {
        "path": column_of(grid, "image_name"),
        "mos": column_of(grid, "mos_zscore" if has(grid, "mos_zscore") else "mos"),
        "mos_std": _rescaled(column_of(grid, "sd")),
        "num_ratings": column_of(grid, "c_total"),
        "votes": _counts(grid),
    }
    if has(grid, "set"):
        columns["split"] = column_of(grid, "set")
    frame = pd.DataFrame(columns).assign(scale_low=SCALE[0], scale_high=SCALE[1])
    return LayoutTable(frame, default_dataset="koniq", notes=grid.notes, records=grid.records)


def _counts(grid: Grid) -> pd.Series[Any]:
    """Votes of each grade, worst first; nothing where they add up neither to 1 nor to the total."""
    import numpy as np
    import pandas as pd

    from qbuild.labels.tables.cells import numbers

    votes = np.stack([numbers(column_of(grid, name)).values for name in VOTES], axis=1)  # [row, 5]
    total, added = numbers(column_of(grid, "c_total")).values, votes.sum(axis=1)
    shares, counts = np.isclose(added, 1, atol=1e-6), np.isclose(added, total, atol=1e-6)
    counted = np.rint(votes * np.where(counts, 1.0, total)[:, None])
    known = (shares | counts) & np.isfinite(counted).all(axis=1)
    rows = [row if fine else None for row, fine in zip(counted.tolist(), known, strict=True)]
    return pd.Series(rows, dtype=object)


def _rescaled(deviation: pd.Series[Any]) -> pd.Series[Any]:
    """The deviation on the scale of MOS; a cell that is no number stays, to be rejected."""
    from qbuild.labels.tables.cells import numbers

    number = numbers(deviation)
    kept = deviation.astype(object)
    kept[~(number.unreadable | number.missing)] = (
        number.values[~(number.unreadable | number.missing)] * STD_RATIO
    )
    return kept


LAYOUT = Layout(
    "koniq",
    "KonIQ-10k: votes c1 to c5, their number, MOS, SD, set",
    matches,
    read,
)
