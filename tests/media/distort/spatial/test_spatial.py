"""Properties of all eleven distortions: shape, five severities, and the same bytes by seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from qbuild.media.distort.parameters import NAMES, TABLES, parameters
from qbuild.media.distort.spatial import distort
from qbuild.media.images.similarity import psnr, ssim
from qbuild.quality.distortions import BY_SLUG, SPATIAL

FAMILY = NAMES["vqa2"]
DRAWING = ("motion-blur", "noise")
FOLDER = Path(__file__).parent
GOLDEN_SEVERITIES = (1, 3, 5)


def golden_source() -> np.ndarray:
    """An image of 32 x 32 pixels with flat, smooth, sharp and coloured parts."""
    y, x = np.mgrid[0:32, 0:32]
    image = np.stack([x * 8, y * 8, 255 - (x + y) * 4], axis=2).astype(np.uint8)
    image[4:14, 18:28] = (230, 40, 60)
    image[20:30, 3:13] = (128, 128, 128)
    image[18:30, 20:30][::2] = 15
    return image


def golden_sheet() -> np.ndarray:
    """A row per distortion, at severities 1, 3 and 5."""
    source = golden_source()
    return np.vstack(
        [np.hstack([distort(source, name, s, 7) for s in GOLDEN_SEVERITIES]) for name in FAMILY]
    )


def digest(names, pixels) -> str:
    made = (distort(pixels, name, 4, 11).tobytes() for name in names)
    return hashlib.sha256(b"".join(made)).hexdigest()


def test_the_family_is_the_eleven_of_the_paper():
    assert [BY_SLUG[name] for name in FAMILY] == list(SPATIAL)
    assert len(FAMILY) == 11


@pytest.mark.parametrize("name", FAMILY)
def test_every_severity_differs_more_from_the_photograph(photographs, name):
    for photograph in photographs.values():
        distances = [psnr(photograph, distort(photograph, name, s, 3)) for s in range(1, 6)]
        assert None not in distances
        assert all(a - b > 0.5 for a, b in pairwise(distances)), distances


@pytest.mark.parametrize("name", FAMILY)
def test_the_weakest_is_mild_and_the_strongest_severe(photographs, name):
    for photograph in photographs.values():
        weakest, strongest = (psnr(photograph, distort(photograph, name, s, 3)) for s in (1, 5))
        assert weakest > 18
        assert strongest < 27
        assert ssim(photograph, distort(photograph, name, 1, 3)) > 0.8


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (61, 32), (101, 77)])
def test_any_size_from_32_pixels_keeps_its_shape(coffee, name, size):
    source = np.asarray(Image.fromarray(coffee).resize(size[::-1]))
    kept = source.copy()
    for severity in (1, 5):
        made = distort(source, name, severity, 0)
        assert (made.shape, made.dtype) == (source.shape, np.uint8)
        assert made.flags.c_contiguous
        assert not np.array_equal(made, source)
    assert np.array_equal(source, kept)


@pytest.mark.parametrize("name", FAMILY)
def test_a_view_gives_the_same_result_as_its_copy(coffee, name):
    view = coffee[:64, 90:10:-1]
    assert np.array_equal(distort(view, name, 2, 5), distort(view.copy(), name, 2, 5))


@pytest.mark.parametrize("name", FAMILY)
def test_a_grey_image_stays_grey_except_for_noise(coffee, name):
    grey = np.repeat(coffee[:96, :96, :1], 3, axis=2)
    made = distort(grey, name, 5, 0).astype(int)
    coloured = np.ptp(made, axis=2).max()
    assert coloured > 20 if name == "noise" else coloured == 0


@pytest.mark.parametrize("name", ["spatial-blur", "motion-blur", "low-contrast", "block-effect"])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (12, 130, 251)])
def test_a_uniform_image_is_not_changed_by_blur_or_blocks(name, colour):
    even = np.full((50, 70, 3), colour, dtype=np.uint8)
    made = distort(even, name, 3, 0)
    if name == "low-contrast":  # contrast is scaled around the luma: colours fade
        assert np.ptp(made.reshape(-1, 3), axis=0).max() == 0
        return
    assert np.array_equal(made, even)


@pytest.mark.parametrize("name", FAMILY)
def test_the_seed_decides_what_is_drawn_and_nothing_else(coffee, name):
    part = coffee[100:200, 100:250]
    assert np.array_equal(distort(part, name, 3, 1), distort(part, name, 3, 1))
    is_equal = np.array_equal(distort(part, name, 3, 1), distort(part, name, 3, 2**64 - 1))
    assert is_equal == (name not in DRAWING)


def test_the_bytes_do_not_depend_on_threads(coffee):
    threads = cv2.getNumThreads()
    digests = set()
    try:
        for count in (1, 2, 5):
            cv2.setNumThreads(count)
            digests.add(digest(FAMILY, coffee))
        with ThreadPoolExecutor(4) as pool:
            digests |= set(pool.map(lambda _: digest(FAMILY, coffee), range(4)))
    finally:
        cv2.setNumThreads(threads)
    assert len(digests) == 1


def test_the_bytes_do_not_depend_on_the_process(coffee):
    code = (
        "import numpy as np, sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_spatial import FAMILY, digest\n"
        "pixels = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(150, 200, 3)\n"
        "print(digest(FAMILY, pixels))"
    )
    part = np.ascontiguousarray(coffee[100:250, 100:300])
    done = subprocess.run(
        [sys.executable, "-c", code, str(FOLDER)],
        input=part.tobytes(),
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "5"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().strip() == digest(FAMILY, part)


def test_the_global_generator_does_not_change(coffee):
    np.random.seed(7)  # noqa: NPY002 - the generator that must not change
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    digest(FAMILY, coffee[:64, :64])
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_the_pixels_match_the_recorded_sheet():
    recorded = np.asarray(Image.open(FOLDER / "golden.png").convert("RGB")).astype(int)
    difference = np.abs(golden_sheet() - recorded)
    assert difference.mean() <= 0.1
    assert difference.max() <= 2


def test_parameters_have_one_set_of_names_and_change_with_severity():
    for name in FAMILY:
        steps = [parameters("vqa2", name, severity) for severity in range(1, 6)]
        assert len({tuple(step) for step in steps}) == 1
        assert len({tuple(step.values()) for step in steps}) == 5
        assert all(isinstance(value, float) for step in steps for value in step.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "spatial-blurr"}, "Did you mean spatial-blur"),
        ({"name": "motion_blur"}, "'motion_blur' is not a distortion of family vqa2"),
        ({"severity": 0}, "severity 0; expected a whole number from 1 to 5"),
        ({"severity": 6}, "severity 6; expected"),
        ({"seed": -1}, "seed -1; expected a whole number from 0"),
        ({"pixels": np.zeros((31, 40, 3), np.uint8)}, "40 x 31 pixels; expected at least 32"),
        ({"pixels": np.zeros((40, 40), np.uint8)}, "expected uint8 \\[height, width, 3\\]"),
        ({"pixels": np.zeros((40, 40, 4), np.uint8)}, "uint8 \\[40, 40, 4\\]; expected"),
        ({"pixels": np.zeros((40, 40, 3))}, "float64 \\[40, 40, 3\\]; expected uint8"),
    ],
)
def test_arguments_that_are_not_valid_are_rejected_with_their_value(change, message):
    arguments = {
        "pixels": np.zeros((40, 40, 3), np.uint8),
        "name": "noise",
        "severity": 1,
        "seed": 0,
    }
    with pytest.raises(ValueError, match=message):
        distort(**{**arguments, **change})


def test_the_page_lists_the_parameters_of_every_severity():
    page = (FOLDER.parents[3] / "docs/spatial.md").read_text(encoding="utf-8")
    rows = [
        [name, parameter, *(f"{step:g}" for step in steps)]
        for name, values in TABLES["vqa2"].items()
        for parameter, steps in values.items()
    ]
    documented = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    assert [row for row in documented if row and row[0] in FAMILY and len(row) == 7] == rows
