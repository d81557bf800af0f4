"""Texts by people about quality, as rows of schema `depiction`.

options.py      options of the stage           names.py         names of columns, kinds, aspects
entries.py      annotations of a file          tables.py        wide and long tables
label_studio.py Label Studio exports           media_places.py  paths of media
cells.py        typed values of cells          read.py          typed and rejected rows

Only this file and `options.py` load without pandas and pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qbuild.core.engine.stage import Output
from qbuild.labels.depictions.options import DepictionOptions


def read_depiction_files(
    paths: list[Path], options: DepictionOptions, limit: int | None = None
) -> Iterator[Output]:
    """The rows of all files and the rejected rows; with a limit, the first rows."""
    from qbuild.labels.depictions.read import read_depictions

    yield from read_depictions(paths, options, limit)
