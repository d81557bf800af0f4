"""Rating files in, one form out: a file a published layout, and any table with named columns.

    options.py    what stages are asked for               merge.py      several files as one table
    validate.py   one file as typed rows                  screening.py  observers left out (BT.500)
    duplicates.py collapsed and conflicting rows          registry.py   which layout fits a file

Every other file is one layout, with its `LAYOUT` at the foot. Nothing here imports pandas before a
file is read.
"""

from __future__ import annotations

from qbuild.labels.ratings.merge import Ratings, read_ratings
from qbuild.labels.ratings.registry import LAYOUTS, get_layout, recognise
from qbuild.labels.tables.layout import DEFAULTS, Head, Layout, LayoutTable, ReadOptions

__all__ = [
    "DEFAULTS",
    "LAYOUTS",
    "Head",
    "Layout",
    "LayoutTable",
    "Ratings",
    "ReadOptions",
    "get_layout",
    "read_ratings",
    "recognise",
]
