"""Each of the six moves its own figure, on photographs, by as much as it says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from qbuild.media.distort.spatial import distort, parameters
from qbuild.media.distort.spatial.tone import BT601

SEVERITIES = range(1, 6)


def luma(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(float) @ np.array(BT601)


def chroma(pixels: np.ndarray) -> float:
    """Mean distance of a pixel's channels to its luma."""
    return float(np.abs(pixels - luma(pixels)[..., None]).mean())


def figure(name: str, pixels: np.ndarray) -> float:
    """What the distortion is about: rising with severity for over- and high, falling for others."""
    if "exposure" in name:
        return float(luma(pixels).mean())
    return float(luma(pixels).std()) if "contrast" in name else chroma(pixels)


@pytest.mark.parametrize("name", ["overexposure", "high-contrast", "oversaturation"])
def test_the_figure_rises_with_severity(photographs, name):
    for photograph in photographs.values():
        spoilt = [distort(photograph, name, s, 0) for s in SEVERITIES]
        figures = [figure(name, pixels) for pixels in (photograph, *spoilt)]
        assert all(b > a for a, b in pairwise(figures))


@pytest.mark.parametrize("name", ["underexposure", "low-contrast", "desaturation"])
def test_the_figure_falls_with_severity(photographs, name):
    for photograph in photographs.values():
        spoilt = [distort(photograph, name, s, 0) for s in SEVERITIES]
        figures = [figure(name, pixels) for pixels in (photograph, *spoilt)]
        assert all(b < a for a, b in pairwise(figures))


@pytest.mark.parametrize("name", ["overexposure", "underexposure"])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_exposure_multiplies_light_by_powers_of_two(name, severity):
    codes = np.arange(256, dtype=np.uint8)
    picture = np.broadcast_to(codes[None, :, None], (32, 256, 3))
    made = distort(picture, name, severity, 0)[0, :, 0].astype(float)
    x = codes / 255
    light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    light = np.minimum(1, light * 2 ** parameters(name, severity)["stops"])
    wanted = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(made - wanted).max() < 0.6


def test_highlights_clip_and_shadows_do_not(photographs):
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
            gain = parameters("low-contrast", severity)["gain"]
            assert made.mean() == pytest.approx(luma(photograph).mean(), abs=0.3)
            assert made.std() == pytest.approx(gain * luma(photograph).std(), rel=0.02)


def test_the_strongest_desaturation_leaves_the_luma_alone_as_grey(photographs):
    for photograph in photographs.values():
        made = distort(photograph, "desaturation", 5, 0)
        assert np.ptp(made, axis=2).max() == 0
        assert np.abs(made[..., 0] - luma(photograph)).max() <= 0.75


@pytest.mark.parametrize("name", ["desaturation", "oversaturation"])
def test_saturation_scales_chroma_and_keeps_luma_where_nothing_clips(coffee, name):
    pale = (coffee // 8 + 112).astype(np.uint8)  # 112 to 143: far from both ends
    for severity in SEVERITIES:
        made = distort(pale, name, severity, 0)
        gain = parameters(name, severity)["gain"]
        assert np.abs(luma(made) - luma(pale)).max() <= 0.75
        assert chroma(made) == pytest.approx(gain * chroma(pale), rel=0.05, abs=0.02)


def test_the_strongest_oversaturation_clips(photographs):
    for photograph in photographs.values():
        made = distort(photograph, "oversaturation", 5, 0)
        ends = ((made == 0) | (made == 255)).mean()
        assert ends > ((photograph == 0) | (photograph == 255)).mean() + 0.01
