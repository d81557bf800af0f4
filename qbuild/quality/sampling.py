"""Which rows of a set to take: by strata, or so that the scores have a given mean and deviation.

A row's random key comes from the seed and its id alone, and scores are always processed in sorted
order, so the order of the rows does not change the sample. Memory: some 60 bytes per row.

flatten   inclusion probabilities of maximum entropy with the given size, mean and second moment:
          logistic in 1, x, x² (the exponential tilt that sampling without replacement keeps below
          1), by Newton's method on the dual
          → a systematic sample with these probabilities, in order of the scores
          → a few exchanges of single rows, where mean or deviation are still off
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from qbuild.quality.arrays import Floats, Ints, Keys, Mask

_ODD = np.uint64(0xBF58476D1CE4E5B9)  # the finaliser of splitmix64
_MIX = np.uint64(0x94D049BB133111EB)
_BLOCK = 8  # rows of the sample per shuffled stretch of the ordered scores
_MAX_DISTINCT = 1 << 11  # with more distinct scores, the dual is solved on means of intervals
_RIDGE = 1e-6  # keeps the dual bounded where no probabilities reach the moments
_NEWTON_STEPS = 80
_EXCHANGES = 400
_BORDER = 0.9  # of the tolerance: how far off an unreachable target the aim may be
_CANDIDATES = 300  # rows per side that one exchange chooses from
CLOSE = 0.02  # of the tolerance: closer than this, no exchange is tried


@dataclass(frozen=True)
class Target:
    """Mean and sample deviation (n - 1) that a sample shall have, each within `tolerance`."""

    mean: float
    std: float
    tolerance: float

    def met(self, mean: float | None, std: float | None) -> bool:
        """Whether both lie within the tolerance."""
        if mean is None or std is None:
            return False
        return abs(mean - self.mean) <= self.tolerance and abs(std - self.std) <= self.tolerance


def row_keys(hashes: Keys, seed: int) -> Keys:
    """A uniform 64-bit key per hash of an id, depending on the seed (64 bits)."""
    keys = hashes ^ np.uint64(seed)
    keys ^= keys >> np.uint64(30)
    keys *= _ODD
    keys ^= keys >> np.uint64(27)
    keys *= _MIX
    keys ^= keys >> np.uint64(31)
    return keys


def allocate(counts: Sequence[int], size: int) -> list[int]:
    """`size` divided among strata in proportion to their rows, by the largest remainder.

    Each share is its proportional part rounded down or up, so none exceeds its stratum; of equal
    remainders the first stratum's counts first. Needs size ≤ sum(counts).
    """
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    shares = [count * size // total for count in counts]
    remainders = [count * size % total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda at: -remainders[at])
    for at in by_remainder[: size - sum(shares)]:
        shares[at] += 1
    return shares


def draw_stratified(strata: Ints, keys: Keys, sizes: Sequence[int]) -> Mask:
    """Which rows are taken: of stratum i the `sizes[i]` rows with the smallest keys."""
    order = np.lexsort((keys, strata))
    counts = np.bincount(strata, minlength=len(sizes))
    rank = np.arange(len(strata)) - np.repeat(np.cumsum(counts) - counts, counts)
    taken = np.empty(len(strata), dtype=np.bool_)
    taken[order] = rank < np.asarray(sizes)[strata[order]]
    return taken


def moments(scores: Floats) -> tuple[float | None, float | None]:
    """Mean and sample deviation (n - 1); None where there are too few rows."""
    if not len(scores):
        return None, None
    ordered = np.sort(scores)  # so that the last digit does not depend on the order of rows
    return float(ordered.mean()), float(ordered.std(ddof=1)) if len(scores) > 1 else None


def flatten(scores: Floats, keys: Keys, size: int, target: Target, start: float) -> Mask:
    """Which `size` rows are taken so that their scores meet the target, or come close to it.

    `start` in [0, 1) is where the systematic sample begins. Needs 2 ≤ size ≤ rows.
    """
    order = np.lexsort((keys, scores))
    ordered, ordered_keys = scores[order], keys[order]
    aim = _reachable_aim(_group(ordered), size, target) or target
    probabilities = inclusion_probabilities(ordered, size, aim)
    sample = _draw_systematic(probabilities, ordered_keys, size, start)
    _exchange_rows(ordered, sample, aim)
    taken = np.empty(len(scores), dtype=np.bool_)
    taken[order] = sample
    return taken


def max_reachable_size(scores: Floats, size: int, target: Target) -> int:
    """About the largest size up to `size` that can reach the target; 0 where none can.

    Probabilities that reach it for some size reach it for every smaller one, scaled down.
    """
    # a sample of whole rows comes nearly as close as its probabilities
    target = Target(target.mean, target.std, 0.97 * target.tolerance)
    grouped = _group(scores)
    if _reachable_aim(grouped, 2, target) is None:
        return 0
    low, high = 2, size + 1
    while high - low > 1:
        middle = (low + high) // 2
        reached = _reachable_aim(grouped, middle, target) is not None
        low, high = (middle, high) if reached else (low, middle)
    return low


def _reachable_aim(grouped: tuple[Floats, Floats], size: int, target: Target) -> Target | None:
    """The target, else a point within its tolerance, that probabilities reach; None without one."""
    values, counts = grouped
    off = _BORDER * target.tolerance
    for mean_step, std_step in ((0, 0), *(p for p in product((-1, 0, 1), repeat=2) if any(p))):
        std = max(target.std + std_step * off, target.std / 10)
        aim = Target(target.mean + mean_step * off, std, target.tolerance)
        rows = counts * _probabilities(values, values, counts, size, aim)
        mean = float(rows @ values) / size
        if target.met(mean, math.sqrt(float(rows @ (values - mean) ** 2) / (size - 1))):
            return aim
    return None


def inclusion_probabilities(scores: Floats, size: int, target: Target) -> Floats:
    """The probability of taking each row; they sum to `size`.

    Where no probabilities have the moments of the target, those with the closest moments.
    """
    return _probabilities(scores, *_group(scores), size, target)


def _probabilities(
    scores: Floats, values: Floats, counts: Floats, size: int, target: Target
) -> Floats:
    if size == round(float(counts.sum())):
        return np.ones(len(scores))
    return _sigmoid(_solve_dual(values, counts, size, target), _features(scores, target))


def _features(scores: Floats, target: Target) -> Floats:
    """1, u, u² per score, u in target deviations from the target mean; (3, rows)."""
    u = (scores - target.mean) / target.std
    return np.stack([np.ones_like(u), u, u * u])


def _sigmoid(theta: Floats, features: Floats) -> Floats:
    """1 / (1 + exp(-θ·f)) without overflow."""
    x = theta @ features
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _solve_dual(values: Floats, counts: Floats, size: int, target: Target) -> Floats:
    """θ (3): the minimum of Σ log(1 + exp(θ·f)) - θ·T, a convex function, by damped Newton steps.

    Its gradient is the difference of the moments from T. The ridge trades entropy against the
    distance from T where T cannot be reached; the size is always exact.
    """
    rows = float(counts.sum())
    f = _features(values, target)
    wanted = size * np.array([1.0, 0.0, (size - 1) / size])
    choices = min(size, rows - size)
    ridge = choices * _RIDGE * np.array([0.0, 1.0, 1.0])

    def objective(theta: Floats) -> float:
        x = theta @ f
        softplus = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
        return float(softplus @ counts - theta @ wanted + ridge @ (theta * theta) / 2)

    share = size / rows
    theta = np.array([math.log(share / (1 - share)), 0.0, 0.0])
    value = objective(theta)
    for _ in range(_NEWTON_STEPS):
        p = _sigmoid(theta, f)
        gradient = f @ (counts * p) - wanted + ridge * theta
        if float(np.abs(gradient).max()) <= 1e-9 * size:
            break
        hessian = (f * (counts * p * (1 - p))) @ f.T + np.diag(ridge + 1e-12 * choices)
        scale = np.sqrt(np.diag(hessian))  # u² next to 1 would make it singular
        scaled = hessian / np.outer(scale, scale) + 1e-12 * np.eye(3)
        step = np.linalg.solve(scaled, gradient / scale)
        step /= scale
        gain = float(gradient @ step)
        if gain <= 1e-10 * choices:
            break
        rate = 1.0
        while rate > 1e-9 and not objective(theta - rate * step) <= value - 1e-4 * rate * gain:
            rate /= 2
        if rate <= 1e-9:
            break
        theta = theta - rate * step
        value = objective(theta)
    return theta


def _group(scores: Floats) -> tuple[Floats, Floats]:
    """Distinct scores and their counts; with too many of them, means of narrow intervals."""
    values, repeats = np.unique(scores, return_counts=True)
    counts = repeats.astype(np.float64)
    if len(values) <= _MAX_DISTINCT:
        return values, counts
    scaled = (values - values[0]) * ((_MAX_DISTINCT - 1) / (values[-1] - values[0]))
    bins = scaled.astype(np.int64)
    rows = np.bincount(bins, weights=counts).astype(np.float64)
    sums = np.bincount(bins, weights=counts * values)
    return sums[rows > 0] / rows[rows > 0], rows[rows > 0]


def _draw_systematic(probabilities: Floats, keys: Keys, size: int, start: float) -> Mask:
    """A sample of exactly `size` rows with these probabilities, spread over the ordered scores.

    Rows are shuffled by key within stretches that give `_BLOCK` rows of the sample, so that any
    two neighbours may be taken together.
    """
    stretch = (np.cumsum(probabilities) / _BLOCK).astype(np.int64)
    order = np.lexsort((keys, stretch))
    sums = np.cumsum(probabilities[order])
    points = (np.arange(size) + start) * (sums[-1] / size)
    at = np.unique(np.minimum(np.searchsorted(sums, points, side="right"), len(sums) - 1))
    taken = np.zeros(len(probabilities), dtype=np.bool_)
    taken[order[at]] = True
    missing = size - len(at)  # by rounding, where a probability is 1: the likeliest others
    if missing:
        left = np.flatnonzero(~taken)
        taken[left[np.lexsort((keys[left], -probabilities[left]))[:missing]]] = True
    return taken


def _exchange_rows(ordered: Floats, taken: Mask, target: Target) -> None:
    """Exchange single rows while that brings mean and deviation closer to the target."""
    offsets = ordered - target.mean
    size = int(np.count_nonzero(taken))
    close = CLOSE * target.tolerance
    total, squares = float(offsets[taken].sum()), float((offsets[taken] ** 2).sum())
    distance = float(_distance(np.array(total), np.array(squares), size, target.std))
    for _ in range(_EXCHANGES):
        inside, outside = _thin(np.flatnonzero(taken)), _thin(np.flatnonzero(~taken))
        if distance <= close or not len(outside):
            return
        a, b = offsets[inside][:, None], offsets[outside][None, :]
        distances = _distance(total + (b - a), squares + (b * b - a * a), size, target.std)
        best = int(distances.argmin())
        if distances.flat[best] >= distance * (1 - 1e-9):
            return
        removed, added = int(inside[best // len(outside)]), int(outside[best % len(outside)])
        taken[removed], taken[added] = False, True
        total += float(offsets[added] - offsets[removed])
        squares += float(offsets[added] ** 2 - offsets[removed] ** 2)
        distance = float(distances.flat[best])


def _distance(total: Floats, squares: Floats, size: int, std: float) -> Floats:
    """Distance of a sample from the target, from sums of its offsets from the mean and squares.

    The larger of the two misses, as in the tolerance; both count where that is equal.
    """
    variance = np.maximum(squares - total * total / size, 0) / (size - 1)
    mean_miss, std_miss = np.abs(total / size), np.abs(np.sqrt(variance) - std)
    return np.maximum(mean_miss, std_miss) + 0.01 * (mean_miss + std_miss)


def _thin(places: Ints) -> Ints:
    """At most `_CANDIDATES` of these places, evenly spaced."""
    if len(places) <= _CANDIDATES:
        return places
    return places[np.linspace(0, len(places) - 1, _CANDIDATES).astype(np.int64)]
