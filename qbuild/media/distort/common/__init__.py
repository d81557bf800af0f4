"""The 15 common corruptions at five severities: the same image and seed give the same bytes.

After Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (ICLR 2019), with the parameters of Michaelis et al., "Benchmarking Robustness in
Object Detection" (2019), whose package `imagecorruptions` is the reference (`reference.py`);
docs/corruptions.md lists the differences from it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qbuild.media.distort.common.blur import defocus_blur, motion_blur, zoom_blur
from qbuild.media.distort.common.digital import brightness, contrast, jpeg_compression, pixelate
from qbuild.media.distort.common.draws import Draws
from qbuild.media.distort.common.elastic import elastic_transform
from qbuild.media.distort.common.glass import glass_blur
from qbuild.media.distort.common.noise import gaussian_noise, impulse_noise, shot_noise
from qbuild.media.distort.common.weather import fog, frost, snow
from qbuild.media.distort.parameters import NAMES, check_image, parameters
from qbuild.media.images.read_write import Pixels

CORRUPTIONS = NAMES["common"]

Kernels = dict[str, Callable[..., Pixels]]

_FIXED: Kernels = {
    kernel.__name__: kernel
    for kernel in (defocus_blur, zoom_blur, brightness, contrast, pixelate, jpeg_compression)
}
_DRAWING: Kernels = {
    kernel.__name__: kernel
    for kernel in (
        gaussian_noise,
        shot_noise,
        impulse_noise,
        glass_blur,
        motion_blur,
        snow,
        frost,
        fog,
        elastic_transform,
    )
}
DETERMINISTIC = frozenset(_FIXED)


def corrupt(pixels: Pixels, name: str, severity: int, seed: int) -> Pixels:
    """Return a corrupted copy of an RGB image `[h, w, 3]`.

    The result depends on the four arguments only, not on the number of OpenCV's threads or on
    other processes. The corruptions in DETERMINISTIC ignore `seed`, which is any whole number from
    0. Raises ValueError for arguments that are not valid, MissingPartError if the textures of frost
    are not installed.
    """
    values = parameters("common", name, severity)
    check_image(pixels, seed, "common")
    image = np.ascontiguousarray(pixels)
    if name in _FIXED:
        return _FIXED[name](image, **values)
    return _DRAWING[name](image, Draws(int(seed)), **values)
