"""Any table with named columns: CSV, TSV, JSON, JSONL, Parquet or Excel.

Columns are found by their names (see `columns.py`) or by `--columns`. A score counts upwards
unless `--direction down` is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.labels.tables.columns import DEGRADATION, MOS, PATH, cells, known, resolve, synonyms_for
from qbuild.labels.tables.layout import Head, Layout, LayoutTable, ReadOptions

if TYPE_CHECKING:
    from pathlib import Path


def matches(head: Head) -> bool:
    """Whether a column or key names a path or a score."""
    names = head.header or list(head.record or ())
    return bool(known(names, (*PATH, *MOS, DEGRADATION)))


def read(path: Path, options: ReadOptions) -> LayoutTable:
    """The table's rows under their canonical names."""
    import pandas as pd

    from qbuild.labels.tables.table import read_grid

    grid = read_grid(path)
    found = resolve(grid, synonyms_for(options), options.columns, required=("path", "mos"))
    frame = pd.DataFrame({name: cells(grid, column) for name, column in found.items()})
    return LayoutTable(frame, notes=grid.notes, records=grid.records)


LAYOUT = Layout(
    "table",
    "CSV, TSV, JSON, JSONL, Parquet or Excel with named columns",
    matches,
    read,
    heeds=("columns",),
)
