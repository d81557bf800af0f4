"""Diagrams in two columns, as a PNG with the same bytes for the same panels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from qbuild.core.errors import MissingPartError
from qbuild.core.inspect.environment import PLOTS
from qbuild.core.scratch import atomic_file

P = TypeVar("P")


def draw_panels(
    panels: Sequence[P],
    path: Path,
    draw: Callable[[Any, P], None],
    size: tuple[float, float],
    feature: str,
) -> None:
    """Write the panels, each drawn by `draw` on axes of `size` in inches.

    Raises MissingPartError, which names `feature`, without matplotlib.
    """
    figure = make_figure(panels, draw, size, feature)
    with atomic_file(path) as unfinished:
        # the default metadata names matplotlib's version
        figure.savefig(unfinished, format="png", dpi=120, metadata={"Software": None})


def make_figure(
    panels: Sequence[P], draw: Callable[[Any, P], None], size: tuple[float, float], feature: str
) -> Any:
    """The matplotlib figure that `draw_panels` writes."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPartError(
            feature, "matplotlib is not installed", "expected the optional part plots", PLOTS
        ) from error
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(size[0] * columns, size[1] * lines), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel, axis in zip(panels, axes, strict=False):
        draw(axis, panel)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    return figure
