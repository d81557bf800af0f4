"""Opinion scores on a range of five equal intervals: edges, levels, probabilities, figures.

Scores are compared with `numpy.linspace(low, high, 6)` on their own scale, never after
normalising: the published words of SPAQ come out whole only so. Only the four inner edges are
compared, so there is no sixth level and no level below the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

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
    """The range between the k-th scores from below and above, k = ⌊share·N⌋; k = 0: the ends.

    `ordered` ascends. From below the index is k, from above N - k: with N = 10,073 and a share of
    0.001 this gives all 7,046 published words of KonIQ, one index off gives 6,972.
    """
    count = len(ordered)
    k = int(share * count)
    if k == 0:
        return Range(float(ordered[0]), float(ordered[-1]))
    return Range(float(ordered[k]), float(ordered[count - k]))


def cut(scores: Floats, edges: Floats, closed: Closed) -> NDArray[np.int8]:
    """The level of each score, 1 (worst) to 5.

    `edges` is (6,), or (6, n) with edges of its own for each score. A score on an inner edge
    belongs to the interval above when intervals are closed on the left, below when closed on the
    right (Q-Align Eq. 1). Scores outside the range fall in the first or last level.
    """
    level = np.ones(len(scores), dtype=np.int8)
    for edge in edges[1:5]:
        level += scores >= edge if closed == "left" else scores > edge
    return level


def normalise(scores: Floats, low: Any, high: Any) -> Floats:
    """Scores moved from [low, high] to [0, 100] (VQA² section 3.3); clamped at both ends."""
    norm: Floats = (scores - low) / (high - low) * 100.0
    np.clip(norm, 0.0, 100.0, out=norm)
    return norm


def probabilities_of_normal(mos: Floats, std: Floats, edges: Floats) -> Floats:
    """The share of each level in a normal distribution of opinions; the tails join the ends.

    `edges` as for `cut`. Where the deviation is 0 all lies in the level of the score itself,
    a score on an edge half on either side. (n, 5), worst to best, each row sums to 1.
    """
    from scipy.special import ndtr

    inner = edges[1:5].reshape(4, -1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        distance = (inner - mos) / std
    below = ndtr(np.where(np.isnan(distance), 0.0, distance))
    ends = np.zeros((1, below.shape[1])), below, np.ones((1, below.shape[1]))
    return np.diff(np.concatenate(ends), axis=0).T


def probabilities_of_votes(votes: Floats) -> Floats:
    """The share of each category among the votes; (n, 5) counts or shares in, rows sum to 1."""
    shares: Floats = votes / votes.sum(axis=1, keepdims=True)
    return shares


def agreement(ordered: Floats, edges: Floats, closed: Closed) -> tuple[float | None, float | None]:
    """SRCC and PLCC of scores against their own levels (Q-Align Table 2); None where undefined.

    `ordered` ascends. A level is a rising step function of the score, so both coefficients come
    from the counts and sums between the inner edges: one sort, no second ranking. Tied scores
    share a level, so sums of average ranks over a level are sums of plain ranks.
    """
    count = len(ordered)
    side: Literal["left", "right"] = "left" if closed == "left" else "right"
    ends = np.searchsorted(ordered, edges[1:5], side=side)
    bounds = np.concatenate(([0], ends, [count])).astype(np.float64)
    sizes = np.diff(bounds)
    if count < 2 or np.count_nonzero(sizes) < 2:
        return None, None
    middle_rank = (bounds[:-1] + bounds[1:] + 1) / 2  # of a level: also its levels' average rank
    centre = (count + 1) / 2
    level_spread = float(np.sum(sizes * (middle_rank - centre) ** 2))
    srcc = level_spread / np.sqrt(level_spread * _rank_spread(ordered))
    unit = np.exp2(-np.frexp(np.abs(ordered).max())[1] // 2)  # twice, since 1e-308 has no inverse
    plain = ordered * unit * unit  # a power of two rounds nothing, and no square leaves its range
    centred = plain - plain.mean()
    running = np.concatenate(([0.0], np.cumsum(centred)))
    sums = np.diff(running[bounds.astype(np.int64)])
    numbers = np.arange(1, 6) - np.sum(sizes * np.arange(1, 6)) / count
    spread = np.sqrt(np.sum(sizes * numbers**2) * np.dot(centred, centred))
    return float(srcc), float(np.sum(numbers * sums) / spread)


def _rank_spread(ordered: Floats) -> float:
    """Sum of squared deviations of average ranks: (n³ - n - Σ(t³ - t)) / 12 with ties t."""
    count = len(ordered)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    ties = np.diff(np.append(starts, count)).astype(np.float64)
    return float((float(count) ** 3 - count - np.sum(ties**3 - ties)) / 12)
