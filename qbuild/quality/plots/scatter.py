"""Predictions against opinion scores as a PNG: points, and the logistic mapping through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qbuild.quality.plots.panels import draw_panels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from qbuild.quality.metrics import Logistic

    Floats = NDArray[np.float64]

SHOWN = 24  # diagrams in one picture
_DRAWN = 5_000  # points a diagram: more hide one another
_POINT, _LINE = "#5b6c7d", "#d1495b"  # told apart in grey too


@dataclass(frozen=True)
class Panel:
    """One diagram: a point a medium, the mapping where there is one, what the title says."""

    title: str
    predicted: Floats
    opinions: Floats
    mapping: Logistic | None = None
    srcc: float | None = None
    plcc: float | None = None


def draw(panels: Sequence[Panel], path: Path) -> None:
    """Write the panels as a PNG, two in a row; the same panels give the same bytes.

    The first 24 panels are drawn, of each at most 5,000 points. Raises MissingPartError without
    matplotlib.
    """
    draw_panels(panels[:SHOWN], path, _draw, (5.2, 4.4), "scatter")


def _draw(axis: Any, panel: Panel) -> None:
    """The points and the curve; of many points, those at equal steps."""
    shown = np.linspace(0, len(panel.predicted) - 1, min(_DRAWN, len(panel.predicted)))
    at = np.unique(shown.astype(np.int64))
    x, y = panel.predicted[at], panel.opinions[at]
    axis.plot(x, y, ".", color=_POINT, alpha=0.35, markersize=4, markeredgewidth=0)
    if panel.mapping is not None:
        along = np.linspace(panel.predicted.min(), panel.predicted.max(), 200)
        axis.plot(along, panel.mapping(along), color=_LINE, linewidth=2)
    figures = [
        f"{name} {value:.3f}"
        for name, value in (("SRCC", panel.srcc), ("PLCC", panel.plcc))
        if value is not None
    ]
    count = f"{len(panel.predicted):,} rows"
    axis.set_title(f"{panel.title}\n{'  '.join([*figures, count])}", parse_math=False, fontsize=10)
    axis.set_xlabel("predicted score; line: logistic mapping")
    axis.set_ylabel("opinion score")
    axis.spines[["top", "right"]].set_visible(False)
