"""Linear light (IEC 61966-2-1), and the distortions that change each pixel independently."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from qbuild.media.images.read_write import Floats, Pixels

BT601 = (0.299, 0.587, 0.114)  # luma of red, green, blue
_FINE = 65_535  # linear steps: the darkest of the 256 code values spans 20 of them


@cache
def light_of_code() -> Floats:
    """The linear light, 0 to 1, of each of the 256 code values."""
    code = np.arange(256) / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@cache
def code_of_light() -> Pixels:
    """The code value nearest to each of 65,536 even steps of linear light from 0 to 1."""
    light = np.arange(_FINE + 1) / _FINE
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    nearest: Pixels = np.rint(code * 255).astype(np.uint8)
    return nearest


def to_linear(pixels: Pixels) -> Floats:
    """Convert sRGB pixels to linear light, 0 to 1, of the same shape."""
    return np.asarray(cv2.LUT(pixels, light_of_code()), dtype=np.float32)


def from_linear(light: Floats) -> Pixels:
    """Convert linear light to sRGB pixels; values outside 0 to 1 are clipped, as by a sensor."""
    steps = np.clip(light, 0, 1)
    steps *= _FINE
    steps += 0.5
    return code_of_light().take(steps.astype(np.uint16))


def add_noise(pixels: Pixels, values: dict[str, float], seed: int) -> Pixels:
    """Simulate sensor noise in linear light, independently for each channel of each pixel.

    A count of n electrons deviates by sqrt(n + read noise²): shot noise and read noise, both
    approximated as Gaussian (Foi et al. 2008, Practical Poissonian-Gaussian noise modeling).
    """
    white, read = values["electrons_at_white"], values["read_noise_electrons"]
    deviations = np.sqrt(light_of_code() * white + read**2) / white  # of each code value
    generator = np.random.Generator(np.random.PCG64(seed))
    light = generator.standard_normal(pixels.shape, dtype=np.float32)
    light *= cv2.LUT(pixels, deviations.astype(np.float32))
    light += to_linear(pixels)
    return from_linear(light)


def scale_exposure(pixels: Pixels, values: dict[str, float], _seed: int) -> Pixels:
    """Multiply linear light by 2 to the power of `stops`; highlights are clipped."""
    light = light_of_code() * np.float32(2 ** values["stops"])
    return np.asarray(cv2.LUT(pixels, from_linear(light)), dtype=np.uint8)


def scale_contrast(pixels: Pixels, values: dict[str, float], _seed: int) -> Pixels:
    """Multiply the difference of code values to the mean luma by `gain`."""
    mean = sum(weight * pixels[..., at].mean() for at, weight in enumerate(BT601))
    code = mean + values["gain"] * (np.arange(256) - mean)
    table = np.clip(np.rint(code), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, table), dtype=np.uint8)


def scale_saturation(pixels: Pixels, values: dict[str, float], _seed: int) -> Pixels:
    """Multiply chroma, the difference of code values to luma, by `gain`.

    Equivalent to scaling Cb and Cr of YCbCr; luma is kept except where a channel is clipped.
    """
    gain = values["gain"]
    matrix = gain * np.eye(3) + (1 - gain) * np.array([BT601] * 3)
    return np.asarray(cv2.transform(pixels, matrix.astype(np.float32)), dtype=np.uint8)
