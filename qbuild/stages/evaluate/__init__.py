"""Compare predicted scores with opinion scores.

Reads `prediction` artifacts or prediction files, and beside them `rating` or `level` artifacts;
writes `metric` rows: SRCC, PLCC, KRCC and RMSE for each model and dataset and over all, PLCC and
RMSE also after the four-parameter logistic mapping of VQEG, each with a bootstrap interval. Media
that the model was trained on (--trained-on) are an error, or are marked. See docs/evaluate.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_serializer, field_validator

from qbuild.core.engine.stage import Inputs, Output, Reads, Runtime, Stage
from qbuild.labels.predictions import PredictionOptions, read_predictions
from qbuild.stages.evaluate.report import render

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Generator

    from qbuild.stages.evaluate.match import Pool


class EvaluateOptions(PredictionOptions):
    """What is compared with what; the options of prediction files apply to inputs that are such."""

    match: Literal["id", "path"] = Field(
        default="id", description="path: also by path, else file name, where only one has it."
    )
    scale: Literal["raw", "norm"] = Field(
        default="raw", description="Opinion scores: mos, or mos_norm of levels (0-100)."
    )
    overall: Literal["mean", "pooled"] = Field(
        default="mean", description="Over datasets: mean weighted by rows, or all rows as one set."
    )
    temperature: float = Field(
        default=0, ge=0, description="Divides logits before the softmax; 0: as the rows say, or 1."
    )
    bootstrap: int = Field(
        default=1000, ge=0, le=100_000, description="Resamples behind an interval; 0: no intervals."
    )
    confidence: float = Field(
        default=0.95, gt=0, lt=1, description="Share of resamples that an interval holds."
    )
    seed: int = Field(default=0, description="Draws the resamples.")
    trained_on: tuple[str, ...] = Field(
        default=(),
        description="Checkpoint folder, artifact or list of ids that it learned from; repeatable.",
    )
    leaks: Literal["refuse", "mark"] = Field(
        default="refuse", description="Media the model was trained on: an error, or figures apart."
    )

    @field_validator("trained_on", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """One path as a list of one: a recipe may say `trained_on: model`."""
        return (given,) if isinstance(given, str) else given

    @field_serializer("trained_on", when_used="json")
    def _recorded(self, paths: tuple[str, ...]) -> list[str]:
        """Name and content hash of each: where it lies decides no figure."""
        from qbuild.quality.lineage import recorded

        return [recorded(path) for path in paths]


class EvaluateRuntime(Runtime):
    """Where a picture of the points goes."""

    scatter: str = Field(default="", description="PNG to draw predictions and scores in.")


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

        from qbuild.quality.plots.scatter import draw
        from qbuild.stages.evaluate.figures import panels

        draw(panels(pool, found), Path(scatter))
    return pool, found


def finish(
    made: tuple[Pool, dict[str, Any]],
    tally: Counter[str],  # noqa: ARG001
    options: EvaluateOptions,
) -> dict[str, Any]:
    """The figures over all, those of each dataset, what was not compared, what leaked."""
    from qbuild.stages.evaluate.figures import report

    return report(*made, options)


def _refuse_combinations(inputs: Inputs, options: EvaluateOptions) -> None:
    from qbuild.core.errors import UsageError
    from qbuild.labels.predictions import refuse_for_artifacts

    if not inputs.lengths:
        raise UsageError(
            "evaluate",
            "no prediction is given",
            "expected prediction artifacts or files, and opinion scores beside them",
            "Make one with `qbuild score`.",
        )
    if not inputs.files:
        refuse_for_artifacts(options, "evaluate")
    if options.leaks == "mark" and not options.trained_on:
        what = "what the model was trained on is not given"
        raise UsageError("--leaks", what, "expected --trained-on PATH beside it")
    scatter = str(getattr(inputs.runtime, "scatter", ""))
    if scatter and not scatter.lower().endswith(".png"):
        raise UsageError("--scatter", f"{scatter!r} does not end in .png", "expected a PNG")


STAGE = Stage(
    name="evaluate",
    version=1,
    summary="Compare predicted scores with opinion scores.",
    options=EvaluateOptions,
    reads=Reads(schema="prediction", otherwise=read_predictions, beside=("rating", "level")),
    writes="metric",
    runtime=EvaluateRuntime,
    produce=produce,
    finish=finish,
    render=render,
)
