"""Conversion between sRGB code values and linear light (IEC 61966-2-1), by lookup tables."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FINE = 65_535  # linear steps: the darkest of the 256 code values spans 20 of them


@cache
def light_of_code() -> NDArray[np.float32]:
    """The linear light, 0 to 1, of each of the 256 code values."""
    code = np.arange(256) / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@cache
def code_of_light() -> NDArray[np.uint8]:
    """The code value nearest to each of 65,536 even steps of linear light from 0 to 1."""
    light = np.arange(_FINE + 1) / _FINE
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    nearest: NDArray[np.uint8] = np.rint(code * 255).astype(np.uint8)
    return nearest


def to_linear(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert sRGB pixels to linear light, 0 to 1, of the same shape."""
    return np.asarray(cv2.LUT(pixels, light_of_code()), dtype=np.float32)


def from_linear(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Convert linear light to sRGB pixels; values outside 0 to 1 are clipped, as by a sensor."""
    steps = np.clip(light, 0, 1)
    steps *= _FINE
    steps += 0.5
    return code_of_light().take(steps.astype(np.uint16))
