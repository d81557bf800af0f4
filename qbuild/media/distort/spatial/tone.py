"""Noise, exposure, contrast and saturation: each pixel is changed independently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from qbuild.media.distort.spatial.light import from_linear, light_of_code, to_linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

BT601 = (0.299, 0.587, 0.114)  # luma of red, green, blue


def add_noise(pixels: NDArray[np.uint8], values: dict[str, float], seed: int) -> NDArray[np.uint8]:
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


def scale_exposure(
    pixels: NDArray[np.uint8], values: dict[str, float], _seed: int
) -> NDArray[np.uint8]:
    """Multiply linear light by 2 to the power of `stops`; highlights are clipped."""
    light = light_of_code() * np.float32(2 ** values["stops"])
    return np.asarray(cv2.LUT(pixels, from_linear(light)), dtype=np.uint8)


def scale_contrast(
    pixels: NDArray[np.uint8], values: dict[str, float], _seed: int
) -> NDArray[np.uint8]:
    """Multiply the difference of code values to the mean luma by `gain`."""
    mean = sum(weight * pixels[..., at].mean() for at, weight in enumerate(BT601))
    code = mean + values["gain"] * (np.arange(256) - mean)
    table = np.clip(np.rint(code), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, table), dtype=np.uint8)


def scale_saturation(
    pixels: NDArray[np.uint8], values: dict[str, float], _seed: int
) -> NDArray[np.uint8]:
    """Multiply chroma, the difference of code values to luma, by `gain`.

    Equivalent to scaling Cb and Cr of YCbCr; luma is kept except where a channel is clipped.
    """
    gain = values["gain"]
    matrix = gain * np.eye(3) + (1 - gain) * np.array([BT601] * 3)
    return np.asarray(cv2.transform(pixels, matrix.astype(np.float32)), dtype=np.uint8)
