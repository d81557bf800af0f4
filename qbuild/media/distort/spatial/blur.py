"""Blur by defocus and by motion, computed in linear light, since a blur averages light.

Widths scale with the image's shorter side, so that images of any size look equally blurred; below
240 pixels they are constant, since a blur over a fraction of a pixel would not be visible.
"""

from __future__ import annotations

import cv2
import numpy as np

from qbuild.media.distort.parameters import REFERENCE_SIDE
from qbuild.media.distort.spatial.light import from_linear, to_linear
from qbuild.media.images.read_write import Floats, Pixels

_MIN_SCALE = 0.5
_SAMPLES_PER_PIXEL = 16  # of a path; more samples change no weight by more than 0.01


def blur_by_defocus(pixels: Pixels, values: dict[str, float], _seed: int) -> Pixels:
    """Gaussian blur of standard deviation `sigma_px_at_480`."""
    sigma = _scale_length(values["sigma_px_at_480"], pixels)
    side = 2 * round(3 * sigma) + 1
    light = cv2.GaussianBlur(to_linear(pixels), (side, side), sigma, borderType=cv2.BORDER_REFLECT)
    return from_linear(np.asarray(light, dtype=np.float32))


def blur_by_motion(pixels: Pixels, values: dict[str, float], seed: int) -> Pixels:
    """Blur by a uniform motion of `length_px_at_480` at a random angle from 0 to 180 degrees."""
    angle = np.random.Generator(np.random.PCG64(seed)).uniform(0, 180)
    path = path_weights(_scale_length(values["length_px_at_480"], pixels), angle)
    light = cv2.filter2D(to_linear(pixels), -1, path, borderType=cv2.BORDER_REFLECT)
    return from_linear(np.asarray(light, dtype=np.float32))


def path_weights(length: float, angle: float) -> Floats:
    """The share of the exposure of a moving point at each pixel, `[side, side]`, sum 1."""
    samples = max(2, int(np.ceil(length * _SAMPLES_PER_PIXEL)))
    along = ((np.arange(samples) + 0.5) / samples - 0.5) * length
    reach = int(np.ceil(length / 2)) + 1
    across = along * np.cos(np.deg2rad(angle)) + reach
    down = along * np.sin(np.deg2rad(angle)) + reach
    x, y = np.floor(across).astype(int), np.floor(down).astype(int)
    right, below = across - x, down - y  # a sample is shared by the four pixels around it
    weights = np.zeros((2 * reach + 1, 2 * reach + 1))
    for dx, dy, share in (
        (0, 0, (1 - right) * (1 - below)),
        (1, 0, right * (1 - below)),
        (0, 1, (1 - right) * below),
        (1, 1, right * below),
    ):
        np.add.at(weights, (y + dy, x + dx), share)
    return (weights / samples).astype(np.float32)


def _scale_length(length: float, pixels: Pixels) -> float:
    shorter = int(min(pixels.shape[:2]))
    return length * max(_MIN_SCALE, shorter / REFERENCE_SIDE)
