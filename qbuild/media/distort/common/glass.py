"""Glass blur: neighbouring pixels take each other's place between two Gaussian blurs.

The reference means to swap two pixels, but swaps numpy views: the pixel at hand takes its
neighbour's value and the neighbour keeps it. It goes through the picture from the bottom right, so
a neighbour below or to the right has its new value already, and the value comes along a chain. All
chains of a band of rows are followed at once, all their pixels one step further each time; of a
hundred pixels at most 43 have a next step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from qbuild.media.distort.common.draws import LEVELS, Draws
from qbuild.media.distort.common.tables import floor

if TYPE_CHECKING:
    from numpy.typing import NDArray

BAND_PIXELS = 1 << 15  # of one shuffled band: its chains stay in the cache
TRUNCATE = 4.0  # deviations; where scikit-image ends a Gaussian


def glass_blur(
    pixels: NDArray[np.uint8], draws: Draws, *, sigma: float, reach: float, iterations: float
) -> NDArray[np.uint8]:
    """Blurred, shuffled `iterations` times within `reach` pixels, and blurred again."""
    offsets = offsets_by_word(int(reach), pixels.shape[1])
    packed = pack(gaussian_blur(pixels, sigma))
    for _ in range(int(iterations)):
        for rows in bands_upwards(pixels.shape[0], pixels.shape[1], int(reach)):
            words = draws.words(rows.stop - rows.start, pixels.shape[1] - 2 * int(reach))
            shuffle(packed, offsets.take(words), rows.start, int(reach))
    return gaussian_blur(unpack(packed), sigma)


def gaussian_blur(pixels: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    """The blurred picture, its border repeated outwards."""
    reach = int(TRUNCATE * sigma + 0.5)
    kernel = cv2.getGaussianKernel(2 * reach + 1, sigma, cv2.CV_32F)
    blurred = cv2.sepFilter2D(pixels, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REPLICATE)
    out = np.empty_like(pixels)
    floor(np.asarray(blurred, np.float32), out)
    return out


def offsets_by_word(reach: int, width: int) -> NDArray[np.intp]:
    """For each word of 16 bits a step to a neighbour, in pixels of the flattened picture.

    Steps lie in [-reach, reach) in rows and in columns, all as likely.
    """
    at = np.arange(LEVELS) * (2 * reach) ** 2 // LEVELS
    down, right = at // (2 * reach) - reach, at % (2 * reach) - reach
    return (down * width + right).astype(np.intp)


def bands_upwards(height: int, width: int, reach: int) -> list[slice]:
    """The rows that are shuffled, reach + 1 to height - reach, in bands from the lowest."""
    rows = max(1, BAND_PIXELS // width)
    ends = range(height - reach + 1, reach + 1, -rows)
    return [slice(max(reach + 1, end - rows), end) for end in ends]


def shuffle(packed: NDArray[np.uint32], offsets: NDArray[np.intp], top: int, reach: int) -> None:
    """Gives the pixels of a band their new values, in place; the bands below have theirs.

    `offsets` are those of rows `top` and after, columns reach + 1 to width - reach, `[rows,
    width - 2 reach]`. A pixel outside of these stays as it is.
    """
    width = packed.shape[1]
    rows = len(offsets)
    step = np.zeros((rows + reach, width), np.intp)  # with the rows below that may be met
    step[:rows, reach + 1 : width - reach + 1] = offsets
    source = follow(step.reshape(-1))[: rows * width] + top * width
    packed[top : top + rows] = packed.reshape(-1).take(source).reshape(rows, width)


def follow(step: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each pixel's value comes from, by the step that each takes: `[n]` to `[n]`.

    A step forward lands on a pixel whose own step counts on, a step back or none on an old value.
    """
    forward = step > 0
    after = step + np.arange(len(step))
    last = after.copy()
    going = np.flatnonzero(forward)
    at = after[going]
    while len(going):
        onward = after[at]
        last[going] = onward
        more = forward[at]
        going, at = going[more], onward[more]
    return last


def pack(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """A word a pixel, `[h, w]`."""
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA).view(np.uint32)[..., 0]


def unpack(packed: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The pixels `[h, w, 3]` of such words."""
    return np.asarray(cv2.cvtColor(packed[..., None].view(np.uint8), cv2.COLOR_RGBA2RGB), np.uint8)
