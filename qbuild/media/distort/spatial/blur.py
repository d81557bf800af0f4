"""Blur by defocus and by motion: light is averaged, so both work on linear light.

Widths grow with the picture's shorter side, so that a picture looks as blurred at any size; below
240 pixels they stay, for a blur over a fraction of a pixel would not show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from qbuild.media.distort.spatial.light import decoded, encoded
from qbuild.media.distort.spatial.severities import REFERENCE_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_SCALE = 0.5
_SAMPLES_A_PIXEL = 16  # of a path; finer ones change no weight by more than 0.01


def defocus(pixels: NDArray[np.uint8], figures: dict[str, float], _seed: int) -> NDArray[np.uint8]:
    """Gaussian blur of standard deviation `sigma_px_at_480`."""
    sigma = _scaled(figures["sigma_px_at_480"], pixels)
    side = 2 * round(3 * sigma) + 1
    light = cv2.GaussianBlur(decoded(pixels), (side, side), sigma, borderType=cv2.BORDER_REFLECT)
    return encoded(np.asarray(light, dtype=np.float32))


def move(pixels: NDArray[np.uint8], figures: dict[str, float], seed: int) -> NDArray[np.uint8]:
    """Blur by an even movement of `length_px_at_480` along an angle drawn from 0 to 180 degrees."""
    angle = np.random.Generator(np.random.PCG64(seed)).uniform(0, 180)
    path = path_weights(_scaled(figures["length_px_at_480"], pixels), angle)
    light = cv2.filter2D(decoded(pixels), -1, path, borderType=cv2.BORDER_REFLECT)
    return encoded(np.asarray(light, dtype=np.float32))


def path_weights(length: float, angle: float) -> NDArray[np.float32]:
    """The share of the exposure that a moving point spends at each pixel, `[side, side]`, sum 1."""
    samples = max(2, int(np.ceil(length * _SAMPLES_A_PIXEL)))
    along = ((np.arange(samples) + 0.5) / samples - 0.5) * length
    reach = int(np.ceil(length / 2)) + 1
    across = along * np.cos(np.deg2rad(angle)) + reach
    down = along * np.sin(np.deg2rad(angle)) + reach
    x, y = np.floor(across).astype(int), np.floor(down).astype(int)
    right, below = across - x, down - y  # a sample between pixels is shared by the four around it
    weights = np.zeros((2 * reach + 1, 2 * reach + 1))
    for dx, dy, share in (
        (0, 0, (1 - right) * (1 - below)),
        (1, 0, right * (1 - below)),
        (0, 1, (1 - right) * below),
        (1, 1, right * below),
    ):
        np.add.at(weights, (y + dy, x + dx), share)
    return (weights / samples).astype(np.float32)


def _scaled(length: float, pixels: NDArray[np.uint8]) -> float:
    shorter = int(min(pixels.shape[:2]))
    return length * max(_LEAST_SCALE, shorter / REFERENCE_SIDE)
