from __future__ import annotations

import math
import tracemalloc

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from qbuild.media.distort.spatial import FAMILY, distort
from qbuild.media.images.similarity import psnr, ssim
from qbuild.stages.demo_media import find_photographs


@pytest.fixture(scope="module")
def photograph():
    with Image.open(find_photographs()["chelsea"]) as picture:
        return np.asarray(picture.convert("RGB"))  # 451 x 300


def drawn(height, width, seed):
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def reference(a, b) -> float:
    """SSIM by scikit-image on the luma that `ssim` looks at."""
    lumas = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (a, b)]
    return structural_similarity(
        *lumas, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )


@pytest.mark.parametrize("name", FAMILY)
def test_both_agree_with_scikit_image_on_a_photograph(photograph, name):
    for severity in (1, 5):
        spoilt = distort(photograph, name, severity, 3)
        wanted = peak_signal_noise_ratio(photograph, spoilt, data_range=255)
        assert psnr(photograph, spoilt) == pytest.approx(wanted, abs=1e-9)
        assert ssim(photograph, spoilt) == pytest.approx(reference(photograph, spoilt), abs=1e-4)


@pytest.mark.parametrize(
    "size", [(11, 11), (11, 300), (12, 40), (137, 21), (138, 20), (139, 20), (266, 20), (400, 31)]
)
def test_strips_join_without_a_seam(size):
    a, b = drawn(*size, 1), drawn(*size, 2)
    mixed = ((a.astype(int) * 3 + b) // 4).astype(np.uint8)
    assert ssim(a, mixed) == pytest.approx(reference(a, mixed), abs=1e-4)


def test_flat_bright_pictures_lose_no_digits():
    a = np.full((64, 64, 3), 250, dtype=np.uint8)
    b = a.copy()
    b[::2] = 251
    assert ssim(a, b) == pytest.approx(reference(a, b), abs=1e-3)


def test_equal_pictures_have_no_psnr_and_an_ssim_of_one(photograph):
    assert psnr(photograph, photograph.copy()) is None
    assert ssim(photograph, photograph.copy()) == 1


def test_psnr_counts_all_three_channels():
    a = np.zeros((20, 20, 3), dtype=np.uint8)
    b = a.copy()
    b[..., 2] = 30
    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 / (30**2 / 3)))
    assert psnr(a, np.full_like(a, 255)) == 0


def test_both_are_symmetric_and_repeat_to_the_bit(photograph):
    spoilt = distort(photograph, "noise", 3, 0)
    threads = cv2.getNumThreads()
    try:
        figures = set()
        for count in (1, 3):
            cv2.setNumThreads(count)
            figures |= {(psnr(a, b), ssim(a, b)) for a, b in ((photograph, spoilt),) * 2}
    finally:
        cv2.setNumThreads(threads)
    assert len(figures) == 1
    assert ssim(spoilt, photograph) == pytest.approx(ssim(photograph, spoilt), abs=1e-6)
    assert psnr(spoilt, photograph) == psnr(photograph, spoilt)


def test_a_negative_is_unlike():
    half = np.indices((60, 60)).sum(axis=0) % 20 * 12
    picture = np.repeat(half[..., None], 3, axis=2).astype(np.uint8)
    assert -1 <= ssim(picture, 255 - picture) < -0.5


def test_a_large_picture_takes_little_memory_beside_itself():
    a, b = (np.repeat(np.repeat(drawn(30, 40, seed), 100, 0), 100, 1) for seed in (1, 2))
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
    ("a", "b", "said"),
    [
        ((20, 20, 3), (20, 21, 3), r"pictures of \[20, 20, 3\] and \[20, 21, 3\]; expected one"),
        ((20, 20), (20, 20), r"pixels uint8 \[20, 20\]; expected uint8 \[height, width, 3\]"),
    ],
)
def test_pictures_that_cannot_be_compared_are_refused(measure, a, b, said):
    with pytest.raises(ValueError, match=said):
        measure(np.zeros(a, np.uint8), np.zeros(b, np.uint8))


def test_a_picture_smaller_than_the_window_has_no_ssim():
    small = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="40 x 10 pixels; SSIM expects at least 11 a side"):
        ssim(small, small)
    assert psnr(small, small + 1) == pytest.approx(48.13, abs=0.01)


def test_ssim_of_pictures_whose_luma_agrees_is_not_above_one(photograph):
    other = photograph.copy()
    other[..., 2] ^= 1
    lumas = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (photograph, other)]
    other = np.where((lumas[0] == lumas[1])[..., None], other, photograph)
    assert not np.array_equal(photograph, other)
    assert ssim(photograph, other) == 1
