"""Defocus, motion and zoom blur."""

from __future__ import annotations

from math import ceil, cos, radians, sin
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from qbuild.media.distort.common.tables import HAIR, bands, floor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from qbuild.media.distort.common.draws import Draws

Tap = tuple[int, int, float]  # rows down, columns right, weight


def defocus_blur(
    pixels: NDArray[np.uint8], *, radius: float, alias_sigma: float
) -> NDArray[np.uint8]:
    """The picture averaged over a disk; mirrored at its borders, the border itself not twice."""
    kernel = disk(int(radius), alias_sigma)
    # Even ground: with weights that sum to less than 1 the reference's whole part is one lower.
    hair = HAIR if kernel.sum(dtype=np.float64) >= 1 else -HAIR
    return np.asarray(cv2.filter2D(pixels, -1, kernel, delta=hair - 0.5), np.uint8)


def disk(radius: int, alias_sigma: float) -> NDArray[np.float32]:
    """A disk of sum 1 with its edge softened, without the zeros around it."""
    reach = max(8, radius)
    at = np.arange(-reach, reach + 1)
    hard = (at**2 + at[:, None] ** 2 <= radius**2).astype(np.float32)
    size = 3 if radius <= 8 else 5
    soft = cv2.GaussianBlur(hard / hard.sum(), (size, size), sigmaX=alias_sigma)
    used = np.flatnonzero(soft.any(axis=0))
    return np.ascontiguousarray(soft[used[0] : used[-1] + 1, used[0] : used[-1] + 1])


def motion_blur(
    pixels: NDArray[np.uint8], draws: Draws, *, radius: float, sigma: float
) -> NDArray[np.uint8]:
    """The picture drawn out to one side, at an angle from -45° to 45° of the horizontal."""
    return moved(pixels, taps(int(radius), sigma, draws.uniform(-45, 45), pixels.shape))


def moved(pixels: NDArray[np.uint8], path: list[Tap]) -> NDArray[np.uint8]:
    """The weighted sum of shifted copies of a picture, as grey levels."""
    out = np.empty_like(pixels)
    for rows, summed in sums_of_shifts(pixels, path):
        floor(summed, out[rows])
    return out


def taps(radius: int, sigma: float, angle: float, shape: tuple[int, ...]) -> list[Tap]:
    """A step of one pixel for each of 2 · radius + 1 weights, of half a Gaussian from its top.

    A path that leaves the picture ends there, and the picture is darker by the weights left out.
    """
    at = np.arange(2 * radius + 1)
    weights = np.exp(-(at**2) / (2 * sigma**2))
    weights /= weights.sum()
    path: list[Tap] = []
    for step, weight in enumerate(weights):
        down = -ceil(step * sin(radians(angle)) - 0.5)
        right = -ceil(step * cos(radians(angle)) - 0.5)
        if abs(down) >= shape[0] or abs(right) >= shape[1]:
            break
        path.append((down, right, float(weight)))
    return path


def sums_of_shifts(
    field: NDArray[np.uint8] | NDArray[np.float32], path: list[Tap]
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Rows, and what they are: the sum of the field's copies, its border repeated outwards."""
    downs, rights = [tap[0] for tap in path], [tap[1] for tap in path]
    top, left = max(0, *downs), max(0, *rights)
    around = (top, max(0, -min(downs)), left, max(0, -min(rights)))
    wide = cv2.copyMakeBorder(field, *around, cv2.BORDER_REPLICATE)
    height, width = field.shape[:2]
    for rows in bands(height, width):
        here = wide[rows.start : rows.stop + around[0] + around[1]].astype(np.float32)
        summed = np.zeros((rows.stop - rows.start, *field.shape[1:]), np.float32)
        for down, right, weight in path:
            y, x = top - down, left - right
            cv2.scaleAdd(here[y : y + len(summed), x : x + width], weight, summed, dst=summed)
        yield rows, summed


def zoom_blur(pixels: NDArray[np.uint8], *, stop: float, step: float) -> NDArray[np.uint8]:
    """The mean of the picture, counted twice, and of its zooms by numpy.arange(1, stop, step)."""
    padded = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA), np.uint8)  # warps twice as fast
    total = padded * np.uint16(2)
    zooms = np.arange(1, stop, step)
    for zoom in zooms[1:]:
        cv2.add(total, zoomed(padded, float(zoom)), dst=total, dtype=cv2.CV_16U)
    out = np.empty_like(pixels)
    for rows in bands(*pixels.shape[:2]):
        colours = total[rows, :, :3].astype(np.float32)
        floor(colours / np.float32(len(zooms) + 1), out[rows])
    return out


def zoomed(pixels: NDArray[np.uint8], zoom: float) -> NDArray[np.uint8]:
    """The middle of the picture enlarged, cut to the picture's size from its top left corner."""
    height, width = pixels.shape[:2]
    return _enlarged(pixels, zoom, (height, width), middle(height, zoom), middle(width, zoom))


def enlarged(field: NDArray[np.float32], zoom: float) -> NDArray[np.float32]:
    """The whole field enlarged by linear interpolation, corner on corner."""
    rows, columns = ((0, side) for side in field.shape)
    shape = round(field.shape[0] * zoom), round(field.shape[1] * zoom)
    return _enlarged(field, zoom, shape, rows, columns)


def middle(side: int, zoom: float) -> tuple[int, int]:
    """Where the part begins that a zoom enlarges to `side`, or a little more, and its length."""
    length = ceil(side / zoom)
    return (side - length) // 2, length


def _enlarged(
    field: NDArray[Any],
    zoom: float,
    shape: tuple[int, int],
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> NDArray[Any]:
    """The first `shape` of the enlarged part; rows and columns are (start, length)."""
    steps = [(length - 1) / (round(length * zoom) - 1) for _, length in (columns, rows)]
    inwards = np.array([[steps[0], 0, columns[0]], [0, steps[1], rows[0]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = shape[::-1]
    return cv2.warpAffine(field, inwards, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
