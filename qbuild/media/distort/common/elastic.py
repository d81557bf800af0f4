"""Elastic transform: every pixel drawn from a place nearby, neighbours from places alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from qbuild.media.distort.common.tables import bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qbuild.media.distort.common.draws import Draws

SHARE = 0.01  # deviation of the smoothing, of height and width
WIDTH = 0.005  # most of a displacement before smoothing, of the height, in both directions
TRUNCATE = 3.0  # deviations; where the smoothing ends
FRACTION_BITS = 7


def elastic_transform(
    pixels: NDArray[np.uint8], draws: Draws, *, alpha: float
) -> NDArray[np.uint8]:
    """The picture bent by two smoothed fields of uniform noise."""
    height, width = pixels.shape[:2]
    right, down = (smooth(draws.uniforms(height, width), alpha) for _ in range(2))
    return bent(pixels, right, down)


def smooth(noise: NDArray[np.float32], alpha: float) -> NDArray[np.float32]:
    """Displacements in pixels from noise in (-1, 1)."""
    height, width = noise.shape
    down, right = _gaussian(SHARE * height), _gaussian(SHARE * width)
    down *= WIDTH * height * alpha
    smoothed = cv2.sepFilter2D(noise, -1, right, down, borderType=cv2.BORDER_REFLECT)
    return np.asarray(smoothed, np.float32)


def bent(
    pixels: NDArray[np.uint8], right: NDArray[np.float32], down: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Each pixel from `right` and `down` of its place, linearly; mirrored at the border."""
    fine = cv2.LUT(pixels, _fine_levels())
    out = np.empty_like(pixels)
    height, width = pixels.shape[:2]
    columns = np.arange(width, dtype=np.float32)
    lines = np.arange(height, dtype=np.float32)[:, None]
    for rows in bands(height, width):
        x, y = right[rows] + columns, down[rows] + lines[rows]
        found = cv2.remap(fine, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        out[rows] = np.asarray(found, np.uint16) >> FRACTION_BITS
    return out


def _fine_levels() -> NDArray[np.uint16]:
    """Grey levels in 1/128, a hair less where the reference's float32 ends below the level.

    The reference cuts (x / 255) · 255 to its whole part, which on even ground is x or x - 1.
    """
    levels = np.arange(256)
    shares = levels.astype(np.float32) / np.float32(255)
    kept = (shares * np.float32(255)).astype(np.uint8) == levels
    return ((levels << FRACTION_BITS) - np.where(kept, 0, 1)).astype(np.uint16)


def _gaussian(sigma: float) -> NDArray[np.float32]:
    reach = int(TRUNCATE * sigma + 0.5)
    return np.asarray(cv2.getGaussianKernel(2 * reach + 1, sigma, cv2.CV_32F), np.float32)
