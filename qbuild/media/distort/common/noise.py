"""Gaussian, shot and impulse noise, drawn from tables of quantiles.

The reference rounds the sum of image and noise down. A grey level is a whole number, so the noise
can be rounded down beforehand, and a table of 65,536 whole numbers holds all possible values.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from qbuild.media.distort.common.draws import Draws, midpoints, normal_quantiles
from qbuild.media.distort.common.tables import row_bands, to_grey_levels, unit_levels
from qbuild.media.images.read_write import Pixels

SHOT_BITS = 12  # 4,096 quantiles for each of 256 grey levels: a table of 1 MiB fits in the cache
SHOT_LEVELS = 1 << SHOT_BITS


def gaussian_noise(pixels: Pixels, draws: Draws, *, sigma: float) -> Pixels:
    """Add white Gaussian noise of standard deviation `sigma` to each value."""
    return _add_noise(pixels, draws, gaussian_steps(sigma))


def impulse_noise(pixels: Pixels, draws: Draws, *, amount: float) -> Pixels:
    """Set a share `amount` of the values to 0 or 255 with equal probability."""
    base = cv2.LUT(pixels, to_grey_levels(unit_levels()))  # (x / 255) · 255 is not always x
    return _add_noise(np.asarray(base, np.uint8), draws, impulse_steps(amount))


def shot_noise(pixels: Pixels, draws: Draws, *, photons: float) -> Pixels:
    """Replace each value by a photon count: Poisson with mean `photons` at full scale."""
    table = shot_levels(int(photons)).reshape(-1)
    out = np.empty_like(pixels)
    for rows in row_bands(*pixels.shape[:2]):
        index = pixels[rows].astype(np.intp) << SHOT_BITS
        index |= draws.words(*index.shape) >> (16 - SHOT_BITS)
        table.take(index, out=out[rows], mode="clip")
    return out


def add_steps(pixels: Pixels, steps: NDArray[np.int16]) -> Pixels:
    """The sums, clipped to 0…255."""
    return np.asarray(cv2.add(pixels, steps, dtype=cv2.CV_8U), np.uint8)


@lru_cache(maxsize=5)
def gaussian_steps(sigma: float) -> NDArray[np.int16]:
    """Quantiles of Gaussian noise in grey levels, rounded down, `[65536]`."""
    return np.floor(255 * sigma * normal_quantiles()).astype(np.int16)


@lru_cache(maxsize=5)
def impulse_steps(amount: float) -> NDArray[np.int16]:
    """-255 or 255 for the share `amount` and 0 for the rest, `[65536]`."""
    at = midpoints()
    return (np.where(at < amount, 255, 0) - np.where(at < amount / 2, 510, 0)).astype(np.int16)


@lru_cache(maxsize=5)
def shot_levels(photons: int) -> Pixels:
    """The new level of each grey level at each quantile of its count, `[256, 4096]`."""
    from scipy.special import pdtr

    counts = np.arange(photons + 1)  # from `photons` on, the value is 255
    below = pdtr(counts[:-1], unit_levels()[:, None] * photons)  # P(count ≤ k), [256, photons]
    drawn = np.stack([np.searchsorted(row, midpoints(SHOT_LEVELS)) for row in below])
    return to_grey_levels(counts / photons)[drawn]


def _add_noise(pixels: Pixels, draws: Draws, steps: NDArray[np.int16]) -> Pixels:
    out = np.empty_like(pixels)
    for rows in row_bands(*pixels.shape[:2]):
        band = pixels[rows]
        out[rows] = add_steps(band, steps.take(draws.words(*band.shape)))
    return out
