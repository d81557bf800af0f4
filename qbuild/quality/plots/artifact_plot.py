"""The scores of an artifact as a PNG: of a sample before and after, of any other levels as is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qbuild.core.artifact.reader import Artifact
from qbuild.core.errors import InputError, SchemaError, UsageError
from qbuild.quality.plots.histogram import BINS, Heap, Panel, counted, draw
from qbuild.quality.sampling import moments

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = 24  # diagrams in one picture
_NORM = "mos_norm (0 worst to 100 best)"
_RAW = "MOS (the dataset's own scale)"


def plot(path: Path, output: Path) -> list[str]:
    """Draw the artifact's datasets; their names in order, the first 24 of them drawn.

    Raises UsageError for an output that is no PNG, SchemaError for rows without `mos_norm`,
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
    draw(panels[:SHOWN], output)
    return [panel.title for panel in panels]


def panels_of(artifact: Artifact) -> list[Panel]:
    """A diagram a dataset, by name: of the report of `sample`, else of the rows themselves."""
    described = artifact.description
    if described["stage"]["name"] == "sample":
        report = described.get("report", {})
        return [_of_sample(found, str(report.get("scale"))) for found in _datasets(report)]
    rows = artifact.table(["dataset", "mos_norm"])
    names = np.array(rows.column("dataset").to_pylist(), dtype=object)
    scores = rows.column("mos_norm").to_numpy()
    return [_of_scores(name, scores[names == name]) for name in sorted(set(names))]


def _of_scores(name: str, scores: Any) -> Panel:
    return Panel(name, _NORM, 0, 100, [Heap("", counted(scores, 0, 100), *moments(scores))])


def _of_sample(found: dict[str, Any], scale: str) -> Panel:
    heaps = [
        Heap(side, found[side]["bins"], found[side]["mean"], found[side]["std"])
        for side in ("before", "after")
    ]
    label = _NORM if scale == "norm" else _RAW
    return Panel(found["dataset"], label, found["low"], found["high"], heaps)


def _datasets(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The datasets of a report that holds what is drawn; others, of another version, are none."""
    found = report.get("datasets")
    return [one for one in found if _whole(one)] if isinstance(found, list) else []


def _whole(found: Any) -> bool:
    try:
        sides = [found[side] for side in ("before", "after")]
        sound = all(len(side["bins"]) == BINS and {"mean", "std"} <= side.keys() for side in sides)
        return sound and {"dataset", "low", "high"} <= found.keys()
    except (AttributeError, KeyError, TypeError):
        return False
