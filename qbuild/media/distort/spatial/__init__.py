"""The eleven spatial distortions of VQA² (section 3.2), each at five severities: `docs/spatial.md`.

The paper takes its images from KonIQ-10k and KADID-10k and has no formulas; those here follow
the causes of each distortion in a camera or a codec. Severity 1 is just visible, 5 is severe.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qbuild.media.distort.parameters import check_image, parameters
from qbuild.media.distort.spatial.blur import blur_by_defocus, blur_by_motion
from qbuild.media.distort.spatial.coding import compress, reduce_to_blocks
from qbuild.media.distort.spatial.light import (
    add_noise,
    scale_contrast,
    scale_exposure,
    scale_saturation,
)
from qbuild.media.images.read_write import Pixels

Kernel = Callable[[Pixels, dict[str, float], int], Pixels]

_KERNELS: dict[str, Kernel] = {  # each takes pixels, parameters and seed
    "compression-artifact": compress,
    "spatial-blur": blur_by_defocus,
    "motion-blur": blur_by_motion,
    "noise": add_noise,
    "overexposure": scale_exposure,
    "underexposure": scale_exposure,
    "low-contrast": scale_contrast,
    "high-contrast": scale_contrast,
    "oversaturation": scale_saturation,
    "desaturation": scale_saturation,
    "block-effect": reduce_to_blocks,
}


def distort(pixels: Pixels, name: str, severity: int, seed: int) -> Pixels:
    """Return a distorted copy of an sRGB image `[h, w, 3]` of at least 32 pixels per side.

    Only noise and motion blur use `seed`; a seed gives the same noise and angle at every severity.
    ValueError for arguments that are not valid.
    """
    values = parameters("vqa2", name, severity)
    check_image(pixels, seed, "vqa2")
    return _KERNELS[name](np.ascontiguousarray(pixels), values, seed)
