"""Any table with named columns: CSV, TSV, JSON, JSONL, Parquet or Excel.

Columns are recognised by name (see `columns.py`) or named with `--columns`. A higher score is
better unless `--direction down` is given.
"""

from __future__ import annotations

from pathlib import Path

from qbuild.labels.ratings.layout import Layout, LayoutTable
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.columns import (
    DMOS,
    MOS,
    PATH,
    SYNONYMS,
    column_cells,
    find_names,
    resolve_columns,
)
from qbuild.labels.tables.sniff import FilePreview
from qbuild.labels.tables.table import read_grid


def matches(preview: FilePreview) -> bool:
    """Whether a column or key names a path or a score."""
    return bool(find_names(preview.names, (*PATH, *MOS, DMOS)))


def read(path: Path, options: RatingOptions) -> LayoutTable:
    """The table's columns by canonical name; `dmos` is a score only with `--direction down`."""
    grid = read_grid(path)
    synonyms = SYNONYMS
    if options.direction == "down":
        synonyms = SYNONYMS | {"mos": (*MOS, DMOS)}
    columns = resolve_columns(grid, synonyms, options.column_names, required=("path", "mos"))
    return LayoutTable.from_grid(
        grid, {name: column_cells(grid, column) for name, column in columns.items()}
    )


LAYOUT = Layout("table", matches, read, uses=("columns",))
