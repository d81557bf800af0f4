"""Compare predicted scores with opinion scores.

Reads `prediction` artifacts or prediction files, and `rating` or `level` artifacts with the opinion
scores; writes `metric` rows: SRCC, PLCC, KRCC and RMSE for each model and dataset and overall, PLCC
and RMSE also after the four-parameter logistic mapping of VQEG, each with a bootstrap interval.
Media that the model was trained on (--trained-on), and their sources, are an error, or flagged; so
are copies of these, where an artifact of `corrupt`, `motion-clips` or distortion labels among the
inputs names their sources. See docs/evaluate.md.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from qbuild.core.engine.stage import Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import UsageError
from qbuild.core.renamed import Renamed
from qbuild.labels.predictions import read_predictions
from qbuild.labels.predictions.options import PredictionOptions
from qbuild.labels.tables.options import reject_file_options
from qbuild.stages.evaluate.options import EvaluateOptions, EvaluateRuntime
from qbuild.stages.evaluate.report import render


def produce(inputs: Inputs, options: EvaluateOptions) -> Generator[Output, None, dict[str, Any]]:
    """The metric rows; returns the report."""
    from qbuild.quality.plots.scatter import draw_scatter
    from qbuild.stages.evaluate.figures import (
        Results,
        make_report,
        measure,
        metric_table,
        scatter_panels,
    )
    from qbuild.stages.evaluate.match import match_rows

    _check_combinations(inputs, options)
    matched = match_rows(inputs, options)
    results = Results()
    if len(matched.rows):
        results = measure(matched, options)
        yield Output(rows=metric_table(results), rejected=matched.rejected)
        if scatter := getattr(inputs.runtime, "scatter", ""):
            draw_scatter(scatter_panels(matched.rows, results), Path(scatter))
    else:  # the engine raises an error with the reasons of the rejected rows
        yield Output(rejected=matched.rejected)
    return make_report(matched, results, options)


def finish(report: dict[str, Any], _: Tally, __: EvaluateOptions) -> dict[str, Any]:
    """Metrics overall and of each dataset, what was not compared, leaks."""
    return report


def _check_combinations(inputs: Inputs, options: EvaluateOptions) -> None:
    if not inputs.artifacts:
        raise UsageError(
            "evaluate",
            "no prediction is given",
            "expected prediction artifacts or files, and opinion scores",
            "Make one with `qbuild score`.",
        )
    if not inputs.files:
        reject_file_options(options, PredictionOptions, "evaluate")
    if options.on_leak == "flag" and not options.trained_on:
        what = "what the model was trained on is not given"
        raise UsageError("--on-leak", what, "expected --trained-on PATH too")
    scatter = str(getattr(inputs.runtime, "scatter", ""))
    if scatter and not scatter.lower().endswith(".png"):
        raise UsageError("--scatter", f"{scatter!r} does not end in .png", "expected a PNG")


STAGE = Stage(
    name="evaluate",
    version=2,
    options=EvaluateOptions,
    reads=Reads(
        schema="prediction",
        from_files=read_predictions,
        side_inputs=("rating", "level", "corruption", "clip", "distortion"),
    ),
    writes="metric",
    runtime=EvaluateRuntime,
    produce=produce,
    finish=finish,
    render=render,
    renamed={"leaks": Renamed("on_leak", {"refuse": "error", "mark": "flag"})},
    example="qbuild evaluate scores.csv ratings.parquet -o metrics.parquet --match path",
)
