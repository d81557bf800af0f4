"""Linear light, and distortions that change a property of photographs by the documented amount."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from qbuild.media.distort.parameters import parameters
from qbuild.media.distort.spatial import distort
from qbuild.media.distort.spatial.light import (
    BT601,
    code_of_light,
    from_linear,
    light_of_code,
    to_linear,
)

SEVERITIES = range(1, 6)
EVERY_CODE = np.arange(256, dtype=np.uint8)


def luma(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(float) @ np.array(BT601)


def chroma(pixels: np.ndarray) -> float:
    """Mean difference of a pixel's channels to its luma."""
    return float(np.abs(pixels - luma(pixels)[..., None]).mean())


def tone_property(name: str, pixels: np.ndarray) -> float:
    """The property that a distortion changes."""
    if "exposure" in name:
        return float(luma(pixels).mean())
    return float(luma(pixels).std()) if "contrast" in name else chroma(pixels)


@pytest.mark.parametrize("name", ["overexposure", "high-contrast", "oversaturation"])
def test_the_property_increases_with_severity(photographs, name):
    for photograph in photographs.values():
        distorted = [distort(photograph, name, s, 0) for s in SEVERITIES]
        values = [tone_property(name, pixels) for pixels in (photograph, *distorted)]
        assert all(b > a for a, b in pairwise(values))


@pytest.mark.parametrize("name", ["underexposure", "low-contrast", "desaturation"])
def test_the_property_decreases_with_severity(photographs, name):
    for photograph in photographs.values():
        distorted = [distort(photograph, name, s, 0) for s in SEVERITIES]
        values = [tone_property(name, pixels) for pixels in (photograph, *distorted)]
        assert all(b < a for a, b in pairwise(values))


@pytest.mark.parametrize("name", ["overexposure", "underexposure"])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_exposure_multiplies_light_by_powers_of_two(name, severity):
    codes = np.arange(256, dtype=np.uint8)
    image = np.broadcast_to(codes[None, :, None], (32, 256, 3))
    made = distort(image, name, severity, 0)[0, :, 0].astype(float)
    x = codes / 255
    light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    light = np.minimum(1, light * 2 ** parameters("vqa2", name, severity)["stops"])
    expected = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(made - expected).max() < 0.6


def test_overexposure_clips_highlights(photographs):
    for photograph in photographs.values():
        clipped = [(distort(photograph, "overexposure", s, 0) == 255).mean() for s in SEVERITIES]
        assert clipped == sorted(clipped)
        assert clipped[4] > (photograph == 255).mean() + 0.02


def test_the_highest_contrast_clips_at_both_ends(photographs):
    for photograph in photographs.values():
        made = distort(photograph, "high-contrast", 5, 0)
        assert (made == 0).mean() > (photograph == 0).mean() + 0.1
        assert (made == 255).mean() > (photograph == 255).mean() + 0.05


def test_low_contrast_keeps_the_mean_luma_and_scales_its_deviation(photographs):
    for photograph in photographs.values():
        for severity in SEVERITIES:
            made = luma(distort(photograph, "low-contrast", severity, 0))
            gain = parameters("vqa2", "low-contrast", severity)["gain"]
            assert made.mean() == pytest.approx(luma(photograph).mean(), abs=0.3)
            assert made.std() == pytest.approx(gain * luma(photograph).std(), rel=0.02)


def test_the_strongest_desaturation_leaves_only_luma(photographs):
    for photograph in photographs.values():
        made = distort(photograph, "desaturation", 5, 0)
        assert np.ptp(made, axis=2).max() == 0
        assert np.abs(made[..., 0] - luma(photograph)).max() <= 0.75


@pytest.mark.parametrize("name", ["desaturation", "oversaturation"])
def test_saturation_scales_chroma_and_keeps_luma_where_nothing_clips(coffee, name):
    pale = (coffee // 8 + 112).astype(np.uint8)  # 112 to 143: far from both ends
    for severity in SEVERITIES:
        made = distort(pale, name, severity, 0)
        gain = parameters("vqa2", name, severity)["gain"]
        assert np.abs(luma(made) - luma(pale)).max() <= 0.75
        assert chroma(made) == pytest.approx(gain * chroma(pale), rel=0.05, abs=0.02)


def test_the_strongest_oversaturation_clips(photographs):
    for photograph in photographs.values():
        made = distort(photograph, "oversaturation", 5, 0)
        ends = ((made == 0) | (made == 255)).mean()
        assert ends > ((photograph == 0) | (photograph == 255)).mean() + 0.01


def noisy(code: int, severity: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The light of a uniform grey image before and after, `[200, 200, 3]`."""
    even = np.full((200, 200, 3), code, dtype=np.uint8)
    return to_linear(even).astype(float), to_linear(distort(even, "noise", severity, seed)).astype(
        float
    )


@pytest.mark.parametrize("severity", [1, 2, 3, 4])
@pytest.mark.parametrize("code", [110, 170])
def test_noise_has_the_deviation_of_counted_electrons(severity, code):
    before, after = noisy(code, severity)
    values = parameters("vqa2", "noise", severity)
    white, read = values["electrons_at_white"], values["read_noise_electrons"]
    expected = np.sqrt(before[0, 0, 0] * white + read**2) / white
    assert (after - before).std() == pytest.approx(expected, rel=0.06)
    assert (after - before).mean() == pytest.approx(0, abs=expected / 20)


def test_noise_increases_with_light():
    deviations = [noisy(code, 2)[1].std() for code in (0, 60, 120, 180)]
    assert deviations == sorted(deviations)
    assert deviations[0] > 0  # read noise is there in the dark too


def test_noise_is_independent_in_channels_and_pixels():
    before, after = noisy(128, 2)
    noise = (after - before).reshape(-1, 3)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 0.03
    assert abs(np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1]) < 0.03


def test_a_severity_scales_the_same_noise():
    weak, strong = (noisy(128, severity)[1].ravel() for severity in (1, 3))
    assert np.corrcoef(weak, strong)[0, 1] > 0.98


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
