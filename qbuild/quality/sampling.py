"""Which rows of a set to take: by strata, or so that the scores have a mean and a deviation.

A row's random key comes from the seed and its id alone, and whatever looks at scores looks at
them in order, so the same rows in another order give the same sample. Memory: some 60 bytes a row.

flatten   inclusion probabilities of greatest entropy among those with the size, mean and second
          moment asked for: logistic in 1, x, x² (the exponential tilt that sampling without
          replacement keeps below 1), solved by Newton's method on the dual
          → a systematic sample with these probabilities, in order of the scores
          → a few exchanges of one row for another, where mean or deviation are still off
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ODD = np.uint64(0xBF58476D1CE4E5B9)  # the finaliser of splitmix64
_MIX = np.uint64(0x94D049BB133111EB)
_BLOCK = 8  # rows of the sample that one shuffled stretch of the ordered scores gives
_LEVELS_OF_SCORE = 1 << 11  # beyond so many different scores the dual is solved on their means
_RIDGE = 1e-6  # keeps the dual bounded where no probabilities reach the moments
_NEWTON_STEPS = 80
_EXCHANGES = 400
_BORDER = 0.9  # of the tolerance: how far from the target a sample may aim that cannot reach it
_LOOKED_AT = 300  # rows of either side that one exchange chooses among
CLOSE = 0.02  # of the tolerance: nearer than this no exchange is looked for


@dataclass(frozen=True)
class Target:
    """Mean and sample deviation (n - 1) that a sample is to have, each within `tolerance`."""

    mean: float
    std: float
    tolerance: float

    def met(self, mean: float | None, std: float | None) -> bool:
        """Whether both lie within the tolerance."""
        if mean is None or std is None:
            return False
        return abs(mean - self.mean) <= self.tolerance and abs(std - self.std) <= self.tolerance


def row_keys(hashes: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """A uniform 64-bit key for each hash of an id; another seed (64 bits) gives others."""
    keys = hashes ^ np.uint64(seed)
    keys ^= keys >> np.uint64(30)
    keys *= _ODD
    keys ^= keys >> np.uint64(27)
    keys *= _MIX
    keys ^= keys >> np.uint64(31)
    return keys


def allotted(counts: Sequence[int], size: int) -> list[int]:
    """`size` shared among strata in proportion to their rows, by the largest remainder.

    Each share is its proportional part rounded down or up, so no stratum is asked for more than
    it has; of equal remainders the first stratum's goes first. Needs size ≤ sum(counts).
    """
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    shares = [count * size // total for count in counts]
    remainders = [count * size % total for count in counts]
    first = sorted(range(len(counts)), key=lambda at: -remainders[at])
    for at in first[: size - sum(shares)]:
        shares[at] += 1
    return shares


def drawn(
    strata: NDArray[np.int64], keys: NDArray[np.uint64], sizes: Sequence[int]
) -> NDArray[np.bool_]:
    """Which rows are taken: of each stratum 0, 1, … its size in rows, those of the least keys."""
    order = np.lexsort((keys, strata))
    counts = np.bincount(strata, minlength=len(sizes))
    rank = np.arange(len(strata)) - np.repeat(np.cumsum(counts) - counts, counts)
    taken = np.empty(len(strata), dtype=np.bool_)
    taken[order] = rank < np.asarray(sizes)[strata[order]]
    return taken


def moments(scores: Floats) -> tuple[float | None, float | None]:
    """Mean and sample deviation (n - 1); None where there are too few rows for one."""
    if not len(scores):
        return None, None
    ordered = np.sort(scores)  # so that the last digit does not depend on the order of rows
    return float(ordered.mean()), float(ordered.std(ddof=1)) if len(scores) > 1 else None


def flattened(
    scores: Floats, keys: NDArray[np.uint64], size: int, target: Target, start: float
) -> NDArray[np.bool_]:
    """Which `size` rows are taken, so that their scores come to the target, or near it.

    `start` in [0, 1) is where the systematic sample begins. Needs 2 ≤ size ≤ rows.
    """
    order = np.lexsort((keys, scores))
    ordered, ordered_keys = scores[order], keys[order]
    aim = _aim(_grouped(ordered), size, target) or target
    taken = _systematic(inclusion(ordered, size, aim), ordered_keys, size, start)
    _exchange(ordered, taken, aim)
    found = np.empty(len(scores), dtype=np.bool_)
    found[order] = taken
    return found


def most_rows(scores: Floats, size: int, target: Target) -> int:
    """About the greatest size up to `size` that can reach the target; 0 where none does.

    Probabilities that reach it for some size reach it for every smaller one, scaled down.
    """
    # a sample of whole rows comes as near as its probabilities but for a hair
    target = Target(target.mean, target.std, 0.97 * target.tolerance)
    grouped = _grouped(scores)
    if _aim(grouped, 2, target) is None:
        return 0
    low, high = 2, size + 1
    while high - low > 1:
        middle = (low + high) // 2
        reached = _aim(grouped, middle, target) is not None
        low, high = (middle, high) if reached else (low, middle)
    return low


def _aim(grouped: tuple[Floats, Floats], size: int, target: Target) -> Target | None:
    """The target, or a point within its tolerance, that probabilities reach; None without one."""
    values, counts = grouped
    for across, up in ((0, 0), *((x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y)):
        off = _BORDER * target.tolerance
        std = max(target.std + up * off, target.std / 10)
        aim = Target(target.mean + across * off, std, target.tolerance)
        rows = counts * _inclusion(values, values, counts, size, aim)
        mean = float(rows @ values) / size
        if target.met(mean, math.sqrt(float(rows @ (values - mean) ** 2) / (size - 1))):
            return aim
    return None


def inclusion(scores: Floats, size: int, target: Target) -> Floats:
    """The probability with which each row is to be taken; they sum to `size`.

    Where no probabilities have the moments of the target, those whose moments come nearest.
    """
    return _inclusion(scores, *_grouped(scores), size, target)


def _inclusion(scores: Floats, values: Floats, counts: Floats, size: int, target: Target) -> Floats:
    if size == round(float(counts.sum())):
        return np.ones(len(scores))
    return _shares(_solved(values, counts, size, target), _features(scores, target))


def _features(scores: Floats, target: Target) -> Floats:
    """1, u, u² for each score, u counted in target deviations from the target mean."""
    u = (scores - target.mean) / target.std
    return np.stack([np.ones_like(u), u, u * u])  # (3, rows)


def _shares(theta: Floats, features: Floats) -> Floats:
    """1 / (1 + exp(-θ·f)) without overflow."""
    x = theta @ features
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _solved(values: Floats, counts: Floats, size: int, target: Target) -> Floats:
    """θ (3): the minimum of Σ log(1 + exp(θ·f)) - θ·T, a convex function, by damped Newton steps.

    Its gradient is the difference of the moments from T. The ridge makes it a trade of
    entropy against distance from T where T cannot be reached; the size is always exact.
    """
    rows = float(counts.sum())
    f = _features(values, target)
    wanted = size * np.array([1.0, 0.0, (size - 1) / size])
    choices = min(size, rows - size)
    ridge = choices * _RIDGE * np.array([0.0, 1.0, 1.0])

    def height(theta: Floats) -> float:
        x = theta @ f
        soft = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
        return float(soft @ counts - theta @ wanted + ridge @ (theta * theta) / 2)

    share = size / rows
    theta = np.array([math.log(share / (1 - share)), 0.0, 0.0])
    now = height(theta)
    for _ in range(_NEWTON_STEPS):
        p = _shares(theta, f)
        slope = f @ (counts * p) - wanted + ridge * theta
        if float(np.abs(slope).max()) <= 1e-9 * size:
            break
        curve = (f * (counts * p * (1 - p))) @ f.T + np.diag(ridge + 1e-12 * choices)
        scale = np.sqrt(np.diag(curve))  # so that u² beside 1 cannot make it singular
        step = np.linalg.solve(curve / np.outer(scale, scale) + 1e-12 * np.eye(3), slope / scale)
        step /= scale
        gain = float(slope @ step)
        if gain <= 1e-10 * choices:
            break
        pace = 1.0
        while pace > 1e-9 and not height(theta - pace * step) <= now - 1e-4 * pace * gain:
            pace /= 2
        if pace <= 1e-9:
            break
        theta = theta - pace * step
        now = height(theta)
    return theta


def _grouped(scores: Floats) -> tuple[Floats, Floats]:
    """Different scores and how often each stands; of very many, means of narrow intervals."""
    values, repeats = np.unique(scores, return_counts=True)
    counts = repeats.astype(np.float64)
    if len(values) <= _LEVELS_OF_SCORE:
        return values, counts
    place = (values - values[0]) * ((_LEVELS_OF_SCORE - 1) / (values[-1] - values[0]))
    places = place.astype(np.int64)
    rows = np.bincount(places, weights=counts).astype(np.float64)
    sums = np.bincount(places, weights=counts * values)
    return sums[rows > 0] / rows[rows > 0], rows[rows > 0]


def _systematic(
    shares: Floats, keys: NDArray[np.uint64], size: int, start: float
) -> NDArray[np.bool_]:
    """A sample of exactly `size` rows with these probabilities, spread over the ordered scores.

    Rows are shuffled by key within stretches that give `_BLOCK` rows of the sample, so that any
    two neighbours may be taken together.
    """
    stretch = (np.cumsum(shares) / _BLOCK).astype(np.int64)
    order = np.lexsort((keys, stretch))
    sums = np.cumsum(shares[order])
    points = (np.arange(size) + start) * (sums[-1] / size)
    at = np.unique(np.minimum(np.searchsorted(sums, points, side="right"), len(sums) - 1))
    taken = np.zeros(len(shares), dtype=np.bool_)
    taken[order[at]] = True
    lacking = size - len(at)  # by rounding, where a probability is 1: the likeliest others
    if lacking:
        left = np.flatnonzero(~taken)
        taken[left[np.lexsort((keys[left], -shares[left]))[:lacking]]] = True
    return taken


def _exchange(ordered: Floats, taken: NDArray[np.bool_], target: Target) -> None:
    """Swap single rows while that brings mean and deviation nearer to a target not yet close."""
    offsets = ordered - target.mean
    size = int(np.count_nonzero(taken))
    close = CLOSE * target.tolerance
    total, squares = float(offsets[taken].sum()), float((offsets[taken] ** 2).sum())
    now = float(_distance(np.array(total), np.array(squares), size, target.std))
    for _ in range(_EXCHANGES):
        out, into = _spread(np.flatnonzero(taken)), _spread(np.flatnonzero(~taken))
        if now <= close or not len(into):
            return
        a, b = offsets[out][:, None], offsets[into][None, :]
        found = _distance(total + (b - a), squares + (b * b - a * a), size, target.std)
        best = int(found.argmin())
        if found.flat[best] >= now * (1 - 1e-9):
            return
        gone, come = int(out[best // len(into)]), int(into[best % len(into)])
        taken[gone], taken[come] = False, True
        total += float(offsets[come] - offsets[gone])
        squares += float(offsets[come] ** 2 - offsets[gone] ** 2)
        now = float(found.flat[best])


def _distance(total: Floats, squares: Floats, size: int, std: float) -> Floats:
    """How far a sample is from the target, for sums of offsets from its mean and their squares.

    That is the greater of the two misses, as the tolerance has it; both count where that is equal.
    """
    variance = np.maximum(squares - total * total / size, 0) / (size - 1)
    off, up = np.abs(total / size), np.abs(np.sqrt(variance) - std)
    return np.maximum(off, up) + 0.01 * (off + up)


def _spread(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `_LOOKED_AT` of these places, evenly over all of them."""
    if len(places) <= _LOOKED_AT:
        return places
    return places[np.linspace(0, len(places) - 1, _LOOKED_AT).astype(np.int64)]
