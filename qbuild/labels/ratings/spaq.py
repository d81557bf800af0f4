"""SPAQ's annotations (Fang et al., 2020): Image name, MOS, attributes, scene, EXIF.

A published header holds "Brightness" twice, as a rated attribute and as an EXIF value, so only the
two columns needed are read by name. The score sheet is also published as an Excel workbook. Scores
are on 0 to 100 (observed: 2 to 96, three above 94).
"""

from __future__ import annotations

from pathlib import Path

from qbuild.labels.ratings.layout import Layout, LayoutTable
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.columns import column_named
from qbuild.labels.tables.sniff import FilePreview
from qbuild.labels.tables.table import read_grid

SCALE = (0.0, 100.0)
COLUMNS = {"image_name", "mos", "brightness", "colorfulness", "contrast", "noisiness", "sharpness"}


def matches(preview: FilePreview) -> bool:
    """Whether the header names the image, MOS and SPAQ's five attributes."""
    return preview.columns >= COLUMNS


def read(path: Path, options: RatingOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row per image, scores on 0 to 100."""
    grid = read_grid(path)
    columns = {"path": column_named(grid, "image_name"), "mos": column_named(grid, "mos")}
    return LayoutTable.from_grid(grid, columns, "spaq", SCALE)


LAYOUT = Layout("spaq", matches, read)
