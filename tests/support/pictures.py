"""Little pictures drawn in code, and the folders they lie in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def drawn(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray:
    """A picture with slopes, edges and texture; uint8 `[height, width, 3]`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    slope = np.stack([x * 255 / width, y * 255 / height, (x + y) * 127 / (width + height)], -1)
    boxes = np.where(((x // 8 + y // 8) % 2)[..., None], 40, 0)
    return np.clip(slope + boxes + rng.normal(0, 6, slope.shape), 0, 255).astype(np.uint8)


def write_picture(path: Path, width: int = 64, height: int = 48, seed: int = 0, **how) -> Path:
    """The path, after the picture is written there in the format that its ending names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(drawn(width, height, seed)).save(path, **how)
    return path


def picture_folder(folder: Path, count: int = 3, **what) -> Path:
    """A folder of different pictures `p0.png`, `p1.png` …"""
    for number in range(count):
        write_picture(folder / f"p{number}.png", seed=number, **what)
    return folder
