"""Lookup tables, bands of rows, and conversion of floats to grey levels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from qbuild.media.images.read_write import Floats, Pixels

BAND_PIXELS = 1 << 19
EPSILON = 1 / 1024  # keeps whole numbers unchanged when OpenCV's rounding is used as floor
_TO_FLOOR = np.full(4, EPSILON - 0.5)  # one value per channel


def row_bands(height: int, width: int) -> Iterator[slice]:
    """Bands of rows of at most half a million pixels, from the top: they bound a kernel's memory.

    Noise is drawn band by band, so the height of the bands affects the image of a seed.
    """
    rows = max(1, BAND_PIXELS // width)
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def lookup_pairs(table: Pixels, rows: Pixels, columns: Pixels) -> Pixels:
    """`table[rows, columns]` for a table `[256, 256]` and two arrays of one shape."""
    indices = cv2.merge([columns.reshape(-1, 1), rows.reshape(-1, 1)])  # low byte, high byte
    return table.reshape(-1).take(indices.view("<u2").reshape(rows.shape))


def write_floor(values: Floats, into: Pixels) -> None:
    """Write values rounded down and clipped to 0…255, the last step of each reference kernel."""
    cv2.add(values, _TO_FLOOR, dst=into, dtype=cv2.CV_8U)


def to_grey_levels(values: NDArray[np.float64]) -> Pixels:
    """Convert shares of full scale to grey levels by the same operations as the reference."""
    return (np.clip(values, 0, 1) * 255).astype(np.uint8)


def grey_to_rgb(field: NDArray[Any]) -> NDArray[Any]:
    """A field `[h, w]` as three equal channels."""
    return cv2.cvtColor(field, cv2.COLOR_GRAY2RGB)


def unit_levels() -> NDArray[np.float64]:
    """The 256 grey levels as shares of full scale."""
    return np.arange(256) / 255.0
