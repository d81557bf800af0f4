"""The 15 common corruptions at five severities: the same bytes for the same picture and seed.

After Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (ICLR 2019), with the figures of Michaelis et al., "Benchmarking Robustness in Object
Detection" (2019), whose package `imagecorruptions` is the reference (`reference.py`); how near
each kernel comes to it stands in docs/corruptions.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qbuild.core.errors import near
from qbuild.media.distort.common.severities import SEVERITIES, TABLES

__all__ = ["CORRUPTIONS", "DETERMINISTIC", "SEVERITIES", "corrupt", "parameters"]

CORRUPTIONS: tuple[str, ...] = tuple(TABLES)
DETERMINISTIC = frozenset(
    ("defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression")
)
LEAST_SIDE = 32
MOST_SIDE = 32_766  # OpenCV's warps count in 16 bits


def corrupt(pixels: NDArray[np.uint8], name: str, severity: int, seed: int) -> NDArray[np.uint8]:
    """A new picture `[h, w, 3]` in RGB, spoilt; `pixels` stay as they were.

    The result depends on the four arguments alone: not on the number of OpenCV's threads, nor on
    what else runs. The kernels in DETERMINISTIC draw nothing and ignore `seed`, which is any whole
    number from 0. Raises ValueError for what it does not take, MissingPartError where frost finds
    no textures.
    """
    check(pixels, name, severity, seed)
    from qbuild.media.distort.common.kernels import DRAWING, FIXED, Draws

    figures = parameters(name, severity)
    whole = np.ascontiguousarray(pixels)
    if name in DETERMINISTIC:
        return FIXED[name](whole, **figures)
    return DRAWING[name](whole, Draws(int(seed)), **figures)


def parameters(name: str, severity: int) -> dict[str, float]:
    """What the kernel is told at this severity, by name (`severities.py` gives the units)."""
    if name not in TABLES:
        raise ValueError(f"no corruption is called {name!r}. {near(name, TABLES)}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity {severity!r} is none; expected a whole number from 1 to 5")
    return {figure: values[severity - 1] for figure, values in TABLES[name].items()}


def check(pixels: NDArray[np.uint8], name: str, severity: int, seed: int) -> None:
    """Nothing, or ValueError that says which argument cannot be used."""
    parameters(name, severity)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        kind = pixels.dtype if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise ValueError(f"pixels are {kind}; expected a numpy array of uint8")
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"pixels have the shape {pixels.shape}; expected [h, w, 3] in RGB")
    if not all(LEAST_SIDE <= side <= MOST_SIDE for side in pixels.shape[:2]):
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        raise ValueError(f"a picture of {size}; expected {LEAST_SIDE} to {MOST_SIDE} pixels a side")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed {seed!r} is none; expected a whole number from 0")
