"""Brightness, contrast, pixelation and JPEG."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from qbuild.media.distort.common.tables import bands, by_pairs, full_scale, grey_levels, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray


def brightness(pixels: NDArray[np.uint8], *, amount: float) -> NDArray[np.uint8]:
    """The picture with `amount` added to its value, hue and saturation kept."""
    table = _brighter(amount)
    out = np.empty_like(pixels)
    for rows in bands(*pixels.shape[:2]):
        here = pixels[rows]
        red, green, blue = cv2.split(here)
        out[rows] = by_pairs(table, spread(cv2.max(cv2.max(red, green), blue)), here)
    return out


@lru_cache(maxsize=5)
def _brighter(amount: float) -> NDArray[np.uint8]:
    """What a channel becomes, by the pixel's value and its own level: `[256, 256]`.

    A level is value · (1 - saturation · share); with hue and saturation kept, level / value stays.
    """
    level = full_scale()
    value = level[:, None]
    saturation = np.divide(value - level, value, out=np.zeros((256, 256)), where=value > 0)
    return grey_levels(np.minimum(value + amount, 1) * (1 - saturation))


def contrast(pixels: NDArray[np.uint8], *, factor: float) -> NDArray[np.uint8]:
    """Each channel's distances from its mean over the picture, times `factor`."""
    means = np.array(cv2.mean(pixels)[:3]) / 255
    table = grey_levels((full_scale()[:, None] - means) * factor + means)
    return np.asarray(cv2.LUT(pixels, table[None]), np.uint8)


def pixelate(pixels: NDArray[np.uint8], *, factor: float) -> NDArray[np.uint8]:
    """The picture made smaller by averages, and larger again by repetition."""
    height, width = pixels.shape[:2]
    small = Image.fromarray(pixels).resize(
        (int(width * factor), int(height * factor)), Image.Resampling.BOX
    )
    return np.array(small.resize((width, height), Image.Resampling.NEAREST))


def jpeg_compression(pixels: NDArray[np.uint8], *, quality: float) -> NDArray[np.uint8]:
    """The picture after JPEG as Pillow writes and reads it, colour at half resolution."""
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=int(quality))
    with Image.open(stream) as opened:
        return np.array(opened)
