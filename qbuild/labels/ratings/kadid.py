"""KADID-10k's `dmos.csv` (Lin et al., 2019): reference, distorted image, dmos, deviation.

Despite its name, `dmos` is higher for better quality: 5 is an imperceptible difference from the
reference, 1 a very annoying one. So the default direction, up, is right. The path is that of the
distorted image. One published copy has the columns ref_name, dist_name, dmos, std, the other
dist_img, ref_img, dmos, var. `std` is the deviation of n, not n - 1, votes. `var` is read as the
same, since its first value, 0.496, equals that of `std`; a copy whose `var` holds variances would
be read wrongly.
"""

from __future__ import annotations

from pathlib import Path

from qbuild.labels.ratings.layout import Layout, LayoutTable
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.columns import column_named, has_column
from qbuild.labels.tables.sniff import FilePreview
from qbuild.labels.tables.table import read_grid

SCALE = (1.0, 5.0)


def matches(preview: FilePreview) -> bool:
    """Whether the header names a reference, a distorted image and dmos."""
    names = preview.columns
    return names >= {"ref_name", "dist_name", "dmos"} or names >= {"ref_img", "dist_img", "dmos"}


def read(path: Path, options: RatingOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row per distorted image, scores on 1 to 5."""
    grid = read_grid(path)
    name = "dist_name" if has_column(grid, "dist_name") else "dist_img"
    columns = {"path": column_named(grid, name), "mos": column_named(grid, "dmos")}
    for deviation in ("std", "var"):
        if has_column(grid, deviation):
            columns["mos_std"] = column_named(grid, deviation)
    return LayoutTable.from_grid(grid, columns, "kadid", SCALE)


LAYOUT = Layout("kadid", matches, read)
