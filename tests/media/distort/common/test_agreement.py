"""Agreement with the released package, run in the same process.

Deterministic kernels are compared directly. Of the others, the deterministic parts are compared on
the reference's own random numbers, and the complete kernel in distribution over seeds.
"""

from __future__ import annotations

import numpy as np
import pytest

from qbuild.media.distort.common import CORRUPTIONS, DETERMINISTIC, corrupt
from qbuild.media.distort.common.blur import blur_along, center_crop, path_taps
from qbuild.media.distort.common.elastic import displacements, warp
from qbuild.media.distort.common.glass import gaussian_blur, pack, shuffle, unpack
from qbuild.media.distort.common.noise import add_steps, gaussian_steps, impulse_steps, shot_levels
from qbuild.media.distort.common.plasma import height_map, map_side
from qbuild.media.distort.common.reference import corrupt_by_reference
from qbuild.media.distort.common.tables import to_grey_levels
from qbuild.media.distort.common.textures import scaled_texture, texture_size
from qbuild.media.distort.common.weather import add_fog, add_frost, add_snow, draw_flakes
from qbuild.media.distort.parameters import parameters
from qbuild.quality.distortions import SEVERITIES

severities = pytest.mark.parametrize("severity", SEVERITIES)
shapes = pytest.mark.parametrize("shape", [(32, 32), (97, 131), (160, 90)], ids=str)
EXACT = ("contrast", "pixelate", "jpeg_compression")  # equal to the last grey level


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference in grey levels."""
    return float(np.abs(a.astype(float) - b).mean())


@pytest.mark.parametrize("name", sorted(DETERMINISTIC))
@severities
@shapes
def test_deterministic_kernels_differ_by_less_than_a_fifth_of_a_grey_level(
    photo, name, severity, shape
):
    for scene in ("astronaut", "chelsea", "coffee"):
        source = photo(scene, *shape)
        difference = distance(
            corrupt(source, name, severity, 0), corrupt_by_reference(source, name, severity, 0)
        )
        assert difference <= (0 if name in EXACT else 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DETERMINISTIC))
def test_published_photographs_agree_at_full_size(data_folder, name):
    from PIL import Image

    files = sorted((data_folder / "images").glob("*.jpg"))
    assert files
    for file, severity in zip(files, (1, 3, 5, 2), strict=True):
        with Image.open(file) as opened:
            source = np.array(opened.convert("RGB"))
        for view in (source, np.ascontiguousarray(source.transpose(1, 0, 2))):  # portrait as well
            made = corrupt_by_reference(view, name, severity, 0)
            assert distance(corrupt(view, name, severity, 0), made) <= 0.1


@severities
def test_gaussian_noise_agrees_on_the_same_random_field(photo, severity):
    source, sigma = (
        photo("coffee", 60, 80),
        parameters("common", "gaussian_noise", severity)["sigma"],
    )
    field = np.random.RandomState(5).normal(size=source.shape, scale=sigma)
    steps = np.floor(255 * field).astype(np.int16)
    made = corrupt_by_reference(source, "gaussian_noise", severity, 5)
    assert distance(add_steps(source, steps), made) < 0.02
    drawn = gaussian_steps(sigma)
    assert drawn.std() == pytest.approx(255 * sigma, rel=1e-3)
    assert drawn.mean() == pytest.approx(-0.5, abs=0.01)


@severities
def test_shot_noise_agrees_on_the_same_counts(photo, severity):
    from scipy.stats import poisson

    source, photons = (
        photo("coffee", 60, 80),
        int(parameters("common", "shot_noise", severity)["photons"]),
    )
    counts = np.random.RandomState(5).poisson(source / 255.0 * photons)
    made = corrupt_by_reference(source, "shot_noise", severity, 5)
    assert np.array_equal(to_grey_levels(counts / photons), made)
    values = to_grey_levels(np.arange(photons + 1) / photons)
    for level in (0, 1, 90, 254):
        shares = poisson.pmf(np.arange(photons), level / 255 * photons)
        actual = [(shot_levels(photons)[level] == value).mean() for value in values[:-1]]
        assert actual == pytest.approx(shares, abs=1 / 4096)


@severities
def test_impulse_noise_has_the_requested_share_of_black_and_white_values(severity):
    amount = parameters("common", "impulse_noise", severity)["amount"]
    steps = impulse_steps(amount)
    assert (steps == -255).mean() == pytest.approx(amount / 2, abs=1e-4)
    assert (steps == 255).mean() == pytest.approx(amount / 2, abs=1e-4)


@severities
@shapes
def test_motion_blur_agrees_at_the_same_angle(photo, severity, shape):
    figures = parameters("common", "motion_blur", severity)
    for seed in (3, 4, 5):
        source, angle = photo("coffee", *shape), np.random.RandomState(seed).uniform(-45, 45)
        path = path_taps(int(figures["radius"]), figures["sigma"], angle, source.shape)
        made = corrupt_by_reference(source, "motion_blur", severity, seed)
        assert distance(blur_along(source, path), made) < 0.02


@severities
@shapes
def test_glass_blur_agrees_on_the_same_offsets(photo, severity, shape):
    source, figures = photo("coffee", *shape), parameters("common", "glass_blur", severity)
    reach, sigma, state = int(figures["reach"]), figures["sigma"], np.random.RandomState(6)
    packed = pack(gaussian_blur(source, sigma))
    rows, columns = shape[0] - 2 * reach, shape[1] - 2 * reach
    for _ in range(int(figures["iterations"])):
        drawn = state.randint(-reach, reach, size=(rows * columns, 2))[::-1]
        steps = (drawn[:, 1] * shape[1] + drawn[:, 0]).reshape(rows, columns)
        for end in range(rows, 0, -20):
            begin = max(0, end - 20)
            shuffle(packed, steps[begin:end], reach + 1 + begin, reach)
    made = corrupt_by_reference(source, "glass_blur", severity, 6)
    assert distance(gaussian_blur(unpack(packed), sigma), made) < 0.02


@severities
@shapes
def test_snow_agrees_on_the_same_grains(photo, severity, shape):
    source, f = photo("coffee", *shape), parameters("common", "snow", severity)
    state = np.random.RandomState(7)
    grains = state.normal(size=shape, loc=f["mean"], scale=f["deviation"])
    angle = state.uniform(-135, -45)
    (top, rows), (left, columns) = (center_crop(side, f["zoom"]) for side in shape)
    visible = grains[top : top + rows, left : left + columns].astype(np.float32)
    flakes = draw_flakes(visible, f["zoom"], f["threshold"], int(f["radius"]), f["sigma"], angle)
    made = add_snow(source, flakes[: shape[0], : shape[1]], f["picture"])
    assert distance(made, corrupt_by_reference(source, "snow", severity, 7)) < 0.02


@severities
@shapes
def test_frost_agrees_on_the_same_part_of_the_same_texture(photo, severity, shape):
    source, figures = photo("coffee", *shape), parameters("common", "frost", severity)
    for seed in range(4):
        state = np.random.RandomState(seed)
        number = state.randint(5)
        rows, columns = texture_size(number, *shape)
        top, left = state.randint(0, rows - shape[0]), state.randint(0, columns - shape[1])
        ice = scaled_texture(number, rows, columns)[top : top + shape[0], left : left + shape[1]]
        made = corrupt_by_reference(source, "frost", severity, seed)
        assert np.array_equal(add_frost(source, ice, figures["picture"], figures["texture"]), made)


@severities
@shapes
def test_fog_agrees_on_the_same_map(photo, severity, shape):
    source, figures = photo("coffee", *shape), parameters("common", "fog", severity)
    state = np.random.RandomState(8)

    def uniforms(rows: int, columns: int) -> np.ndarray:
        return state.uniform(-1, 1, (rows, columns)).astype(np.float32)

    cloud = height_map(map_side(max(shape)), figures["decay"], uniforms)
    made = corrupt_by_reference(source, "fog", severity, 8)
    assert distance(add_fog(source, cloud, figures["amount"]), made) < 0.02


@severities
@shapes
def test_elastic_transform_agrees_on_the_same_noise(photo, severity, shape):
    source, alpha = (
        photo("coffee", *shape),
        parameters("common", "elastic_transform", severity)["alpha"],
    )
    state, most = np.random.RandomState(9), shape[0] * 0.005
    right, down = (
        displacements((state.uniform(-most, most, size=shape) / most).astype(np.float32), alpha)
        for _ in range(2)
    )
    made = corrupt_by_reference(source, "elastic_transform", severity, 9)
    assert distance(warp(source, right, down), made) < 0.02


def figures(work, source: np.ndarray, name: str, severity: int, seeds: int) -> np.ndarray:
    """Mean, deviation and PSNR for each seed, `[seeds, 3]`."""
    made = np.stack([work(source, name, severity, seed) for seed in range(seeds)]).astype(float)
    error = ((made - source) ** 2).mean(axis=(1, 2, 3))
    psnr = 10 * np.log10(255**2 / error)
    return np.stack([made.mean(axis=(1, 2, 3)), made.std(axis=(1, 2, 3)), psnr], axis=1)


@pytest.mark.slow
@severities
@pytest.mark.parametrize("name", sorted(set(CORRUPTIONS) - DETERMINISTIC))
def test_over_seeds_mean_deviation_and_psnr_agree(photo, name, severity):
    """Within 0.1 grey levels, 0.3 % and 0.05 dB, plus three standard errors."""
    source, seeds = photo("coffee", 48, 64), 24
    ours = figures(corrupt, source, name, severity, seeds)
    peer = figures(corrupt_by_reference, source, name, severity, seeds)
    error = np.sqrt((ours.var(axis=0, ddof=1) + peer.var(axis=0, ddof=1)) / seeds)
    allowed = np.array([0.1, 0.003 * peer[:, 1].mean(), 0.05]) + 3 * error
    assert (np.abs(ours.mean(axis=0) - peer.mean(axis=0)) <= allowed).all()
