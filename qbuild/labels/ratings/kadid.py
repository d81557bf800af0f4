"""KADID-10k's `dmos.csv` (Lin et al., 2019): reference, distorted image, dmos, deviation.

Despite its name `dmos` counts upwards: 5 is an imperceptible difference from the reference, 1 a
very annoying one. So the default direction, up, is right. The path is the distorted image.
One published copy calls its columns ref_name, dist_name, dmos, std, the other dist_img, ref_img,
dmos, var. `std` is a deviation of n, not n - 1, votes. `var` is read as the same: its first value,
0.496, is that of `std`; a copy whose `var` holds variances would come out wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.labels.tables.columns import column_of, has, spelled
from qbuild.labels.tables.layout import Head, Layout, LayoutTable, ReadOptions

if TYPE_CHECKING:
    from pathlib import Path

SCALE = (1.0, 5.0)


def matches(head: Head) -> bool:
    """Whether reference, distorted image, dmos and a deviation stand in the header."""
    names = {spelled(name) for name in head.header or []}
    return names >= {"ref_name", "dist_name", "dmos"} or names >= {"ref_img", "dist_img", "dmos"}


def read(path: Path, options: ReadOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row a distorted image, scores on 1 to 5."""
    import pandas as pd

    from qbuild.labels.tables.table import read_grid

    grid = read_grid(path)
    name = "dist_name" if has(grid, "dist_name") else "dist_img"
    columns = {"path": column_of(grid, name), "mos": column_of(grid, "dmos")}
    for deviation in ("std", "var"):
        if has(grid, deviation):
            columns["mos_std"] = column_of(grid, deviation)
    frame = pd.DataFrame(columns).assign(scale_low=SCALE[0], scale_high=SCALE[1])
    return LayoutTable(frame, default_dataset="kadid", notes=grid.notes, records=grid.records)


LAYOUT = Layout(
    "kadid",
    "KADID-10k: ref_name, dist_name, dmos (higher is better), std",
    matches,
    read,
)
