"""The eleven spatial distortions of VQA² (section 3.2), each at five severities: `docs/spatial.md`.

The paper takes its pictures from KonIQ-10k and KADID-10k and gives no formulas; those here follow
what makes each distortion in a camera or a codec. Severity 1 is just visible, 5 severe.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

import numpy as np

from qbuild.core.errors import near
from qbuild.media.distort.spatial.severities import TABLES
from qbuild.quality.distortions import SEVERITIES, SPATIAL, slug

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Distortion = Callable[[NDArray[np.uint8], dict[str, float], int], NDArray[np.uint8]]

__all__ = ["FAMILY", "LEAST_SIDE", "distort", "parameters"]

FAMILY = tuple(slug(name) for name in SPATIAL)
LEAST_SIDE = 32  # pixels

_MADE_BY = {  # module and function; each takes pixels, parameters and seed
    "compression-artifact": ("coding", "compress"),
    "spatial-blur": ("blur", "defocus"),
    "motion-blur": ("blur", "move"),
    "noise": ("sensor", "add_noise"),
    "overexposure": ("tone", "expose"),
    "underexposure": ("tone", "expose"),
    "low-contrast": ("tone", "stretch"),
    "high-contrast": ("tone", "stretch"),
    "oversaturation": ("tone", "saturate"),
    "desaturation": ("tone", "saturate"),
    "block-effect": ("coding", "coarsen"),
}


def distort(pixels: NDArray[np.uint8], name: str, severity: int, seed: int) -> NDArray[np.uint8]:
    """A new picture with one distortion: sRGB, `[h, w, 3]`, at least 32 pixels a side.

    Only noise and motion blur draw from `seed`, the same field and angle at every severity.
    ValueError for pixels of another form, an unknown name, a severity outside 1 to 5, or a
    seed below 0.
    """
    figures = parameters(name, severity)
    _check(pixels, seed)
    module, function = _MADE_BY[name]
    made_by = getattr(import_module(f"qbuild.media.distort.spatial.{module}"), function)
    return cast("Distortion", made_by)(np.ascontiguousarray(pixels), figures, seed)


def parameters(name: str, severity: int) -> dict[str, float]:
    """The physical figures of a distortion at a severity, units in their names where they have one.

    ValueError for an unknown name or a severity outside 1 to 5.
    """
    if name not in TABLES:
        raise ValueError(f"no spatial distortion {name!r}. {near(name, TABLES)}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity {severity!r}; expected 1 to 5")
    return {figure: float(steps[severity - 1]) for figure, steps in TABLES[name].items()}


def _check(pixels: NDArray[np.uint8], seed: int) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        shape = list(pixels.shape)
        raise ValueError(f"pixels {pixels.dtype} {shape}; expected uint8 [height, width, 3]")
    if min(pixels.shape[:2]) < LEAST_SIDE:
        height, width = pixels.shape[:2]
        raise ValueError(f"{width} x {height} pixels; expected at least {LEAST_SIDE} a side")
    if seed < 0:
        raise ValueError(f"seed {seed}; expected 0 or more")
