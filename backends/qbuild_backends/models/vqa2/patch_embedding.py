"""The initial patch embedding of the tiny preset: whitened filters of a cosine transform (DCT).

With random filters so small a model learns next to nothing in minutes; the traces of blur, noise
and compression are in these filters' responses from the first step on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

LUMA = 80  # filters; the others are shared by Cb and Cr
RESPONSE = 3.0  # standard deviation of a filter's responses: at 1 the first steps drown them


@dataclass(frozen=True)
class Colour:
    """A direction in RGB, and the responses of unit filters to clean photographs in [-1, 1].

    Their standard deviation is about amplitude / max(frequency, lowest) ** power, a fit to 1,800
    crops; mean is that of the filter of frequency 0.
    """

    rgb: tuple[float, float, float]
    amplitude: float
    power: float
    lowest: float
    mean: float = 0.0

    def deviation(self, u: int, v: int) -> float:
        """The standard deviation at frequencies u and v."""
        frequency = max(math.hypot(u, v), self.lowest)
        return float(self.amplitude / frequency**self.power)


Y = Colour((0.299, 0.587, 0.114), 1.82, 1.09, 0.30, mean=-2.5)
CB = Colour((-0.169, -0.331, 0.5), 0.48, 1.02, 0.155)
CR = Colour((0.5, -0.419, -0.081), 0.62, 1.02, 0.195)


@torch.no_grad()
def set_dct_filters(embedding: nn.Conv2d) -> None:
    """Set weights (n, 3, side, side), luma and then chroma of the lowest frequencies, and bias."""
    side, chroma = embedding.kernel_size[0], (len(embedding.weight) - LUMA) // 2
    counts = {Y: len(embedding.weight) - 2 * chroma, CB: chroma, CR: chroma}
    filters = [_filters(side, colour, count) for colour, count in counts.items()]
    embedding.weight.copy_(torch.from_numpy(np.concatenate(filters)))
    if embedding.bias is not None:
        embedding.bias.zero_()
        embedding.bias[0] = -Y.mean * RESPONSE / Y.deviation(0, 0)


def _filters(side: int, colour: Colour, count: int) -> NDArray[np.float64]:
    """Filters [count, 3, side, side] of one colour, from the lowest frequency on."""
    places = np.arange(side)
    waves = np.cos(np.pi * (places + 0.5) * places[:, None] / side)  # [frequency, place]
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    order = sorted(np.ndindex(side, side), key=lambda uv: (sum(uv), uv))[:count]
    planes = [np.outer(waves[u], waves[v]) * RESPONSE / colour.deviation(u, v) for u, v in order]
    return np.stack([np.multiply.outer(colour.rgb, plane) for plane in planes])
