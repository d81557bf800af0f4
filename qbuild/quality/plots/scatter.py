"""Predictions against opinion scores as a PNG: points, and the logistic mapping through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qbuild.quality.arrays import Floats
from qbuild.quality.metrics import Logistic
from qbuild.quality.plots.panels import draw_panels

MAX_PANELS = 24
_MAX_POINTS = 5_000  # per diagram: more hide one another
_POINT, _LINE = "#5b6c7d", "#d1495b"  # distinct in grey too


@dataclass(frozen=True)
class Panel:
    """One diagram: a point per medium, the mapping if there is one, metrics for the title."""

    title: str
    predicted: Floats
    opinions: Floats
    mapping: Logistic | None = None
    srcc: float | None = None
    plcc: float | None = None


def draw_scatter(panels: Sequence[Panel], path: Path) -> None:
    """Write the first 24 panels as a PNG, with at most 5,000 points each.

    Raises MissingPartError without matplotlib.
    """
    draw_panels(panels[:MAX_PANELS], path, draw_points, (5.2, 4.4), "scatter")


def draw_points(axis: Any, panel: Panel) -> None:
    """Draw the points, evenly sampled where there are too many, and the curve."""
    count = len(panel.predicted)
    shown = np.unique(np.linspace(0, count - 1, min(_MAX_POINTS, count)).astype(np.int64))
    x, y = panel.predicted[shown], panel.opinions[shown]
    axis.plot(x, y, ".", color=_POINT, alpha=0.35, markersize=4, markeredgewidth=0)
    if panel.mapping is not None:
        steps = np.linspace(panel.predicted.min(), panel.predicted.max(), 200)
        axis.plot(steps, panel.mapping(steps), color=_LINE, linewidth=2)
    figures = [
        f"{name} {value:.3f}"
        for name, value in (("SRCC", panel.srcc), ("PLCC", panel.plcc))
        if value is not None
    ]
    subtitle = "  ".join([*figures, f"{count:,} rows"])
    axis.set_title(f"{panel.title}\n{subtitle}", parse_math=False, fontsize=10)
    axis.set_xlabel("predicted score; line: logistic mapping")
    axis.set_ylabel("opinion score")
    axis.spines[["top", "right"]].set_visible(False)
