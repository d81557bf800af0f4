"""Diagrams side by side, two in a row, as a PNG whose bytes depend on nothing but them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from qbuild.core.errors import MissingPartError
from qbuild.core.inspect.environment import PLOTS
from qbuild.core.scratch import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

P = TypeVar("P")


def draw_panels(
    panels: Sequence[P],
    path: Path,
    draw: Callable[[Any, P], None],
    size: tuple[float, float],
    asked_by: str,
) -> None:
    """Write the panels, each drawn by `draw` on axes of `size` in inches.

    Raises MissingPartError, which names who asked, without matplotlib.
    """
    figure = _figure(panels, draw, size, asked_by)
    with whole_file(path) as unfinished:
        # the default would name matplotlib's version and place
        figure.savefig(unfinished, format="png", dpi=120, metadata={"Software": None})


def _figure(
    panels: Sequence[P],
    draw: Callable[[Any, P], None],
    size: tuple[float, float],
    asked_by: str,
) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPartError(
            asked_by, "matplotlib is not installed", "expected the optional part plots", PLOTS
        ) from error
    across = min(len(panels), 2)
    down = -(-len(panels) // across)
    figure = Figure(figsize=(size[0] * across, size[1] * down), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for panel, axis in zip(panels, axes, strict=False):
        draw(axis, panel)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    return figure
