"""Glass blur: pixels are replaced by random neighbours between two Gaussian blurs.

The reference intends to swap two pixels but swaps numpy views: the current pixel takes its
neighbour's value and the neighbour keeps it. It iterates from the bottom right, so a neighbour
below or to the right already has its new value, and values propagate along chains. All chains of
a band of rows are followed at once, one step per iteration; at most 43 % of the pixels have a next
step.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from qbuild.media.distort.common.draws import LEVELS, Draws
from qbuild.media.distort.common.tables import write_floor
from qbuild.media.images.read_write import Pixels

BAND_PIXELS = 1 << 15  # pixels of one shuffled band: its chains fit in the CPU cache
TRUNCATE = 4.0  # standard deviations at which scikit-image ends a Gaussian


def glass_blur(
    pixels: Pixels, draws: Draws, *, sigma: float, reach: float, iterations: float
) -> Pixels:
    """Blur, shuffle `iterations` times within `reach` pixels, and blur again."""
    offsets = offsets_by_word(int(reach), pixels.shape[1])
    packed = pack(gaussian_blur(pixels, sigma))
    for _ in range(int(iterations)):
        for rows in bands_upwards(pixels.shape[0], pixels.shape[1], int(reach)):
            words = draws.words(rows.stop - rows.start, pixels.shape[1] - 2 * int(reach))
            shuffle(packed, offsets.take(words), rows.start, int(reach))
    return gaussian_blur(unpack(packed), sigma)


def gaussian_blur(pixels: Pixels, sigma: float) -> Pixels:
    """Blur the image; its border is replicated."""
    reach = int(TRUNCATE * sigma + 0.5)
    kernel = cv2.getGaussianKernel(2 * reach + 1, sigma, cv2.CV_32F)
    blurred = cv2.sepFilter2D(pixels, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REPLICATE)
    out = np.empty_like(pixels)
    write_floor(np.asarray(blurred, np.float32), out)
    return out


def offsets_by_word(reach: int, width: int) -> NDArray[np.intp]:
    """The offset of a neighbour in the flattened image for each 16-bit word, `[65536]`.

    Offsets are uniform in [-reach, reach) in rows and in columns.
    """
    at = np.arange(LEVELS) * (2 * reach) ** 2 // LEVELS
    down, right = at // (2 * reach) - reach, at % (2 * reach) - reach
    return (down * width + right).astype(np.intp)


def bands_upwards(height: int, width: int, reach: int) -> list[slice]:
    """The shuffled rows, reach + 1 to height - reach, in bands from the bottom."""
    rows = max(1, BAND_PIXELS // width)
    ends = range(height - reach + 1, reach + 1, -rows)
    return [slice(max(reach + 1, end - rows), end) for end in ends]


def shuffle(packed: NDArray[np.uint32], offsets: NDArray[np.intp], top: int, reach: int) -> None:
    """Shuffle the pixels of a band in place, after the bands below it.

    `offsets` `[rows, width - 2 reach]` apply to the rows from `top` and the columns reach + 1 to
    width - reach. Pixels outside of these do not change.
    """
    width = packed.shape[1]
    rows = len(offsets)
    step = np.zeros((rows + reach, width), np.intp)  # including the rows below that can be reached
    step[:rows, reach + 1 : width - reach + 1] = offsets
    source = follow(step.reshape(-1))[: rows * width] + top * width
    packed[top : top + rows] = packed.reshape(-1).take(source).reshape(rows, width)


def follow(step: NDArray[np.intp]) -> NDArray[np.intp]:
    """The source of each pixel's value from the step of each pixel: `[n]` to `[n]`.

    A forward step lands on a pixel whose own step follows; another step lands on an old value.
    """
    forward = step > 0
    after = step + np.arange(len(step))
    last = after.copy()
    active = np.flatnonzero(forward)
    at = after[active]
    while len(active):
        target = after[at]
        last[active] = target
        more = forward[at]
        active, at = active[more], target[more]
    return last


def pack(pixels: Pixels) -> NDArray[np.uint32]:
    """One 32-bit word per pixel, `[h, w]`."""
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA).view(np.uint32)[..., 0]


def unpack(packed: NDArray[np.uint32]) -> Pixels:
    """The pixels `[h, w, 3]` of these words."""
    return np.asarray(cv2.cvtColor(packed[..., None].view(np.uint8), cv2.COLOR_RGBA2RGB), np.uint8)
