"""Random numbers from a seed, all derived from the raw words of one SFC64 generator.

numpy guarantees that raw words do not change between its versions; it does not guarantee this for
`Generator.normal` and others. An array uses 16 bits per value: 65,536 quantiles approximate the
distribution.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qbuild.media.images.read_write import Floats

LEVELS = 1 << 16


class Draws:
    """One stream of random numbers; the same calls in the same order give the same values."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.SFC64(seed)

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self._bits.random_raw()) * limit >> 64

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * (self._bits.random_raw() / 2**64)

    def words(self, *shape: int) -> NDArray[np.uint16]:
        """Whole numbers from 0 to 65,535, in an array of this shape."""
        count = int(np.prod(shape))
        raw: NDArray[np.uint64] = self._bits.random_raw(-(-count // 4))
        return raw.view(np.uint16)[:count].reshape(shape)

    def uniforms(self, *shape: int) -> Floats:
        """Numbers in (-1, 1) from 65,536 evenly spaced ones, in an array of this shape."""
        field = self.words(*shape).astype(np.float32)
        field += np.float32(0.5 - LEVELS / 2)
        field *= np.float32(2 / LEVELS)
        return field


def midpoints(levels: int = LEVELS) -> NDArray[np.float64]:
    """The midpoints of `levels` equal parts of [0, 1], at which quantiles are evaluated."""
    return (np.arange(levels) + 0.5) / levels


@cache
def normal_quantiles() -> NDArray[np.float64]:
    """Quantiles of the standard normal distribution at `midpoints()`, from -4.3 to 4.3."""
    from scipy.special import ndtri

    values: NDArray[np.float64] = ndtri(midpoints())
    return values
