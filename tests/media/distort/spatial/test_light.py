from __future__ import annotations

import numpy as np
import pytest

from qbuild.media.distort.spatial.light import code_of_light, from_linear, light_of_code, to_linear

EVERY_CODE = np.arange(256, dtype=np.uint8)


def test_every_code_value_is_restored():
    assert np.array_equal(from_linear(to_linear(EVERY_CODE)), EVERY_CODE)


@pytest.mark.parametrize(("code", "light"), [(0, 0), (10, 0.0030353), (188, 0.5028865), (255, 1)])
def test_light_is_that_of_the_srgb_standard(code, light):
    assert light_of_code()[code] == pytest.approx(light, abs=1e-6)


def test_light_outside_0_to_1_is_clipped():
    light = np.array([-0.5, -1e-6, 1 + 1e-6, 7], dtype=np.float32)
    assert from_linear(light).tolist() == [0, 0, 255, 255]


def test_brighter_light_never_has_a_lower_code():
    assert (np.diff(code_of_light().astype(int)) >= 0).all()
