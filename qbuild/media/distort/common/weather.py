"""Snow, frost and fog."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from qbuild.media.distort.common.blur import center_crop, enlarge, path_taps, shifted_sums
from qbuild.media.distort.common.draws import Draws, normal_quantiles
from qbuild.media.distort.common.plasma import height_map, map_side
from qbuild.media.distort.common.tables import grey_to_rgb, lookup_pairs, row_bands, write_floor
from qbuild.media.distort.common.textures import FILES, scaled_texture, texture_size
from qbuild.media.images.read_write import Floats, Pixels


def snow(
    pixels: Pixels,
    draws: Draws,
    *,
    mean: float,
    deviation: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    picture: float,
) -> Pixels:
    """Whiten the image and add flakes that fall at one angle, twice: as drawn and upside down."""
    shape = [center_crop(side, zoom)[1] for side in pixels.shape[:2]]  # the visible part
    grains = (mean + deviation * normal_quantiles()).astype(np.float32).take(draws.words(*shape))
    angle = draws.uniform(-135, -45)
    flakes = draw_flakes(grains, zoom, threshold, int(radius), sigma, angle)
    height, width = pixels.shape[:2]
    return add_snow(pixels, flakes[:height, :width], picture)


def draw_flakes(
    grains: Floats, zoom: float, threshold: float, radius: int, sigma: float, angle: float
) -> Pixels:
    """Enlarge the grains above the threshold and blur them along a path: `[h, w]`, 0 to 255."""
    large = enlarge(grains, zoom)
    cv2.threshold(large, threshold, 0, cv2.THRESH_TOZERO, dst=large)
    cv2.threshold(large, 1, 0, cv2.THRESH_TRUNC, dst=large)
    flakes = np.empty(large.shape, np.uint8)
    for rows, total in shifted_sums(large, path_taps(radius, sigma, angle, large.shape)):
        cv2.convertScaleAbs(total, dst=flakes[rows], alpha=255)
    return flakes


def add_snow(pixels: Pixels, flakes: Pixels, image_weight: float) -> Pixels:
    """Whiten the image and add the flakes; both are whole grey levels."""
    all_flakes = cv2.add(flakes, np.ascontiguousarray(flakes[::-1, ::-1]))
    out = np.empty_like(pixels)
    for rows in row_bands(*pixels.shape[:2]):
        light = pixels[rows].astype(np.float32)
        pale = np.asarray(cv2.cvtColor(light, cv2.COLOR_RGB2GRAY), np.float32)
        white = cv2.max(light, grey_to_rgb(pale * np.float32(1.5) + np.float32(127.5)))
        cv2.addWeighted(light, image_weight, white, 1 - image_weight, 0, dst=light)
        write_floor(light, out[rows])
        cv2.add(out[rows], grey_to_rgb(all_flakes[rows]), dst=out[rows])
    return out


def frost(pixels: Pixels, draws: Draws, *, picture: float, texture: float) -> Pixels:
    """Add a random part of one of five textures to the image."""
    height, width = pixels.shape[:2]
    number = draws.below(len(FILES))
    rows, columns = texture_size(number, height, width)
    top, left = draws.below(rows - height), draws.below(columns - width)
    ice = scaled_texture(number, rows, columns)[top : top + height, left : left + width]
    return add_frost(pixels, ice, picture, texture)


def add_frost(pixels: Pixels, ice: Pixels, image_weight: float, texture_weight: float) -> Pixels:
    """The weighted sum of two images, clipped to 255."""
    table = _weighted_sums(image_weight, texture_weight)
    out = np.empty_like(pixels)
    for rows in row_bands(*pixels.shape[:2]):
        out[rows] = lookup_pairs(table, pixels[rows], np.ascontiguousarray(ice[rows]))
    return out


@lru_cache(maxsize=5)
def _weighted_sums(image_weight: float, texture_weight: float) -> Pixels:
    """The sum of each pair of grey levels, exact: a fifth are whole, and float32 would be off."""
    levels = np.arange(256)
    sums = image_weight * levels[:, None] + texture_weight * levels
    return np.clip(sums, 0, 255).astype(np.uint8)


def fog(pixels: Pixels, draws: Draws, *, amount: float, decay: float) -> Pixels:
    """Add a cloud to the image and rescale it to the image's own maximum."""
    height, width = pixels.shape[:2]
    cloud = height_map(map_side(max(height, width)), decay, draws.uniforms)
    return add_fog(pixels, cloud, amount)


def add_fog(pixels: Pixels, cloud: Floats, amount: float) -> Pixels:
    """Blend the image with the top left corner of a cloud `[side, side]` from 0 to 1."""
    most = float(pixels.max()) / 255
    scale = most / (most + amount)
    width = pixels.shape[1]
    out = np.empty_like(pixels)
    for rows in row_bands(*pixels.shape[:2]):
        fogged = grey_to_rgb(cloud[rows, :width] * np.float32(255 * amount * scale))
        cv2.scaleAdd(pixels[rows].astype(np.float32), scale, fogged, dst=fogged)
        write_floor(fogged, out[rows])
    return out
