"""Noise of a sensor: of the light itself and of reading it out, in linear light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from qbuild.media.distort.spatial.light import decoded, encoded, light_of_code

if TYPE_CHECKING:
    from numpy.typing import NDArray


def add_noise(pixels: NDArray[np.uint8], figures: dict[str, float], seed: int) -> NDArray[np.uint8]:
    """The picture as a sensor counts it, each channel of each pixel for itself.

    A count of n electrons deviates by sqrt(n + read noise²): shot noise and read noise, both taken
    as Gaussian (Foi et al. 2008, Practical Poissonian-Gaussian noise modeling).
    """
    white, read = figures["electrons_at_white"], figures["read_noise_electrons"]
    deviations = np.sqrt(light_of_code() * white + read**2) / white  # of each code value
    generator = np.random.Generator(np.random.PCG64(seed))
    light = generator.standard_normal(pixels.shape, dtype=np.float32)
    light *= cv2.LUT(pixels, deviations.astype(np.float32))
    light += decoded(pixels)
    return encoded(light)
