"""Prediction files made elsewhere as rows of schema `prediction`.

    options.py  options of the stage           forms.py  the published forms of prediction files
    columns.py  scores, logits and fusions     read.py   files as typed rows

Only this file and `options.py` load without pandas and pyarrow. See docs/evaluate.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qbuild.core.engine.stage import Output
from qbuild.labels.predictions.options import PredictionOptions


def read_predictions(
    paths: list[Path], options: PredictionOptions, limit: int | None = None
) -> Iterator[Output]:
    """The rows of all files and the rejected rows, file by file; with a limit, the first rows."""
    from qbuild.labels.predictions.read import read_files

    yield from read_files(paths, options, limit)
