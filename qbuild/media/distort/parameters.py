"""The two families of image distortions and their parameters at severities 1 to 5.

common   the 15 common corruptions of `imagecorruptions` (Hendrycks and Dietterich 2019), with
         which Q-SiT distorts pristine images
vqa2     the eleven spatial distortions of VQA² stage 1

The parameters of `common` are those of `imagecorruptions` 1.1.2: light is a share of full scale (1
is 255 grey levels), lengths and blurs are in pixels. Those of `vqa2` were chosen by eye on
photographs; lengths `_at_480` are pixels in an image whose shorter side is 480 (docs/spatial.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from qbuild.core.errors import suggest
from qbuild.quality.distortions import SEVERITIES

Family = Literal["common", "vqa2"]
Steps = tuple[float, float, float, float, float]

MIN_SIDE = 32  # px: the smallest image that the kernels and `imagecorruptions` support
MAX_SIDE: dict[str, int | None] = {"common": 32_766, "vqa2": None}  # OpenCV's warps use 16 bits
REFERENCE_SIDE = 480  # px: the shorter side to which parameters `_at_480` apply

TABLES: dict[str, dict[str, dict[str, Steps]]] = {
    "common": {
        "gaussian_noise": {"sigma": (0.08, 0.12, 0.18, 0.26, 0.38)},
        "shot_noise": {"photons": (60, 25, 12, 5, 3)},  # of a pixel at full scale
        "impulse_noise": {"amount": (0.03, 0.06, 0.09, 0.17, 0.27)},  # share of values, half to 255
        "defocus_blur": {"radius": (3, 4, 6, 8, 10), "alias_sigma": (0.1, 0.5, 0.5, 0.5, 0.5)},
        "glass_blur": {
            "sigma": (0.7, 0.9, 1.0, 1.1, 1.5),
            "reach": (1, 2, 2, 3, 4),
            "iterations": (2, 1, 3, 2, 2),
        },
        "motion_blur": {"radius": (10, 15, 15, 15, 20), "sigma": (3, 5, 8, 12, 15)},
        "zoom_blur": {  # the zoom factors are numpy.arange(1, stop, step)
            "stop": (1.11, 1.16, 1.21, 1.26, 1.31),
            "step": (0.01, 0.01, 0.02, 0.02, 0.03),
        },
        "snow": {
            "mean": (0.1, 0.2, 0.55, 0.55, 0.55),
            "deviation": (0.3, 0.3, 0.3, 0.3, 0.3),
            "zoom": (3, 2, 4, 4.5, 2.5),
            "threshold": (0.5, 0.5, 0.9, 0.85, 0.85),
            "radius": (10, 12, 12, 12, 12),
            "sigma": (4, 4, 8, 8, 12),
            "picture": (0.8, 0.7, 0.7, 0.65, 0.55),  # weight of the image against its whitened copy
        },
        "frost": {  # weights of the image and of the texture
            "picture": (1, 0.8, 0.7, 0.65, 0.6),
            "texture": (0.4, 0.6, 0.7, 0.7, 0.75),
        },
        "fog": {"amount": (1.5, 2.0, 2.5, 2.5, 3.0), "decay": (2, 2, 1.7, 1.5, 1.4)},
        "brightness": {"amount": (0.1, 0.2, 0.3, 0.4, 0.5)},  # added to the value of HSV
        "contrast": {"factor": (0.4, 0.3, 0.2, 0.1, 0.05)},
        "elastic_transform": {"alpha": (12.5, 16.25, 21.25, 25.0, 30.0)},
        "pixelate": {"factor": (0.6, 0.5, 0.4, 0.3, 0.25)},
        "jpeg_compression": {"quality": (25, 18, 15, 10, 7)},
    },
    "vqa2": {
        "compression-artifact": {"quality": (36, 20, 12, 8, 5)},
        "spatial-blur": {"sigma_px_at_480": (1.0, 1.8, 2.9, 4.5, 7.0)},
        "motion-blur": {"length_px_at_480": (6, 12, 20, 32, 50)},
        "noise": {
            "electrons_at_white": (800, 280, 100, 36, 13),
            "read_noise_electrons": (1, 1, 1, 1, 1),
        },
        "overexposure": {"stops": (0.4, 0.8, 1.25, 1.8, 2.5)},
        "underexposure": {"stops": (-0.8, -1.6, -2.4, -3.3, -4.3)},
        "low-contrast": {"gain": (0.75, 0.56, 0.4, 0.28, 0.18)},
        "high-contrast": {"gain": (1.3, 1.7, 2.3, 3.3, 5.0)},
        "oversaturation": {"gain": (1.35, 1.75, 2.3, 3.1, 4.5)},
        "desaturation": {"gain": (0.7, 0.5, 0.32, 0.15, 0.0)},
        "block-effect": {
            "block_px_at_480": (16, 16, 16, 16, 16),
            "frequencies_kept": (10, 7, 5, 3, 1),  # along each side, including the mean
            "gain": (0.85, 0.7, 0.55, 0.4, 0.0),  # of the frequencies other than the mean
        },
    },
}
NAMES: dict[str, tuple[str, ...]] = {family: tuple(table) for family, table in TABLES.items()}

# values of a `--severity` option other than 1 to 5
RANDOM, ALL = "random", "all"


def _known_severity(text: str) -> str:
    if text not in {*map(str, SEVERITIES), RANDOM, ALL}:
        raise ValueError("expected 1, 2, 3, 4, 5, random or all")
    return text


Severity = Annotated[str, AfterValidator(_known_severity)]


def parameters(family: Family, name: str, severity: int) -> dict[str, float]:
    """The parameters of a distortion at a severity, by name.

    ValueError for an unknown name or a severity outside 1 to 5.
    """
    table = TABLES[family]
    check_choice(name, severity, table, f"distortion of family {family}")
    return {parameter: float(steps[severity - 1]) for parameter, steps in table[name].items()}


def check_choice(name: str, severity: int, names: Iterable[str], kind: str) -> None:
    """Raise ValueError for a name that is not among `names`, or a severity outside 1 to 5."""
    if name not in names:
        raise ValueError(f"{name!r} is not a {kind}. {suggest(name, names)}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity {severity!r}; expected a whole number from 1 to 5")


def check_image(pixels: Any, seed: Any, family: Family) -> None:
    """Raise ValueError unless pixels are uint8 `[h, w, 3]` of a supported size and seed is >= 0."""
    import numpy as np

    from qbuild.media.images.read_write import check_rgb

    check_rgb(pixels)
    height, width = pixels.shape[:2]
    limit = MAX_SIDE[family]
    if min(height, width) < MIN_SIDE or (limit and max(height, width) > limit):
        sides = f"{MIN_SIDE} to {limit:,}" if limit else f"at least {MIN_SIDE}"
        raise ValueError(f"{width} x {height} pixels; expected {sides} per side")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed {seed!r}; expected a whole number from 0")
