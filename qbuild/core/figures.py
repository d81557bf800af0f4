"""Diagrams side by side, two in a row, as a PNG whose bytes depend on nothing but them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from qbuild.core.disk import disk_errors, temporary_name
from qbuild.core.errors import MissingPartError
from qbuild.core.parts import PLOTS

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
    temporary = temporary_name(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # the default would name matplotlib's version and place
            figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


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
