"""Photographs from scikit-image, resized."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@cache
def photograph(name: str, height: int, width: int) -> np.ndarray:
    folder = Path(find_spec("skimage").origin).parent / "data"
    with Image.open(folder / f"{name}.png") as opened:
        small = opened.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    pixels = np.array(small)
    pixels.flags.writeable = False
    return pixels


@pytest.fixture(scope="session")
def photo():
    """`photo(name, height, width)`: a photograph, read-only."""
    return photograph
