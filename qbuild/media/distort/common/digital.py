"""Brightness, contrast, pixelation and JPEG."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from qbuild.media.distort.common.tables import (
    grey_to_rgb,
    lookup_pairs,
    row_bands,
    to_grey_levels,
    unit_levels,
)
from qbuild.media.images.read_write import Pixels


def brightness(pixels: Pixels, *, amount: float) -> Pixels:
    """Add `amount` to the value of each pixel; hue and saturation are kept."""
    table = _brightness_table(amount)
    out = np.empty_like(pixels)
    for rows in row_bands(*pixels.shape[:2]):
        band = pixels[rows]
        red, green, blue = cv2.split(band)
        value = grey_to_rgb(cv2.max(cv2.max(red, green), blue))
        out[rows] = lookup_pairs(table, value, band)
    return out


@lru_cache(maxsize=5)
def _brightness_table(amount: float) -> Pixels:
    """New level of a channel by the value of its pixel and its own level, `[256, 256]`.

    A level is value · (1 - saturation · share); hue and saturation are kept with level / value.
    """
    level = unit_levels()
    value = level[:, None]
    saturation = np.divide(value - level, value, out=np.zeros((256, 256)), where=value > 0)
    return to_grey_levels(np.minimum(value + amount, 1) * (1 - saturation))


def contrast(pixels: Pixels, *, factor: float) -> Pixels:
    """Multiply the differences of each channel to its mean over the image by `factor`."""
    means = np.array(cv2.mean(pixels)[:3]) / 255
    table = to_grey_levels((unit_levels()[:, None] - means) * factor + means)
    return np.asarray(cv2.LUT(pixels, table[None]), np.uint8)


def pixelate(pixels: Pixels, *, factor: float) -> Pixels:
    """Shrink the image by averaging and enlarge it again by nearest neighbour."""
    height, width = pixels.shape[:2]
    small = Image.fromarray(pixels).resize(
        (int(width * factor), int(height * factor)), Image.Resampling.BOX
    )
    return np.array(small.resize((width, height), Image.Resampling.NEAREST))


def jpeg_compression(pixels: Pixels, *, quality: float) -> Pixels:
    """Encode and decode the image as JPEG with Pillow, chroma at half resolution."""
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=int(quality))
    with Image.open(stream) as opened:
        return np.array(opened)
