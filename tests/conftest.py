"""What every test may use: the folder of real data, where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of published data; skips where QBUILD_TEST_DATA names none."""
    place = os.environ.get("QBUILD_TEST_DATA", "")
    if not place or not Path(place).is_dir():
        pytest.skip("QBUILD_TEST_DATA names no folder of published data")
    return Path(place)
