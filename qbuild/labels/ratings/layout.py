"""A layout: how a published form of rating files is recognised and read into rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd

from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.sniff import FilePreview
from qbuild.labels.tables.table import Grid


@dataclass(frozen=True)
class LayoutTable:
    """The rows of one file as its layout reads them, scores and paths still raw.

    `frame` needs the columns path and mos; it may have mos_std, num_ratings, votes (worst to
    best), scale_low, scale_high, split, dataset and source_row (the number of the record in the
    file from 1, without the header; default: the rows are the records).
    `records` returns the original records at positions of the frame, for rejected rows (default:
    the frame's rows). `rejected` holds rows that the layout itself rejected.
    """

    frame: pd.DataFrame
    default_dataset: str | None = None
    notes: Sequence[str] = ()
    records: Callable[[Sequence[int]], list[Any]] | None = None
    rejected: list[RejectedRow] = field(default_factory=list)

    @classmethod
    def from_grid(
        cls,
        grid: Grid,
        columns: dict[str, pd.Series[Any]],
        dataset: str | None = None,
        scale: tuple[float, float] | None = None,
    ) -> Self:
        """Columns of a table, by canonical name, and the scale that the layout declares."""
        frame = pd.DataFrame(columns)
        if scale is not None:
            frame = frame.assign(scale_low=scale[0], scale_high=scale[1])
        return cls(frame, dataset, grid.notes, grid.records)

    @classmethod
    def from_records(
        cls, records: list[dict[str, Any]], columns: dict[str, list[Any]], notes: Sequence[str] = ()
    ) -> Self:
        """Values of JSON records, by canonical name."""
        frame = pd.DataFrame(
            {name: pd.Series(cells, dtype=object) for name, cells in columns.items()}
        )
        return cls(frame, None, notes, lambda positions: [records[at] for at in positions])


@dataclass(frozen=True)
class Layout:
    """A published form of rating files.

    `uses` names the options (columns, screen) that the layout reads; it rejects the others.
    """

    name: str
    matches: Callable[[FilePreview], bool]
    read: Callable[[Path, RatingOptions], LayoutTable]
    uses: tuple[str, ...] = ()
