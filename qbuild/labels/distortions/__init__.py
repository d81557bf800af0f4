"""Label files as rows of schema `distortion`: what is wrong with each medium.

    options.py     options of the stages              names.py      labels as distortion names
    label.py       the label of one medium            kadid.py      KADID-10k: types in file names
    attributes.py  tables of labels or shares         read_file.py  one file as typed rows
    read.py        several files as one table

Only this file, `names.py` and `options.py` load without pandas and pyarrow; see
docs/distortions.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qbuild.core.engine.stage import Output
from qbuild.labels.distortions.options import LabelOptions


def read_label_files(
    paths: list[Path], options: LabelOptions, limit: int | None = None
) -> Iterator[Output]:
    """The rows of all files and the rejected rows; with a limit, the first rows."""
    from qbuild.labels.distortions.read import read_labels

    yield from read_labels(paths, options, limit)
