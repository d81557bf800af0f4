"""Observers excluded by the rule of Recommendation ITU-R BT.500-13, Annex 2, section 2.3.1.

A presentation here is one medium's votes. With β2 = m4 / m2² (m: central moments over N votes),
the band around its mean is 2·S where 2 ≤ β2 ≤ 4 and √20·S elsewhere, S being the sample deviation.
P counts an observer's votes on or above the band, Q those on or below it. An observer of J votes
is excluded where (P + Q) / J > 0.05 and |P - Q| / (P + Q) < 0.3. The rule is applied once; it is
meant for few (under 20) lay observers who all saw everything.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qbuild.quality.arrays import Floats, Mask

MAX_SHARE_OUTSIDE = 0.05
MIN_IMBALANCE = 0.3


def screen_observers(scores: Floats, media: NDArray[np.intp], observers: NDArray[np.intp]) -> Mask:
    """Which observers are excluded; `media` and `observers` are codes 0, 1, … of each vote."""
    above, below = _outside(scores, media)
    size = int(observers.max()) + 1
    p = np.bincount(observers, weights=above, minlength=size)
    q = np.bincount(observers, weights=below, minlength=size)
    votes = np.maximum(np.bincount(observers, minlength=size), 1)
    outside = p + q
    imbalance = np.abs(p - q) / np.maximum(outside, 1)
    return np.asarray((outside / votes > MAX_SHARE_OUTSIDE) & (imbalance < MIN_IMBALANCE))


def _outside(scores: Floats, media: NDArray[np.intp]) -> tuple[Mask, Mask]:
    """Which votes are on or above, and on or below, the band of their medium."""
    count = np.bincount(media)
    mean = np.bincount(media, weights=scores) / np.maximum(count, 1)
    off = scores - mean[media]
    second = np.bincount(media, weights=off**2)  # sums: divided by N they are the moments
    fourth = np.bincount(media, weights=off**4)
    # where all votes are equal the band has no width and no vote is outside; 1e-9 is rounding
    varied = second > count * (1e-9 * np.maximum(np.abs(mean), 1)) ** 2
    beta = np.divide(fourth * count, second**2, out=np.zeros_like(second), where=varied)
    deviation = np.sqrt(second / np.maximum(count - 1, 1))
    band = np.where((beta >= 2) & (beta <= 4), 2.0, np.sqrt(20.0)) * deviation
    return (off >= band[media]) & varied[media], (off <= -band[media]) & varied[media]
