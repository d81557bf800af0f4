"""The block effect has a grid of 16 pixels, JPEG one of 8."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from qbuild.media.distort.parameters import parameters
from qbuild.media.distort.spatial import distort
from qbuild.media.distort.spatial.coding import block_side
from qbuild.media.images.similarity import psnr

SEVERITIES = range(1, 6)


def steps(pixels: np.ndarray, at: int, of: int = 16) -> float:
    """Mean difference of neighbouring columns across the boundaries `at`, `at + of`, …"""
    difference = np.abs(np.diff(pixels.astype(float), axis=1)).mean(axis=(0, 2))
    boundary = np.arange(1, pixels.shape[1])
    return float(difference[boundary % of == at].mean())


def inside(pixels: np.ndarray) -> float:
    """The same across all other columns of blocks of 8."""
    return float(np.mean([steps(pixels, at, of=8) for at in range(1, 8)]))


def test_the_block_effect_has_edges_at_16_pixels_and_nowhere_else(photographs):
    for photograph in photographs.values():
        ratios = []
        for severity in SEVERITIES:
            made = distort(photograph, "block-effect", severity, 0)
            ratios.append(steps(made, 0) / (inside(made) + 0.1))
            assert steps(made, 8) < 1.25 * inside(made) + 0.1
        assert ratios == sorted(ratios)
        assert ratios[0] > 1.1 * steps(photograph, 0) / inside(photograph)
        assert ratios[4] > 20


def test_compression_has_edges_at_8_pixels(photographs):
    for photograph in photographs.values():
        made = distort(photograph, "compression-artifact", 4, 0)
        assert steps(made, 8) > 1.5 * inside(made)
        assert steps(made, 8) > 1.5 * steps(photograph, 8) / steps(photograph, 4) * inside(made)


def test_compression_keeps_detail_that_the_block_effect_loses(photographs):
    for photograph in photographs.values():
        for severity in (3, 4, 5):
            compressed = distort(photograph, "compression-artifact", severity, 0)
            coarse = distort(photograph, "block-effect", severity, 0)
            assert inside(compressed) > 1.3 * inside(coarse)
            assert psnr(compressed, coarse) < 35


def test_the_strongest_block_effect_leaves_the_mean_of_each_block(coffee):
    whole = coffee[:160, :320]
    made = distort(whole, "block-effect", 5, 0).astype(float)
    blocks = made.reshape(10, 16, 20, 16, 3)
    assert np.ptp(blocks, axis=(1, 3)).max() == 0
    means = whole.reshape(10, 16, 20, 16, 3).mean(axis=(1, 3))
    assert np.abs(blocks[:, 0, :, 0] - means).max() < 0.6


def test_every_severity_keeps_the_mean_of_each_block(coffee):
    grey = (coffee[:160, :320] // 2 + 64).astype(np.uint8)  # overshoot is not clipped
    means = grey.reshape(10, 16, 20, 16, 3).mean(axis=(1, 3))
    for severity in SEVERITIES:
        made = distort(grey, "block-effect", severity, 0)
        assert np.abs(made.reshape(10, 16, 20, 16, 3).mean(axis=(1, 3)) - means).max() < 0.6


@pytest.mark.parametrize("severity", SEVERITIES)
def test_blocks_agree_with_scipy_s_dct(coffee, severity):
    from scipy.fft import dctn, idctn

    values = parameters("vqa2", "block-effect", severity)
    kept = np.zeros(16)
    kept[: int(values["frequencies_kept"])] = values["gain"]
    kept[0] = 1
    blocks = coffee[:64, :96].reshape(4, 16, 6, 16, 3).astype(float)
    waves = dctn(blocks, axes=(1, 3), norm="ortho")
    waves *= kept[None, :, None, None, None] * kept[None, None, None, :, None]
    expected = np.clip(idctn(waves, axes=(1, 3), norm="ortho"), 0, 255).reshape(64, 96, 3)
    made = distort(coffee[:64, :96], "block-effect", severity, 0)
    assert np.abs(made - expected).max() < 1.1


def test_blocks_grow_with_the_image():
    sides = {479: 16, 480: 16, 959: 16, 960: 32, 1920: 64, 2160: 64, 3840: 128, 9000: 128, 32: 16}
    assert {shorter: block_side(16, shorter) for shorter in sides} == sides


def test_the_last_blocks_may_extend_beyond_the_image(coffee):
    part = coffee[:100, :150]
    whole = np.pad(part, ((0, 12), (0, 10), (0, 0)), mode="edge")
    made = distort(part, "block-effect", 3, 0)
    assert np.array_equal(made, distort(whole, "block-effect", 3, 0)[:100, :150])


def test_compression_is_jpeg_at_the_quality_of_the_parameters(coffee):
    for severity in SEVERITIES:
        stream = io.BytesIO()
        quality = int(parameters("vqa2", "compression-artifact", severity)["quality"])
        Image.fromarray(coffee).save(stream, "JPEG", quality=quality, subsampling="4:2:0")
        by_pillow = np.asarray(Image.open(stream))
        difference = np.abs(
            distort(coffee, "compression-artifact", severity, 0) - by_pillow.astype(int)
        )
        assert difference.mean() < 0.5
