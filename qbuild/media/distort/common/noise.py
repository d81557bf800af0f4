"""Gaussian, shot and impulse noise, drawn from tables of quantiles.

The reference ends with the whole part of a sum. A grey level is whole, so the whole part can be
taken of the noise beforehand, and a table of 65,536 whole numbers is all the noise there is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from qbuild.media.distort.common.draws import Draws, middles, normal_quantiles
from qbuild.media.distort.common.tables import bands, full_scale, grey_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOT_BITS = 12  # 4,096 quantiles for each of 256 grey levels: a table of 1 MiB, which stays cached
SHOT_LEVELS = 1 << SHOT_BITS


def gaussian_noise(pixels: NDArray[np.uint8], draws: Draws, *, sigma: float) -> NDArray[np.uint8]:
    """White Gaussian noise of deviation `sigma`, each value on its own."""
    return _noisy(pixels, draws, gaussian_steps(sigma))


def impulse_noise(pixels: NDArray[np.uint8], draws: Draws, *, amount: float) -> NDArray[np.uint8]:
    """A share `amount` of the values at 0 or 255, both as likely, each value on its own."""
    kept = cv2.LUT(pixels, grey_levels(full_scale()))  # (x / 255) · 255 is not always x
    return _noisy(np.asarray(kept, np.uint8), draws, impulse_steps(amount))


def shot_noise(pixels: NDArray[np.uint8], draws: Draws, *, photons: float) -> NDArray[np.uint8]:
    """Each value as a count of light: Poisson with mean `photons` at full scale."""
    table = shot_levels(int(photons)).reshape(-1)
    out = np.empty_like(pixels)
    for rows in bands(*pixels.shape[:2]):
        index = pixels[rows].astype(np.intp) << SHOT_BITS
        index |= draws.words(*index.shape) >> (16 - SHOT_BITS)
        table.take(index, out=out[rows], mode="clip")
    return out


def add_steps(pixels: NDArray[np.uint8], steps: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The sums, cut to 0…255."""
    return np.asarray(cv2.add(pixels, steps, dtype=cv2.CV_8U), np.uint8)


@lru_cache(maxsize=5)
def gaussian_steps(sigma: float) -> NDArray[np.int16]:
    """The whole parts of Gaussian noise in grey levels, `[65536]`."""
    return np.floor(255 * sigma * normal_quantiles()).astype(np.int16)


@lru_cache(maxsize=5)
def impulse_steps(amount: float) -> NDArray[np.int16]:
    """-255 and 255 for the share `amount` and 0 for the rest, `[65536]`."""
    at = middles()
    return (np.where(at < amount, 255, 0) - np.where(at < amount / 2, 510, 0)).astype(np.int16)


@lru_cache(maxsize=5)
def shot_levels(photons: int) -> NDArray[np.uint8]:
    """What a grey level becomes at each quantile of its count, `[256, 4096]`."""
    from scipy.special import pdtr

    counts = np.arange(photons + 1)  # at `photons` and more the value is 255
    below = pdtr(counts[:-1], full_scale()[:, None] * photons)  # P(count ≤ k), [256, photons]
    found = np.stack([np.searchsorted(row, middles(SHOT_LEVELS)) for row in below])
    return grey_levels(counts / photons)[found]


def _noisy(pixels: NDArray[np.uint8], draws: Draws, steps: NDArray[np.int16]) -> NDArray[np.uint8]:
    out = np.empty_like(pixels)
    for rows in bands(*pixels.shape[:2]):
        here = pixels[rows]
        out[rows] = add_steps(here, steps.take(draws.words(*here.shape)))
    return out
