"""The scores of an artifact as a PNG; those of a sample before and after sampling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from qbuild.core.artifact.reader import Artifact
from qbuild.core.errors import InputError, SchemaError, UsageError
from qbuild.quality.plots.histogram import (
    BINS,
    HistogramSeries,
    Panel,
    bin_counts,
    draw_histograms,
)
from qbuild.quality.sampling import moments

MAX_PANELS = 24
_NORM = "mos_norm (0 worst to 100 best)"
_RAW = "MOS (the dataset's own scale)"


def plot_artifact(path: Path, output: Path) -> list[str]:
    """Draw the artifact's first 24 datasets; returns the names of all of them in order.

    Raises UsageError for an output that is not a PNG, SchemaError for rows without `mos_norm`,
    InputError for no rows, MissingPartError without matplotlib.
    """
    if output.suffix.lower() != ".png" or output.is_dir():
        what = "is a folder" if output.is_dir() else "does not end in .png"
        raise UsageError(str(output), what, "expected a name such as scores.png")
    artifact = Artifact.open(path)
    if "mos_norm" not in artifact.schema.arrow.names:
        raise SchemaError(
            str(path),
            f"rows of schema {artifact.schema.name} have no mos_norm",
            "expected schema level",
            "Make levels with `qbuild mos-to-levels`.",
        )
    panels = panels_of(artifact)
    if not panels:
        raise InputError(str(path), "holds no rows", "expected scores to draw")
    draw_histograms(panels[:MAX_PANELS], output)
    return [panel.title for panel in panels]


def panels_of(artifact: Artifact) -> list[Panel]:
    """One diagram per dataset: from the report of `sample`, else from the rows, by name."""
    described = artifact.description
    if described.stage.name == "sample":
        report = described.report
        label = _NORM if report.get("scale") == "norm" else _RAW
        return [_before_and_after(figures, label) for figures in _usable_datasets(report)]
    rows = artifact.table(["dataset", "mos_norm"])
    names = np.array(rows.column("dataset").to_pylist(), dtype=object)
    scores = rows.column("mos_norm").to_numpy()
    return [_single(name, scores[names == name]) for name in sorted(set(names))]


def _single(name: str, scores: Any) -> Panel:
    series = HistogramSeries("", bin_counts(scores, 0, 100), *moments(scores))
    return Panel(name, _NORM, 0, 100, [series])


def _before_and_after(figures: dict[str, Any], label: str) -> Panel:
    series = [
        HistogramSeries(side, figures[side]["bins"], figures[side]["mean"], figures[side]["std"])
        for side in ("before", "after")
    ]
    return Panel(figures["dataset"], label, figures["low"], figures["high"], series)


def _usable_datasets(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The datasets whose figures can be drawn; a report of another version has none."""
    datasets = report.get("datasets")
    return list(filter(_is_usable, datasets)) if isinstance(datasets, list) else []


def _is_usable(figures: Any) -> bool:
    try:
        sides = [figures["before"], figures["after"]]
        complete = all(len(s["bins"]) == BINS and {"mean", "std"} <= s.keys() for s in sides)
        return complete and {"dataset", "low", "high"} <= figures.keys()
    except (AttributeError, KeyError, TypeError):
        return False
