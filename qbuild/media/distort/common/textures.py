"""The frost textures that lie in the installed package `imagecorruptions`, read and scaled.

The package is found, not imported: its import fails on today's libraries.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from qbuild.core.errors import MissingPartError
from qbuild.core.inspect.environment import OURSELVES, install_hint

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The package names six and draws among the first five.
FILES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
MARGIN = 1.1  # the scaled texture is larger than the picture, so that there is a place to draw
KEPT_PIXELS = 1 << 22  # larger ones are scaled anew each time rather than kept


def package_folder() -> Path:
    """Where the package lies; MissingPartError if it is not installed."""
    spec = find_spec("imagecorruptions")
    if spec is None or spec.origin is None:
        raise MissingPartError(
            "corruptions",
            "imagecorruptions is not installed",
            "expected the package in which the frost textures lie",
            f"Install it: {install_hint(['imagecorruptions'], OURSELVES)}.",
        )
    return Path(spec.origin).parent


def texture_size(number: int, height: int, width: int) -> tuple[int, int]:
    """Height and width of texture `number` once it covers a picture of this size."""
    rows, columns = texture(number).shape[:2]
    scale = MARGIN * max(1.0, height / rows, width / columns)
    return int(np.ceil(rows * scale)), int(np.ceil(columns * scale))


def scaled_texture(number: int, height: int, width: int) -> NDArray[np.uint8]:
    """Texture `number` in RGB, of this size; not to be written to."""
    if height * width > KEPT_PIXELS:
        return _scaled(number, height, width)
    return _kept(number, height, width)


@lru_cache(maxsize=len(FILES))
def texture(number: int) -> NDArray[np.uint8]:
    """Texture `number` in RGB as it lies in the package, without its transparency."""
    path = package_folder() / "frost" / FILES[number]
    read = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if read is None:
        raise MissingPartError(
            "corruptions",
            f"{path} cannot be read",
            "expected a frost texture of imagecorruptions",
            "Install the package again.",
        )
    return _frozen(np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8))


def _scaled(number: int, height: int, width: int) -> NDArray[np.uint8]:
    size = (width, height)
    scaled = cv2.resize(texture(number), size, interpolation=cv2.INTER_CUBIC)
    return _frozen(np.asarray(scaled, np.uint8))


_kept = lru_cache(maxsize=2 * len(FILES))(_scaled)


def _frozen(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels.flags.writeable = False
    return pixels
