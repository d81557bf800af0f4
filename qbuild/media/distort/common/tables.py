"""Values by table, and floats to grey levels: where a kernel needs no arithmetic a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BAND_PIXELS = 1 << 19
HAIR = 1 / 1024  # keeps whole numbers whole when floor is had from OpenCV's rounding
_TO_FLOOR = np.full(4, HAIR - 0.5)  # a value a channel


def bands(height: int, width: int) -> Iterator[slice]:
    """Runs of rows of at most half a million pixels, from the top: bounds what a kernel holds.

    Where draws are made band by band their order follows from these: another height of band is
    another picture for the same seed.
    """
    rows = max(1, BAND_PIXELS // width)
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def by_pairs(
    table: NDArray[np.uint8], rows: NDArray[np.uint8], columns: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """`table[rows, columns]` for a table `[256, 256]` and two arrays of one shape."""
    pairs = cv2.merge([columns.reshape(-1, 1), rows.reshape(-1, 1)])  # low byte, high byte
    return table.reshape(-1).take(pairs.view("<u2").reshape(rows.shape))


def floor(values: NDArray[np.float32], into: NDArray[np.uint8]) -> None:
    """Writes the whole parts, cut to 0…255, which is how the reference ends every kernel."""
    cv2.add(values, _TO_FLOOR, dst=into, dtype=cv2.CV_8U)


def grey_levels(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Shares of full scale to grey levels, operation by operation as the reference does it."""
    return (np.clip(values, 0, 1) * 255).astype(np.uint8)


def spread(field: NDArray[Any]) -> NDArray[Any]:
    """A field `[h, w]` as three equal channels."""
    return cv2.cvtColor(field, cv2.COLOR_GRAY2RGB)


def full_scale() -> NDArray[np.float64]:
    """The 256 grey levels as shares of full scale."""
    return np.arange(256) / 255.0
