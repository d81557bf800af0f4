from __future__ import annotations

import math
import tracemalloc

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from qbuild.media.distort.parameters import NAMES
from qbuild.media.distort.spatial import distort
from qbuild.media.images.similarity import psnr, ssim
from qbuild.stages.demo_media import find_photographs


@pytest.fixture(scope="module")
def photograph():
    with Image.open(find_photographs()["chelsea"]) as image:
        return np.asarray(image.convert("RGB"))  # 451 x 300


def random_image(height, width, seed):
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def reference(a, b) -> float:
    """SSIM by scikit-image on the luma that `ssim` uses."""
    lumas = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (a, b)]
    return structural_similarity(
        *lumas, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )


@pytest.mark.parametrize("name", NAMES["vqa2"])
def test_both_agree_with_scikit_image_on_a_photograph(photograph, name):
    for severity in (1, 5):
        distorted = distort(photograph, name, severity, 3)
        expected = peak_signal_noise_ratio(photograph, distorted, data_range=255)
        assert psnr(photograph, distorted) == pytest.approx(expected, abs=1e-9)
        assert ssim(photograph, distorted) == pytest.approx(
            reference(photograph, distorted), abs=1e-4
        )


@pytest.mark.parametrize(
    "size", [(11, 11), (11, 300), (12, 40), (137, 21), (138, 20), (139, 20), (266, 20), (400, 31)]
)
def test_strips_join_without_a_seam(size):
    a, b = random_image(*size, 1), random_image(*size, 2)
    mixed = ((a.astype(int) * 3 + b) // 4).astype(np.uint8)
    assert ssim(a, mixed) == pytest.approx(reference(a, mixed), abs=1e-4)


def test_flat_bright_images_keep_precision():
    a = np.full((64, 64, 3), 250, dtype=np.uint8)
    b = a.copy()
    b[::2] = 251
    assert ssim(a, b) == pytest.approx(reference(a, b), abs=1e-3)


def test_equal_images_have_no_psnr_and_an_ssim_of_one(photograph):
    assert psnr(photograph, photograph.copy()) is None
    assert ssim(photograph, photograph.copy()) == 1


def test_psnr_counts_all_three_channels():
    a = np.zeros((20, 20, 3), dtype=np.uint8)
    b = a.copy()
    b[..., 2] = 30
    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 / (30**2 / 3)))
    assert psnr(a, np.full_like(a, 255)) == 0


def test_both_are_symmetric_and_reproducible(photograph):
    distorted = distort(photograph, "noise", 3, 0)
    threads = cv2.getNumThreads()
    try:
        figures = set()
        for count in (1, 3):
            cv2.setNumThreads(count)
            figures |= {(psnr(a, b), ssim(a, b)) for a, b in ((photograph, distorted),) * 2}
    finally:
        cv2.setNumThreads(threads)
    assert len(figures) == 1
    assert ssim(distorted, photograph) == pytest.approx(ssim(photograph, distorted), abs=1e-6)
    assert psnr(distorted, photograph) == psnr(photograph, distorted)


def test_a_negative_has_a_negative_ssim():
    half = np.indices((60, 60)).sum(axis=0) % 20 * 12
    image = np.repeat(half[..., None], 3, axis=2).astype(np.uint8)
    assert -1 <= ssim(image, 255 - image) < -0.5


def test_a_large_image_needs_little_extra_memory():
    a, b = (np.repeat(np.repeat(random_image(30, 40, seed), 100, 0), 100, 1) for seed in (1, 2))
    tracemalloc.start()
    try:
        ssim(a, b)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert a.nbytes == 36_000_000
    assert peak < 60_000_000  # two lumas of 12 MB, and strips


@pytest.mark.parametrize("measure", [psnr, ssim])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (
            (20, 20, 3),
            (20, 21, 3),
            r"images of \[20, 20, 3\] and \[20, 21, 3\]; expected",
        ),
        ((20, 20), (20, 20), r"pixels uint8 \[20, 20\]; expected uint8 \[height, width, 3\]"),
    ],
)
def test_images_that_cannot_be_compared_are_rejected(measure, a, b, message):
    with pytest.raises(ValueError, match=message):
        measure(np.zeros(a, np.uint8), np.zeros(b, np.uint8))


def test_an_image_smaller_than_the_window_has_no_ssim():
    small = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="40 x 10 pixels; SSIM expects at least 11 per side"):
        ssim(small, small)
    assert psnr(small, small + 1) == pytest.approx(48.13, abs=0.01)


def test_ssim_of_images_with_equal_luma_is_not_above_one(photograph):
    other = photograph.copy()
    other[..., 2] ^= 1
    lumas = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (photograph, other)]
    other = np.where((lumas[0] == lumas[1])[..., None], other, photograph)
    assert not np.array_equal(photograph, other)
    assert ssim(photograph, other) == 1
