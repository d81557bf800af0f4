"""A point of light is blurred by the documented width, and its light is kept."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from qbuild.media.distort.parameters import parameters
from qbuild.media.distort.spatial import distort
from qbuild.media.distort.spatial.blur import path_weights
from qbuild.media.distort.spatial.light import to_linear

SEVERITIES = range(1, 6)


def point(height: int, width: int, half: int) -> np.ndarray:
    """A white square of `2 half + 1` pixels per side on black."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    y, x = height // 2, width // 2
    pixels[y - half : y + half + 1, x - half : x + half + 1] = 255
    return pixels


def light_moments(pixels: np.ndarray) -> tuple[float, float, float, float]:
    """Total light, its variance across and down, and its covariance."""
    light = to_linear(pixels)[..., 0].astype(float)
    y, x = np.mgrid[0 : light.shape[0], 0 : light.shape[1]]
    total = light.sum()
    x, y = x - (x * light).sum() / total, y - (y * light).sum() / total
    return total, *(float((v * light).sum() / total) for v in (x * x, y * y, x * y))


def fine_detail(pixels: np.ndarray) -> float:
    """Energy of the differences of neighbouring pixels."""
    values = pixels.astype(float)
    return float((np.diff(values, axis=0) ** 2).mean() + (np.diff(values, axis=1) ** 2).mean())


@pytest.mark.parametrize("severity", [3, 4, 5])
def test_a_point_is_blurred_by_the_standard_deviation_of_the_parameters(severity):
    source = point(480, 640, half=4)
    before, after = (
        light_moments(source),
        light_moments(distort(source, "spatial-blur", severity, 0)),
    )
    sigma = parameters("vqa2", "spatial-blur", severity)["sigma_px_at_480"]
    assert after[0] == pytest.approx(before[0], rel=0.02)
    assert (after[1] - before[1]) ** 0.5 == pytest.approx(sigma, rel=0.03)
    assert (after[2] - before[2]) ** 0.5 == pytest.approx(sigma, rel=0.03)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_point_is_blurred_along_a_line_of_the_length_of_the_parameters(seed):
    source = point(480, 640, half=4)
    before, after = light_moments(source), light_moments(distort(source, "motion-blur", 5, seed))
    across, down, both = (b - a for a, b in zip(before[1:], after[1:], strict=True))
    length = parameters("vqa2", "motion-blur", 5)["length_px_at_480"]
    assert after[0] == pytest.approx(before[0], rel=0.03)
    assert (12 * (across + down)) ** 0.5 == pytest.approx(length, rel=0.03)
    assert both**2 == pytest.approx(across * down, rel=0.1, abs=40)  # a line: one direction only


def test_angles_cover_all_directions_and_do_not_depend_on_the_severity():
    source = point(64, 64, half=0)
    angles = {}
    for seed in range(12):
        for severity in (4, 5):
            _, across, down, both = light_moments(
                distort(
                    np.repeat(np.repeat(source, 8, axis=0), 8, axis=1),
                    "motion-blur",
                    severity,
                    seed,
                )
            )
            angles.setdefault(seed, []).append(np.rad2deg(np.arctan2(2 * both, across - down)) / 2)
    for weaker, stronger in angles.values():
        assert abs((weaker - stronger + 90) % 180 - 90) < 3
    assert len({int(pair[1] % 180 // 45) for pair in angles.values()}) == 4


def test_an_image_of_twice_the_size_is_blurred_by_twice_the_width():
    small, large = point(240, 240, half=4), point(480, 480, half=4)
    for name in ("spatial-blur", "motion-blur"):
        widths = []
        for source in (small, large):
            before, after = light_moments(source), light_moments(distort(source, name, 5, 3))
            widths.append((after[1] + after[2] - before[1] - before[2]) ** 0.5)
        assert widths[1] / widths[0] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("name", ["spatial-blur", "motion-blur"])
def test_fine_detail_decreases_with_severity(photographs, name):
    for photograph in photographs.values():
        detail = [fine_detail(photograph)]
        detail += [fine_detail(distort(photograph, name, s, 1)) for s in SEVERITIES]
        assert all(b < a for a, b in pairwise(detail)), detail
        assert detail[5] < detail[0] / 3


def test_light_is_averaged_instead_of_code_values():
    stripes = np.zeros((480, 480, 3), dtype=np.uint8)
    stripes[::2] = 255
    middle = distort(stripes, "spatial-blur", 5, 0)[240, 240]
    assert np.abs(middle.astype(int) - 188).max() <= 1  # half the light; half the code is 128


@pytest.mark.parametrize("length", [0.3, 1, 5.5, 48])
@pytest.mark.parametrize("angle", [0, 17, 45, 90, 151])
def test_the_weights_of_a_motion_sum_to_one_and_are_symmetric(length, angle):
    path = path_weights(length, angle).astype(float)
    assert path.sum() == pytest.approx(1, abs=1e-5)
    assert (path >= 0).all()
    assert np.allclose(path, path[::-1, ::-1], atol=1e-6)


@pytest.mark.parametrize("name", ["spatial-blur", "motion-blur"])
def test_the_mildest_blur_is_visible_on_a_small_image(coffee, name):
    small = np.ascontiguousarray(coffee[::8, ::8])  # 75 x 50 pixels
    difference = np.abs(distort(small, name, 1, 0).astype(int) - small)
    assert difference.mean() > 1
