"""Compare predicted scores with opinion scores.

Reads `prediction` artifacts or prediction files, and beside them `rating` or `level` artifacts;
writes `metric` rows: SRCC, PLCC, KRCC and RMSE for each model and dataset and over all, PLCC and
RMSE also after the four-parameter logistic mapping of VQEG, each with a bootstrap interval. Media
that the model was trained on (--trained-on) are an error, or are marked. See docs/evaluate.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.engine.stage import Inputs, Output, Reads, Stage
from qbuild.core.renamed import Renamed
from qbuild.labels.predictions import read_predictions
from qbuild.stages.evaluate.options import EvaluateOptions, EvaluateRuntime
from qbuild.stages.evaluate.report import render

if TYPE_CHECKING:
    from collections.abc import Generator

    from qbuild.core.engine.tally import Tally
    from qbuild.stages.evaluate.match import Pool


def produce(
    inputs: Inputs, options: EvaluateOptions
) -> Generator[Output, None, tuple[Pool, dict[str, Any]]]:
    """The metric rows; returns the rows compared and the report."""
    from qbuild.stages.evaluate.figures import figures, metric_table
    from qbuild.stages.evaluate.match import gather

    _refuse_combinations(inputs, options)
    pool = gather(inputs, options)
    if not len(pool.predicted):  # the engine says why, of the rows rejected
        yield Output(rejected=pool.rejected)
        return pool, {}
    found = figures(pool, options)
    yield Output(rows=metric_table(found), rejected=pool.rejected)
    if scatter := getattr(inputs.runtime, "scatter", ""):
        from pathlib import Path

        from qbuild.quality.plots.scatter import draw_scatter
        from qbuild.stages.evaluate.figures import panels

        draw_scatter(panels(pool, found), Path(scatter))
    return pool, found


def finish(
    made: tuple[Pool, dict[str, Any]],
    tally: Tally,  # noqa: ARG001
    options: EvaluateOptions,
) -> dict[str, Any]:
    """The figures over all, those of each dataset, what was not compared, what leaked."""
    from qbuild.stages.evaluate.figures import report

    return report(*made, options)


def _refuse_combinations(inputs: Inputs, options: EvaluateOptions) -> None:
    from qbuild.core.errors import UsageError
    from qbuild.labels.predictions.options import PredictionOptions
    from qbuild.labels.tables.options import reject_file_options

    if not inputs.lengths:
        raise UsageError(
            "evaluate",
            "no prediction is given",
            "expected prediction artifacts or files, and opinion scores beside them",
            "Make one with `qbuild score`.",
        )
    if not inputs.files:
        reject_file_options(options, PredictionOptions, "evaluate")
    if options.on_leak == "flag" and not options.trained_on:
        what = "what the model was trained on is not given"
        raise UsageError("--on-leak", what, "expected --trained-on PATH beside it")
    scatter = str(getattr(inputs.runtime, "scatter", ""))
    if scatter and not scatter.lower().endswith(".png"):
        raise UsageError("--scatter", f"{scatter!r} does not end in .png", "expected a PNG")


STAGE = Stage(
    name="evaluate",
    version=1,
    options=EvaluateOptions,
    reads=Reads(schema="prediction", otherwise=read_predictions, beside=("rating", "level")),
    writes="metric",
    runtime=EvaluateRuntime,
    produce=produce,
    finish=finish,
    render=render,
    renamed={"leaks": Renamed("on_leak", {"refuse": "error", "mark": "flag"})},
    example="qbuild evaluate scores.csv ratings.parquet -o metrics.parquet --match path",
)
