"""Snow, frost and fog."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from qbuild.media.distort.common.blur import enlarged, middle, sums_of_shifts, taps
from qbuild.media.distort.common.draws import Draws, normal_quantiles
from qbuild.media.distort.common.plasma import Heights, heights, side_of
from qbuild.media.distort.common.tables import bands, by_pairs, floor, spread
from qbuild.media.distort.common.textures import FILES, scaled_texture, texture_size

if TYPE_CHECKING:
    from numpy.typing import NDArray


def snow(
    pixels: NDArray[np.uint8],
    draws: Draws,
    *,
    mean: float,
    deviation: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    picture: float,
) -> NDArray[np.uint8]:
    """The picture whitened, under flakes that fall at one angle, and once more upside down."""
    shape = [middle(side, zoom)[1] for side in pixels.shape[:2]]  # no more is ever seen
    grains = (mean + deviation * normal_quantiles()).astype(np.float32).take(draws.words(*shape))
    angle = draws.uniform(-135, -45)
    flakes = fallen(grains, zoom, threshold, int(radius), sigma, angle)
    height, width = pixels.shape[:2]
    return snowed(pixels, flakes[:height, :width], picture)


def fallen(
    grains: NDArray[np.float32],
    zoom: float,
    threshold: float,
    radius: int,
    sigma: float,
    angle: float,
) -> NDArray[np.uint8]:
    """Grains enlarged, those under the threshold left out, drawn out: `[h, w]`, 0 to 255."""
    large = enlarged(grains, zoom)
    cv2.threshold(large, threshold, 0, cv2.THRESH_TOZERO, dst=large)
    cv2.threshold(large, 1, 0, cv2.THRESH_TRUNC, dst=large)
    flakes = np.empty(large.shape, np.uint8)
    for rows, summed in sums_of_shifts(large, taps(radius, sigma, angle, large.shape)):
        cv2.convertScaleAbs(summed, dst=flakes[rows], alpha=255)
    return flakes


def snowed(
    pixels: NDArray[np.uint8], flakes: NDArray[np.uint8], picture: float
) -> NDArray[np.uint8]:
    """Whitened and under the flakes; both are whole grey levels, so that they add as such."""
    fallen_twice = cv2.add(flakes, np.ascontiguousarray(flakes[::-1, ::-1]))
    out = np.empty_like(pixels)
    for rows in bands(*pixels.shape[:2]):
        light = pixels[rows].astype(np.float32)
        pale = np.asarray(cv2.cvtColor(light, cv2.COLOR_RGB2GRAY), np.float32)
        white = cv2.max(light, spread(pale * np.float32(1.5) + np.float32(127.5)))
        cv2.addWeighted(light, picture, white, 1 - picture, 0, dst=light)
        floor(light, out[rows])
        cv2.add(out[rows], spread(fallen_twice[rows]), dst=out[rows])
    return out


def frost(
    pixels: NDArray[np.uint8], draws: Draws, *, picture: float, texture: float
) -> NDArray[np.uint8]:
    """The picture with a place of one of five textures added to it."""
    height, width = pixels.shape[:2]
    number = draws.below(len(FILES))
    rows, columns = texture_size(number, height, width)
    top, left = draws.below(rows - height), draws.below(columns - width)
    ice = scaled_texture(number, rows, columns)[top : top + height, left : left + width]
    return frosted(pixels, ice, picture, texture)


def frosted(
    pixels: NDArray[np.uint8], ice: NDArray[np.uint8], picture: float, texture: float
) -> NDArray[np.uint8]:
    """The weighted sum of two pictures, cut to 255."""
    table = _weighted(picture, texture)
    out = np.empty_like(pixels)
    for rows in bands(*pixels.shape[:2]):
        out[rows] = by_pairs(table, pixels[rows], np.ascontiguousarray(ice[rows]))
    return out


@lru_cache(maxsize=5)
def _weighted(picture: float, texture: float) -> NDArray[np.uint8]:
    """The sum for every two grey levels: a fifth of them are whole, where a float32 would err."""
    levels = np.arange(256)
    return np.clip(picture * levels[:, None] + texture * levels, 0, 255).astype(np.uint8)


def fog(
    pixels: NDArray[np.uint8], draws: Draws, *, amount: float, decay: float
) -> NDArray[np.uint8]:
    """The picture with a cloud added, brought back to the picture's own brightest value."""
    height, width = pixels.shape[:2]
    cloud = heights(side_of(max(height, width)), decay, draws.uniforms)
    return fogged(pixels, cloud, amount)


def fogged(pixels: NDArray[np.uint8], cloud: Heights, amount: float) -> NDArray[np.uint8]:
    """The picture and the cloud `[side, side]`, 0 to 1, of which it takes the top left corner."""
    most = float(pixels.max()) / 255
    kept = most / (most + amount)
    width = pixels.shape[1]
    out = np.empty_like(pixels)
    for rows in bands(*pixels.shape[:2]):
        here = spread(cloud[rows, :width] * np.float32(255 * amount * kept))
        cv2.scaleAdd(pixels[rows].astype(np.float32), kept, here, dst=here)
        floor(here, out[rows])
    return out
