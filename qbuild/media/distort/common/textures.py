"""The frost textures of the installed package `imagecorruptions`, read and scaled.

The package is located, not imported: its import fails with current libraries.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from qbuild.core.errors import MissingPartError
from qbuild.core.inspect.environment import TOOLKIT, install_hint
from qbuild.media.images.read_write import Pixels

# The package lists six and draws one of the first five.
FILES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
MARGIN = 1.1  # the scaled texture is larger than the image, so that its position can vary
CACHED_PIXELS = 1 << 22  # larger textures are scaled again each time


def package_folder() -> Path:
    """The folder of the package; MissingPartError if it is not installed."""
    spec = find_spec("imagecorruptions")
    if spec is None or spec.origin is None:
        raise MissingPartError(
            "corruptions",
            "imagecorruptions is not installed",
            "expected the package that contains the frost textures",
            f"Install it: {install_hint(['imagecorruptions'], TOOLKIT)}.",
        )
    return Path(spec.origin).parent


def texture_size(number: int, height: int, width: int) -> tuple[int, int]:
    """Height and width of texture `number` scaled to cover an image of this size."""
    rows, columns = texture(number).shape[:2]
    scale = MARGIN * max(1.0, height / rows, width / columns)
    return int(np.ceil(rows * scale)), int(np.ceil(columns * scale))


def scaled_texture(number: int, height: int, width: int) -> Pixels:
    """Texture `number` in RGB, of this size, read-only."""
    if height * width > CACHED_PIXELS:
        return _scale(number, height, width)
    return _cached_scale(number, height, width)


@lru_cache(maxsize=len(FILES))
def texture(number: int) -> Pixels:
    """Texture `number` of the package in RGB, without its transparency, read-only."""
    path = package_folder() / "frost" / FILES[number]
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise MissingPartError(
            "corruptions",
            f"{path} cannot be read",
            "expected a frost texture of imagecorruptions",
            "Install the package again.",
        )
    return _read_only(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8))


def _scale(number: int, height: int, width: int) -> Pixels:
    size = (width, height)
    scaled = cv2.resize(texture(number), size, interpolation=cv2.INTER_CUBIC)
    return _read_only(np.asarray(scaled, np.uint8))


_cached_scale = lru_cache(maxsize=2 * len(FILES))(_scale)


def _read_only(pixels: Pixels) -> Pixels:
    pixels.flags.writeable = False
    return pixels
