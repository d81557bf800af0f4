"""The kernels by name: those that draw, and those that always make the same of a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qbuild.media.distort.common.blur import defocus_blur, motion_blur, zoom_blur
from qbuild.media.distort.common.digital import brightness, contrast, jpeg_compression, pixelate
from qbuild.media.distort.common.draws import Draws
from qbuild.media.distort.common.elastic import elastic_transform
from qbuild.media.distort.common.glass import glass_blur
from qbuild.media.distort.common.noise import gaussian_noise, impulse_noise, shot_noise
from qbuild.media.distort.common.weather import fog, frost, snow

__all__ = ["DRAWING", "FIXED", "Draws"]

Kernels = dict[str, Callable[..., NDArray[np.uint8]]]

FIXED: Kernels = {
    kernel.__name__: kernel
    for kernel in (defocus_blur, zoom_blur, brightness, contrast, pixelate, jpeg_compression)
}
DRAWING: Kernels = {
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
