"""Rating files as rows of schema `rating`: one file per published layout, and any named table.

    options.py    options, names of the layouts     merge.py      all files as one table
    layout.py     the form of a layout              registry.py   which layout fits a file
    validate.py   one file as typed rows            duplicates.py collapsed and conflicting rows
    screening.py  observers left out (BT.500)

Every other file is one layout, with its `LAYOUT` at the end. Only this file and `options.py` load
without pandas and pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qbuild.core.engine.stage import Output
from qbuild.core.engine.tally import Tally
from qbuild.labels.ratings.options import RatingOptions


def read_rating_files(
    paths: list[Path], options: RatingOptions, limit: int | None = None
) -> Iterator[Output]:
    """The rows of all files for a stage, the rejected rows, and the tally of the report."""
    from qbuild.labels.ratings.merge import merge_files

    ratings = merge_files(paths, options.layout, options, limit)
    tally = Tally(collapsed=ratings.collapsed)
    tally.add_each("note", set(ratings.notes))
    yield Output(rows=ratings.rows, rejected=ratings.rejected, tally=tally)
