"""The goldens: a synthetic image and its 75 corruptions, as one sheet.

    python tests/media/distort/common/goldens.py

Writes goldens.png next to this file: a row per corruption, the image and then severities 1 to 5.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qbuild.media.distort.common import CORRUPTIONS, corrupt
from qbuild.quality.distortions import SEVERITIES

SHEET = Path(__file__).with_suffix(".png")
HEIGHT, WIDTH = 40, 48
SEED = 20


def golden_image() -> np.ndarray:
    """An image `[40, 48, 3]`: a gradient sky, stripes, a red disk, an area of fine texture."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    pixels = np.stack([60 + 3 * y, 90 + 2 * x, 220 - 3 * y], axis=-1)
    pixels[y > 26] = np.stack([80 + x, 110 + (7 * x + 13 * y) % 60, 40 + 0 * x], -1)[y > 26]
    pixels[(y > 26) & (x > 30) & (x % 6 < 3)] = (235, 235, 225)
    pixels[(y - 13) ** 2 + (x - 16) ** 2 < 70] = (210, 40, 30)
    pixels[4:12, 34:44] = 255
    pixels[14:20, 34:44] = 0
    return pixels.astype(np.uint8)


def sheet() -> np.ndarray:
    """All rows, `[600, 288, 3]`."""
    image = golden_image()
    rows = [
        np.concatenate([image, *(corrupt(image, name, s, SEED) for s in SEVERITIES)], axis=1)
        for name in CORRUPTIONS
    ]
    return np.concatenate(rows)


def main() -> None:
    """Write the sheet."""
    from PIL import Image

    Image.fromarray(sheet()).save(SHEET, optimize=True)


if __name__ == "__main__":
    main()
