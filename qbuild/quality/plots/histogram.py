"""Histograms of scores: counts in equal bins, drawn as text of 80 columns or as a PNG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.quality.plots.panels import draw_panels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

BINS = 10
_BAR = 14


@dataclass(frozen=True)
class Heap:
    """One set of scores: its count in each bin, and what a legend says of it."""

    name: str
    counts: Sequence[int]
    mean: float | None = None
    std: float | None = None


@dataclass(frozen=True)
class Panel:
    """One diagram: heaps of scores over the same equal bins from `low` to `high`."""

    title: str
    label: str  # of the scores, with their unit
    low: float
    high: float
    heaps: Sequence[Heap]


def counted(scores: NDArray[np.float64], low: float, high: float) -> list[int]:
    """How many scores lie in each of ten equal bins; the last holds its upper end too.

    Scores outside count in the first or last bin; where all are equal, one bin holds them.
    """
    import numpy as np

    if not low < high:
        return [len(scores)] + [0] * (BINS - 1)
    place = np.clip((scores - low) / (high - low), 0, 1) * BINS
    places = np.minimum(place.astype(np.int64), BINS - 1)
    return [int(count) for count in np.bincount(places, minlength=BINS)]


def text(before: Sequence[int], after: Sequence[int], low: float, high: float) -> str:
    """Two histograms side by side, a bin a line, at most 80 columns; bars show shares of rows."""
    tallest = max(_shares(before) + _shares(after))
    width = (high - low) / BINS
    lines = [f"  {'score':>17}  {'before':>10}{'':{_BAR + 1}}  {'after':>10}"]
    for at in range(BINS):
        ends = f"{low + at * width:>8.4g}…{low + (at + 1) * width:<8.4g}"
        sides = [
            f"{counts[at]:>10,} {_bar(_shares(counts)[at], tallest):<{_BAR}}"
            for counts in (before, after)
        ]
        lines.append(f"  {ends}  {'  '.join(sides)}".rstrip())
    return "\n".join(lines)


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def _bar(share: float, tallest: float) -> str:
    """A bar of eighths of a sign; a share above 0 is never without one."""
    eighths = round(share / tallest * _BAR * 8) if tallest else 0
    eighths = max(eighths, 1) if share else 0
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def draw(panels: Sequence[Panel], path: Path) -> None:
    """Write the panels as a PNG, two in a row; the same panels give the same bytes.

    Raises MissingPartError without matplotlib.
    """
    draw_panels(panels, path, _draw, (6.4, 3.9), "plot")


_COLOURS = ("#9aa5b1", "#d1495b")  # told apart in grey too


def _draw(axis: Any, panel: Panel) -> None:
    """Shares of rows in each bin; the second heap as an outline over the first one's bars."""
    width = (panel.high - panel.low) / BINS or 1.0
    edges = [panel.low + width * at for at in range(BINS + 1)]
    heights = [[100 * share for share in _shares(heap.counts)] for heap in panel.heaps]
    top = max(map(max, heights)) or 1.0
    drawn = []
    for at, heap in enumerate(panel.heaps):
        colour = _COLOURS[at]
        if at == 0:
            drawn.append(
                axis.bar(
                    edges[:-1], heights[at], width, align="edge", color=colour, edgecolor="white"
                )
            )
        else:
            drawn.append(axis.stairs(heights[at], edges, color=colour, linewidth=2.2))
        if heap.mean is not None:
            line = "#4a5560" if at == 0 else colour
            axis.plot([heap.mean] * 2, [0, 1.06 * top], "--", color=line, linewidth=1.3)
    axis.set_xlim(edges[0], edges[-1])
    axis.set_xticks(edges[::2], [f"{edge:.4g}" for edge in edges[::2]])
    axis.set_ylim(0, top * (1.1 + 0.1 * len(panel.heaps)))  # the legend stands above the bars
    axis.set_title(panel.title, parse_math=False)
    axis.set_xlabel(f"{panel.label}; dashed: mean")
    axis.set_ylabel("share of rows (%)")
    axis.spines[["top", "right"]].set_visible(False)
    names = [_legend(heap) for heap in panel.heaps]
    axis.legend(drawn, names, loc="upper left", frameon=False, fontsize=9)


def _legend(heap: Heap) -> str:
    said = f"{heap.name}: {sum(heap.counts):,} rows" if heap.name else f"{sum(heap.counts):,} rows"
    if heap.mean is not None:
        said += f", mean {heap.mean:.2f}"
    if heap.std is not None:
        said += f", SD {heap.std:.2f}"
    return said
