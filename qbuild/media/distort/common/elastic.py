"""Elastic transform: each pixel is moved by a smooth random displacement."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from qbuild.media.distort.common.draws import Draws
from qbuild.media.distort.common.tables import row_bands
from qbuild.media.images.read_write import Floats, Pixels

SMOOTHING = 0.01  # standard deviation of the smoothing, as a share of height and width
MAX_SHIFT = 0.005  # largest displacement before smoothing, as a share of the height
TRUNCATE = 3.0  # standard deviations at which the smoothing kernel ends
FRACTION_BITS = 7


def elastic_transform(pixels: Pixels, draws: Draws, *, alpha: float) -> Pixels:
    """Warp the image by two smoothed fields of uniform noise."""
    height, width = pixels.shape[:2]
    right, down = (displacements(draws.uniforms(height, width), alpha) for _ in range(2))
    return warp(pixels, right, down)


def displacements(noise: Floats, alpha: float) -> Floats:
    """Displacements in pixels, `[h, w]`, from noise in (-1, 1)."""
    height, width = noise.shape
    down, right = _gaussian(SMOOTHING * height), _gaussian(SMOOTHING * width)
    down *= MAX_SHIFT * height * alpha
    smoothed = cv2.sepFilter2D(noise, -1, right, down, borderType=cv2.BORDER_REFLECT)
    return np.asarray(smoothed, np.float32)


def warp(pixels: Pixels, right: Floats, down: Floats) -> Pixels:
    """Sample each pixel `right` and `down` of its position, linearly; mirrored at the border."""
    fine = cv2.LUT(pixels, _fine_levels())
    out = np.empty_like(pixels)
    height, width = pixels.shape[:2]
    columns = np.arange(width, dtype=np.float32)
    lines = np.arange(height, dtype=np.float32)[:, None]
    for rows in row_bands(height, width):
        x, y = right[rows] + columns, down[rows] + lines[rows]
        warped = cv2.remap(fine, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        out[rows] = np.asarray(warped, np.uint16) >> FRACTION_BITS
    return out


def _fine_levels() -> NDArray[np.uint16]:
    """Grey levels in 1/128, reduced by one where the reference's float32 is below the level.

    The reference rounds (x / 255) · 255 down, which on even areas is x or x - 1.
    """
    levels = np.arange(256)
    shares = levels.astype(np.float32) / np.float32(255)
    is_exact = (shares * np.float32(255)).astype(np.uint8) == levels
    return ((levels << FRACTION_BITS) - np.where(is_exact, 0, 1)).astype(np.uint16)


def _gaussian(sigma: float) -> Floats:
    reach = int(TRUNCATE * sigma + 0.5)
    return np.asarray(cv2.getGaussianKernel(2 * reach + 1, sigma, cv2.CV_32F), np.float32)
