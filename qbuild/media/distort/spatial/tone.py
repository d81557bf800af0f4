"""Exposure, contrast and saturation: every pixel for itself, clipped to what eight bits hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from qbuild.media.distort.spatial.light import encoded, light_of_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

BT601 = (0.299, 0.587, 0.114)  # luma of red, green, blue


def expose(pixels: NDArray[np.uint8], figures: dict[str, float], _seed: int) -> NDArray[np.uint8]:
    """The picture with its light multiplied by 2 to the `stops`; highlights clip."""
    light = light_of_code() * np.float32(2 ** figures["stops"])
    return np.asarray(cv2.LUT(pixels, encoded(light)), dtype=np.uint8)


def stretch(pixels: NDArray[np.uint8], figures: dict[str, float], _seed: int) -> NDArray[np.uint8]:
    """The picture with its code values' distance to the mean luma multiplied by `gain`."""
    mean = sum(weight * pixels[..., at].mean() for at, weight in enumerate(BT601))
    code = mean + figures["gain"] * (np.arange(256) - mean)
    table = np.clip(np.rint(code), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, table), dtype=np.uint8)


def saturate(pixels: NDArray[np.uint8], figures: dict[str, float], _seed: int) -> NDArray[np.uint8]:
    """The picture with its chroma (the distance of code values to luma) multiplied by `gain`.

    The same as scaling Cb and Cr of YCbCr; luma stays but where a channel clips.
    """
    gain = figures["gain"]
    matrix = gain * np.eye(3) + (1 - gain) * np.array([BT601] * 3)
    return np.asarray(cv2.transform(pixels, matrix.astype(np.float32)), dtype=np.uint8)
