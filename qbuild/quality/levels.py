"""Opinion scores on a range of five equal intervals: edges, levels, probabilities, agreement.

Scores are compared with `numpy.linspace(low, high, 6)` on their own scale, never after
normalising: only so are all published words of SPAQ reproduced. Only the four inner edges are
compared, so there is no sixth level and no level below the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qbuild.quality.arrays import Floats

Closed = Literal["right", "left"]


@dataclass(frozen=True)
class Range:
    """The range that a dataset's levels are cut on."""

    low: float
    high: float

    @property
    def edges(self) -> Floats:
        """The six edges of the five intervals, in units of the score; (6,)."""
        return np.linspace(self.low, self.high, 6)


def trimmed_range(ordered: Floats, share: Decimal) -> Range:
    """The range from the k-th lowest to the k-th highest score, k = ⌊share·N⌋; k = 0: all scores.

    `ordered` is ascending; the indices are k and N - k: with N = 10,073 and a share of 0.001 they
    give all 7,046 published words of KonIQ, one index off gives 6,972.
    """
    count = len(ordered)
    k = int(share * count)
    if k == 0:
        return Range(float(ordered[0]), float(ordered[-1]))
    return Range(float(ordered[k]), float(ordered[count - k]))


def cut_levels(scores: Floats, edges: Floats, closed: Closed) -> NDArray[np.int8]:
    """The level of each score, 1 (worst) to 5.

    `edges` is (6,), or (6, n) with the edges of each score. A score on an inner edge belongs to the
    interval above when intervals are closed on the left, below when closed on the right (Q-Align
    Eq. 1). Scores outside the range fall in the first or last level.
    """
    level = np.ones(len(scores), dtype=np.int8)
    for edge in edges[1:5]:
        level += scores >= edge if closed == "left" else scores > edge
    return level


def normalise(scores: Floats, low: Any, high: Any) -> Floats:
    """Scores mapped from [low, high] to [0, 100] (VQA² section 3.3), clamped at both ends."""
    norm: Floats = (scores - low) / (high - low) * 100.0
    np.clip(norm, 0.0, 100.0, out=norm)
    return norm


def normal_probabilities(mos: Floats, std: Floats, edges: Floats) -> Floats:
    """The share of each level in a normal distribution of opinions, the tails in the end levels.

    `edges` as for `cut_levels`. With a deviation of 0 the level of the score has it all, for a
    score on an edge both levels have half. (n, 5), worst to best, each row sums to 1.
    """
    from scipy.special import ndtr

    inner = edges[1:5].reshape(4, -1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        distance = (inner - mos) / std
    below = ndtr(np.where(np.isnan(distance), 0.0, distance))
    ends = np.zeros((1, below.shape[1])), below, np.ones((1, below.shape[1]))
    return np.diff(np.concatenate(ends), axis=0).T


def vote_probabilities(votes: Floats) -> Floats:
    """The share of each category among the votes: (n, 5) counts or shares to rows that sum to 1."""
    shares: Floats = votes / votes.sum(axis=1, keepdims=True)
    return shares


def level_agreement(
    ordered: Floats, edges: Floats, closed: Closed
) -> tuple[float | None, float | None]:
    """SRCC and PLCC of scores against their own levels (Q-Align Table 2); None where undefined.

    `ordered` is ascending. A level is a rising step function of the score, so both coefficients
    follow from the counts and sums between the inner edges: one sort, no second ranking. Tied
    scores share a level, so sums of average ranks over a level are sums of plain ranks.
    """
    count = len(ordered)
    ends = np.searchsorted(ordered, edges[1:5], side=closed)
    bounds = np.concatenate(([0], ends, [count])).astype(np.float64)
    sizes = np.diff(bounds)
    if count < 2 or np.count_nonzero(sizes) < 2:
        return None, None
    mean_ranks = (bounds[:-1] + bounds[1:] + 1) / 2  # of the rows of each level
    centre = (count + 1) / 2
    level_variance = float(np.sum(sizes * (mean_ranks - centre) ** 2))
    srcc = level_variance / np.sqrt(level_variance * _rank_variance(ordered))
    unit = np.exp2(-np.frexp(np.abs(ordered).max())[1] // 2)  # twice, since 1e-308 has no inverse
    scaled = ordered * unit * unit  # a power of two rounds nothing, and keeps squares in range
    centred = scaled - scaled.mean()
    running = np.concatenate(([0.0], np.cumsum(centred)))
    sums = np.diff(running[bounds.astype(np.int64)])
    levels = np.arange(1, 6) - np.sum(sizes * np.arange(1, 6)) / count
    norm = np.sqrt(np.sum(sizes * levels**2) * np.dot(centred, centred))
    return float(srcc), float(np.sum(levels * sums) / norm)


def _rank_variance(ordered: Floats) -> float:
    """Sum of squared deviations of average ranks: (n³ - n - Σ(t³ - t)) / 12 with ties t."""
    count = len(ordered)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    ties = np.diff(np.append(starts, count)).astype(np.float64)
    return float((float(count) ** 3 - count - np.sum(ties**3 - ties)) / 12)
