"""Prediction files made elsewhere in, `prediction` rows out.

    options.py  what a stage is asked for      forms.py   the published forms, and how to tell them
    columns.py  scores, logits and fusions     read.py    files as typed rows

Nothing here imports pandas or pyarrow before a file is read. See docs/evaluate.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.labels.predictions.options import PredictionOptions, refuse_for_artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qbuild.core.engine.stage import Output

__all__ = ["PredictionOptions", "read_predictions", "refuse_for_artifacts"]


def read_predictions(
    paths: list[Path], options: PredictionOptions, limit: int | None = None
) -> Iterator[Output]:
    """The rows of all files and the rows rejected, file by file; with a limit, the first rows."""
    from qbuild.labels.predictions.read import gathered

    yield from gathered(paths, options, limit)
