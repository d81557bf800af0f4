"""SPAQ's annotations (Fang et al., 2020): Image name, MOS, attributes, scene, EXIF.

"Brightness" stands twice in a published header, as a rated attribute and as an EXIF value, so
columns are taken by place and only the two needed ones by name. The score sheet is also published
as an Excel workbook. Scores lie on 0 to 100 (observed: 2 to 96, three above 94).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.labels.tables.columns import column_of, spelled
from qbuild.labels.tables.layout import Head, Layout, LayoutTable, ReadOptions

if TYPE_CHECKING:
    from pathlib import Path

SCALE = (0.0, 100.0)
COLUMNS = {"image_name", "mos", "brightness", "colorfulness", "contrast", "noisiness", "sharpness"}


def matches(head: Head) -> bool:
    """Whether SPAQ's five attributes stand beside the image's name and MOS."""
    return {spelled(name) for name in head.header or []} >= COLUMNS


def read(path: Path, options: ReadOptions) -> LayoutTable:  # noqa: ARG001 - every layout's shape
    """One row an image, scores on 0 to 100."""
    import pandas as pd

    from qbuild.labels.tables.table import read_grid

    grid = read_grid(path)
    columns = {"path": column_of(grid, "image_name"), "mos": column_of(grid, "mos")}
    frame = pd.DataFrame(columns).assign(scale_low=SCALE[0], scale_high=SCALE[1])
    return LayoutTable(frame, default_dataset="spaq", notes=grid.notes, records=grid.records)


LAYOUT = Layout("spaq", "SPAQ: Image name, MOS, attributes, scene, EXIF", matches, read)
