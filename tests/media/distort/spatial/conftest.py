"""Photographs from the wheel of scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from qbuild.stages.demo_media import find_photographs

NAMES = ("astronaut", "chelsea", "coffee", "rocket")


def read(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="session")
def photographs():
    """Four photographs by name, `[h, w, 3]`, 451 x 300 to 640 x 427 pixels."""
    files = find_photographs()
    return {name: read(files[name]) for name in NAMES}


@pytest.fixture(scope="session")
def coffee(photographs):
    return photographs["coffee"]
