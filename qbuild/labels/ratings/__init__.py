"""Rating files as rows of schema `rating`: one file per published layout, and any named table.

    options.py    options of the stages             merge.py      all files as one table
    layout.py     the form of a layout              registry.py   which layout fits a file
    validate.py   one file as typed rows            duplicates.py collapsed and conflicting rows
    screening.py  observers left out (BT.500)

Every other file is one layout, with its `LAYOUT` at the end. Nothing here imports pandas before a
file is read.
"""

from __future__ import annotations

from qbuild.labels.ratings.layout import Layout, LayoutTable
from qbuild.labels.ratings.merge import Ratings, read_ratings
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.ratings.registry import LAYOUTS, get_layout, recognise
from qbuild.labels.tables.sniff import FilePreview

__all__ = [
    "LAYOUTS",
    "FilePreview",
    "Layout",
    "LayoutTable",
    "RatingOptions",
    "Ratings",
    "get_layout",
    "read_ratings",
    "recognise",
]
