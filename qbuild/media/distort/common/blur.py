"""Defocus, motion and zoom blur."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, cos, radians, sin
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from qbuild.media.distort.common.draws import Draws
from qbuild.media.distort.common.tables import EPSILON, row_bands, write_floor
from qbuild.media.images.read_write import Floats, Pixels

Tap = tuple[int, int, float]  # rows down, columns right, weight


def defocus_blur(pixels: Pixels, *, radius: float, alias_sigma: float) -> Pixels:
    """Average the image over a disk; it is mirrored at its borders without repeating them."""
    kernel = disk(int(radius), alias_sigma)
    # On even areas, weights that sum to less than 1 make the reference round down to one less.
    epsilon = EPSILON if kernel.sum(dtype=np.float64) >= 1 else -EPSILON
    return np.asarray(cv2.filter2D(pixels, -1, kernel, delta=epsilon - 0.5), np.uint8)


def disk(radius: int, alias_sigma: float) -> Floats:
    """A kernel of sum 1: a disk with a soft edge, cropped to its nonzero part."""
    reach = max(8, radius)
    at = np.arange(-reach, reach + 1)
    hard = (at**2 + at[:, None] ** 2 <= radius**2).astype(np.float32)  # [side, side]
    size = 3 if radius <= 8 else 5
    soft = cv2.GaussianBlur(hard / hard.sum(), (size, size), sigmaX=alias_sigma)
    used = np.flatnonzero(soft.any(axis=0))
    return np.ascontiguousarray(soft[used[0] : used[-1] + 1, used[0] : used[-1] + 1])


def motion_blur(pixels: Pixels, draws: Draws, *, radius: float, sigma: float) -> Pixels:
    """Blur the image to one side, at an angle from -45° to 45° of the horizontal."""
    return blur_along(pixels, path_taps(int(radius), sigma, draws.uniform(-45, 45), pixels.shape))


def blur_along(pixels: Pixels, path: list[Tap]) -> Pixels:
    """The weighted sum of shifted copies of an image, rounded down."""
    out = np.empty_like(pixels)
    for rows, total in shifted_sums(pixels, path):
        write_floor(total, out[rows])
    return out


def path_taps(radius: int, sigma: float, angle: float, shape: tuple[int, ...]) -> list[Tap]:
    """Steps of one pixel, weighted by half a Gaussian: 2 · radius + 1 at most.

    A path that leaves the image ends there; its weights then sum to less than 1.
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


def shifted_sums(field: Pixels | Floats, path: list[Tap]) -> Iterator[tuple[slice, Floats]]:
    """Yield bands of rows with the weighted sum of the shifted field; its border is replicated."""
    downs, rights = [tap[0] for tap in path], [tap[1] for tap in path]
    top, left = max(0, *downs), max(0, *rights)
    around = (top, max(0, -min(downs)), left, max(0, -min(rights)))
    padded = cv2.copyMakeBorder(field, *around, cv2.BORDER_REPLICATE)
    height, width = field.shape[:2]
    for rows in row_bands(height, width):
        band = padded[rows.start : rows.stop + around[0] + around[1]].astype(np.float32)
        total = np.zeros((rows.stop - rows.start, *field.shape[1:]), np.float32)
        for down, right, weight in path:
            y, x = top - down, left - right
            cv2.scaleAdd(band[y : y + len(total), x : x + width], weight, total, dst=total)
        yield rows, total


def zoom_blur(pixels: Pixels, *, stop: float, step: float) -> Pixels:
    """The mean of the image, counted twice, and of its zooms by numpy.arange(1, stop, step)."""
    padded = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA), np.uint8)  # warped twice as fast
    total = padded * np.uint16(2)
    zooms = np.arange(1, stop, step)
    for zoom in zooms[1:]:
        cv2.add(total, zoom_in(padded, float(zoom)), dst=total, dtype=cv2.CV_16U)
    out = np.empty_like(pixels)
    for rows in row_bands(*pixels.shape[:2]):
        colours = total[rows, :, :3].astype(np.float32)
        write_floor(colours / np.float32(len(zooms) + 1), out[rows])
    return out


def zoom_in(pixels: Pixels, zoom: float) -> Pixels:
    """Enlarge the center of the image; of the result, keep the top left part of the same size."""
    height, width = pixels.shape[:2]
    crops = center_crop(height, zoom), center_crop(width, zoom)
    return _enlarge_crop(pixels, zoom, (height, width), *crops)


def enlarge(field: Floats, zoom: float) -> Floats:
    """Enlarge the whole field by linear interpolation with aligned corners."""
    rows, columns = ((0, side) for side in field.shape)
    shape = round(field.shape[0] * zoom), round(field.shape[1] * zoom)
    return _enlarge_crop(field, zoom, shape, rows, columns)


def center_crop(side: int, zoom: float) -> tuple[int, int]:
    """Start and length of the part that a zoom enlarges to `side` or slightly more."""
    length = ceil(side / zoom)
    return (side - length) // 2, length


def _enlarge_crop(
    field: NDArray[Any],
    zoom: float,
    shape: tuple[int, int],
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> NDArray[Any]:
    """The top left `shape` of the enlarged crop; rows and columns are (start, length)."""
    steps = [(length - 1) / (round(length * zoom) - 1) for _, length in (columns, rows)]
    inwards = np.array([[steps[0], 0, columns[0]], [0, steps[1], rows[0]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = shape[::-1]
    return cv2.warpAffine(field, inwards, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
