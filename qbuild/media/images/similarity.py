"""Similarity of two images of the same size: PSNR in dB, and SSIM."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qbuild.media.images.read_write import Pixels, check_rgb

_SIDE, _SIGMA = 11, 1.5  # the Gaussian window of Wang et al. 2004
_RADIUS = _SIDE // 2
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_STRIP = 128  # rows of the SSIM map computed at a time: they fit in cache and bound the memory


def psnr(a: Pixels, b: Pixels) -> float | None:
    """Peak signal-to-noise ratio in dB over all channels, peak 255; None for equal images.

    ValueError unless both are uint8 `[h, w, 3]` of the same size.
    """
    import cv2

    _check(a, b)
    squares = round(cv2.norm(a, b, cv2.NORM_L2SQR))  # a whole number except for float error
    return 10 * math.log10(255**2 * a.size / squares) if squares else None


def ssim(a: Pixels, b: Pixels) -> float:
    """Mean structural similarity of luma (BT.601): 1 for equal images, at least -1.

    Wang et al. 2004, Image quality assessment: from error visibility to structural similarity, with
    its Gaussian window (11 pixels, standard deviation 1.5), K1 = 0.01 and K2 = 0.03. The mean is
    over the pixels whose window is inside the image. ValueError unless both are uint8
    `[h, w, 3]` of the same size, at least 11 pixels per side.
    """
    import cv2

    _check(a, b)
    height, width = a.shape[:2]
    if min(height, width) < _SIDE:
        raise ValueError(f"{width} x {height} pixels; SSIM expects at least {_SIDE} per side")
    if np.array_equal(a, b):
        return 1.0
    lumas = (cv2.cvtColor(a, cv2.COLOR_RGB2GRAY), cv2.cvtColor(b, cv2.COLOR_RGB2GRAY))
    starts = range(0, height - 2 * _RADIUS, _STRIP)  # each strip has the radius on both sides
    strips = (slice(start, start + _STRIP + 2 * _RADIUS) for start in starts)
    total = sum(_strip_sum(lumas[0][rows], lumas[1][rows]) for rows in strips)
    mean = total / int((height - 2 * _RADIUS) * (width - 2 * _RADIUS))
    return max(-1.0, min(1.0, mean))  # float32 may exceed 1 slightly where the lumas are equal


def _strip_sum(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """The sum of the SSIM map over the pixels whose window is inside the strip."""
    import cv2

    # centred on mid-grey, squares are small enough for float32 variances to stay precise
    x, y = (luma.astype(np.float32) - np.float32(128) for luma in (a, b))

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        smooth = cv2.GaussianBlur(values, (_SIDE, _SIDE), _SIGMA)
        return np.asarray(smooth, dtype=np.float32)[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]

    mean_x, mean_y = mean(x), mean(y)
    covariance = mean(x * y) - mean_x * mean_y
    variances = mean(x * x + y * y) - mean_x * mean_x - mean_y * mean_y
    mean_x, mean_y = mean_x + 128, mean_y + 128
    above = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    below = (mean_x * mean_x + mean_y * mean_y + _C1) * (variances + _C2)
    return float(np.sum(above / below, dtype=np.float64))


def _check(a: Pixels, b: Pixels) -> None:
    check_rgb(a)
    check_rgb(b)
    if a.shape != b.shape:
        raise ValueError(f"images of {list(a.shape)} and {list(b.shape)}; expected the same size")
