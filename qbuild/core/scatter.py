"""Predictions against opinion scores as a PNG: points, and the logistic mapping through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qbuild.core.disk import disk_errors, temporary_name
from qbuild.core.errors import MissingPartError
from qbuild.core.histogram import PLOTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from qbuild.core.metrics import Logistic

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
    figure = _figure(panels[:SHOWN])
    temporary = temporary_name(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # the default would name matplotlib's version and place
            figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _figure(panels: Sequence[Panel]) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPartError(
            "scatter", "matplotlib is not installed", "expected the optional part plots", PLOTS
        ) from error
    across = min(len(panels), 2)
    down = -(-len(panels) // across)
    figure = Figure(figsize=(5.2 * across, 4.4 * down), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for panel, axis in zip(panels, axes, strict=False):
        _draw(axis, panel)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    return figure


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
