"""Small images drawn in code, and folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def draw_image(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray:
    """An image with gradients, edges and texture; uint8 `[height, width, 3]`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    slope = np.stack([x * 255 / width, y * 255 / height, (x + y) * 127 / (width + height)], -1)
    boxes = np.where(((x // 8 + y // 8) % 2)[..., None], 40, 0)
    return np.clip(slope + boxes + rng.normal(0, 6, slope.shape), 0, 255).astype(np.uint8)


def write_image(path: Path, width: int = 64, height: int = 48, seed: int = 0, **options) -> Path:
    """Write an image in the format of the path's suffix; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_image(width, height, seed)).save(path, **options)
    return path


def image_folder(folder: Path, count: int = 3, **options) -> Path:
    """A folder of different images `p0.png`, `p1.png` …"""
    for number in range(count):
        write_image(folder / f"p{number}.png", seed=number, **options)
    return folder
