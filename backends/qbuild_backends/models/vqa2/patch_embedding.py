"""The initial patch embedding of the tiny preset: whitened filters of a cosine transform (DCT).

With random filters so small a model learns next to nothing in minutes; the traces of blur, noise
and compression are in these filters' responses from the first step on.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

LUMA = 80  # filters; the others are shared by Cb and Cr
RESPONSE = 3.0  # standard deviation of a filter's responses: at 1 the first steps drown them
_COLOURS = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))  # Y, Cb, Cr
# Deviation of the responses of unit filters on clean photographs with values in [-1, 1], about
# amplitude / frequency: a fit to 1,800 crops, to 25 % of each filter.
_AMPLITUDES = (1.8, 0.5, 0.6)


@torch.no_grad()
def set_dct_filters(embedding: nn.Conv2d) -> None:
    """Set weights (n, 3, side, side): luma and chroma of the lowest frequencies, no bias."""
    filters = [
        _filters(embedding.kernel_size[0], colour, count)
        for colour, count in _counts(len(embedding.weight))
    ]
    embedding.weight.copy_(torch.from_numpy(np.concatenate(filters)))
    if embedding.bias is not None:
        embedding.bias.zero_()


def _counts(filters: int) -> list[tuple[int, int]]:
    """The colours by place in _COLOURS, with their number of filters."""
    chroma = (filters - LUMA) // 2
    return [(0, filters - 2 * chroma), (1, chroma), (2, chroma)]


def _filters(side: int, colour: int, count: int) -> NDArray[np.float64]:
    """Filters [count, 3, side, side] of one colour, from the lowest frequency on."""
    places = np.arange(side)
    waves = np.cos(np.pi * (places + 0.5) * places[:, None] / side)  # [frequency, place]
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    order = sorted(np.ndindex(side, side), key=lambda uv: (sum(uv), uv))[:count]
    made = []
    for u, v in order:
        deviation = _AMPLITUDES[colour] / max(np.hypot(u, v), 0.25)
        wave = np.outer(waves[u], waves[v]) * RESPONSE / deviation
        made.append(np.multiply.outer(_COLOURS[colour], wave))
    return np.stack(made)
