"""Random figures from a seed, all made of the raw words of one SFC64 generator.

numpy promises that raw words never change between its versions; of `Generator.normal` and the like
it does not. A field takes 16 bits a value: 65,536 quantiles stand for the distribution.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = 1 << 16


class Draws:
    """One stream of draws; the same order of the same calls gives the same values."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.SFC64(seed)

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self._bits.random_raw()) * limit >> 64

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * (self._bits.random_raw() / 2**64)

    def words(self, *shape: int) -> NDArray[np.uint16]:
        """Whole numbers from 0 to 65,535 in an array of this shape."""
        count = int(np.prod(shape))
        raw: NDArray[np.uint64] = self._bits.random_raw(-(-count // 4))
        return raw.view(np.uint16)[:count].reshape(shape)

    def uniforms(self, *shape: int) -> NDArray[np.float32]:
        """Numbers in (-1, 1), 65,536 of them evenly apart, in an array of this shape."""
        field = self.words(*shape).astype(np.float32)
        field += np.float32(0.5 - LEVELS / 2)
        field *= np.float32(2 / LEVELS)
        return field


def middles(levels: int = LEVELS) -> NDArray[np.float64]:
    """The middles of `levels` equal parts of [0, 1]: where quantiles are read off."""
    return (np.arange(levels) + 0.5) / levels


@cache
def normal_quantiles() -> NDArray[np.float64]:
    """The standard normal's values at `middles()`, from -4.3 to 4.3."""
    from scipy.special import ndtri

    values: NDArray[np.float64] = ndtri(middles())
    return values
