"""The corruptions against the recorded goldens."""

from __future__ import annotations

import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from qbuild.media.distort.common import CORRUPTIONS, corrupt
from qbuild.quality.distortions import SEVERITIES

GOLDENS = runpy.run_path(str(Path(__file__).with_name("goldens.py")))
HEIGHT, WIDTH = GOLDENS["HEIGHT"], GOLDENS["WIDTH"]


@pytest.fixture(scope="module")
def recorded() -> np.ndarray:
    """`[15, 6, 40, 48, 3]`: a row per corruption, the image itself first."""
    with Image.open(GOLDENS["SHEET"]) as opened:
        rows = np.array(opened).reshape(len(CORRUPTIONS), HEIGHT, 6, WIDTH, 3)
    return rows.swapaxes(1, 2)


@pytest.fixture(params=[True, False], ids=["optimised", "plain"])
def opencv(request):
    """OpenCV with and without the instructions of this processor."""
    before = cv2.useOptimized()
    cv2.setUseOptimized(request.param)
    yield
    cv2.setUseOptimized(before)


@pytest.mark.usefixtures("opencv")
@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_corruption_gives_the_recorded_image(recorded, name, severity):
    golden = recorded[CORRUPTIONS.index(name)]
    assert np.array_equal(golden[0], GOLDENS["golden_image"]())
    made = corrupt(golden[0], name, severity, GOLDENS["SEED"])
    difference = np.abs(made.astype(int) - golden[severity])
    assert difference.mean() <= 0.1
    assert difference.max() <= 2
