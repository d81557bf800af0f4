"""Histograms of scores: counts in equal bins, drawn as text of 80 columns or as a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qbuild.quality.arrays import Floats
from qbuild.quality.plots.panels import draw_panels

BINS = 10
_BAR = 14
_COLOURS = ("#9aa5b1", "#d1495b")  # distinct in grey too


@dataclass(frozen=True)
class HistogramSeries:
    """One set of scores: its count in each bin, and the figures in its legend."""

    name: str
    counts: Sequence[int]
    mean: float | None = None
    std: float | None = None


@dataclass(frozen=True)
class Panel:
    """One diagram: series of scores over the same equal bins from `low` to `high`."""

    title: str
    label: str  # of the scores, with their unit
    low: float
    high: float
    series: Sequence[HistogramSeries]


def bin_counts(scores: Floats, low: float, high: float) -> list[int]:
    """The number of scores in each of ten equal bins; the last one includes its upper end.

    Scores outside are in the first or last bin; if low and high are equal, all are in the first.
    """
    if not low < high:
        return [len(scores)] + [0] * (BINS - 1)
    scaled = np.clip((scores - low) / (high - low), 0, 1) * BINS
    bins = np.minimum(scaled.astype(np.int64), BINS - 1)
    return [int(count) for count in np.bincount(bins, minlength=BINS)]


def format_histograms(before: Sequence[int], after: Sequence[int], low: float, high: float) -> str:
    """Two histograms side by side, one bin per line, 80 columns at most; bars show shares."""
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
    """A bar in eighths of a character; at least one eighth for a share above 0."""
    eighths = round(share / tallest * _BAR * 8) if tallest else 0
    eighths = max(eighths, 1) if share else 0
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def draw_histograms(panels: Sequence[Panel], path: Path) -> None:
    """Write the panels as a PNG; raises MissingPartError without matplotlib."""
    draw_panels(panels, path, _draw, (6.4, 3.9), "plot")


def _draw(axis: Any, panel: Panel) -> None:
    """Draw the first series as bars of shares, the second one as an outline over them."""
    width = (panel.high - panel.low) / BINS or 1.0
    edges = [panel.low + width * at for at in range(BINS + 1)]
    heights = [[100 * share for share in _shares(series.counts)] for series in panel.series]
    top = max(map(max, heights)) or 1.0
    drawn = []
    for at, (series, colour) in enumerate(zip(panel.series, _COLOURS, strict=False)):
        if at == 0:
            style = {"align": "edge", "color": colour, "edgecolor": "white"}
            drawn.append(axis.bar(edges[:-1], heights[at], width, **style))
        else:
            drawn.append(axis.stairs(heights[at], edges, color=colour, linewidth=2.2))
        if series.mean is not None:
            line = "#4a5560" if at == 0 else colour
            axis.plot([series.mean] * 2, [0, 1.06 * top], "--", color=line, linewidth=1.3)
    axis.set_xlim(edges[0], edges[-1])
    axis.set_xticks(edges[::2], [f"{edge:.4g}" for edge in edges[::2]])
    axis.set_ylim(0, top * (1.1 + 0.1 * len(panel.series)))  # space for the legend above the bars
    axis.set_title(panel.title, parse_math=False)
    axis.set_xlabel(f"{panel.label}; dashed: mean")
    axis.set_ylabel("share of rows (%)")
    axis.spines[["top", "right"]].set_visible(False)
    names = [_legend(series) for series in panel.series]
    axis.legend(drawn, names, loc="upper left", frameon=False, fontsize=9)


def _legend(series: HistogramSeries) -> str:
    label = f"{sum(series.counts):,} rows"
    if series.name:
        label = f"{series.name}: {label}"
    if series.mean is not None:
        label += f", mean {series.mean:.2f}"
    if series.std is not None:
        label += f", SD {series.std:.2f}"
    return label
