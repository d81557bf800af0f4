"""The text that all prompts begin with, gone through the language model once.

The system turn and the words before the first placeholder are the same for every medium of a run:
their keys and values are computed for the first batch and stand before those of every other.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from qbuild_backends.models.vqa2.model import Vqa2Model
from qbuild_backends.models.vqa2.processor import Encoded

# Below this share of a batch's longest prompt a prefix is not worth its mask: behind it attention
# is no longer the plain causal one, whose kernels are the fastest.
LEAST_SHARE = 0.04


class Prefix:
    """The keys and values of one text, kept until batches begin with another."""

    def __init__(self, model: Vqa2Model) -> None:
        self._model = model
        self._ids = np.empty(0, np.int64)
        self._cache = Cache(layers=[])

    def of(self, samples: Sequence[Encoded]) -> tuple[int, Cache | None]:
        """How many ids of each sample need not be computed, and what stands before the others."""
        config = self._model.config
        ids = shared(samples, (config.video_token_id, config.motion_token_id))
        if len(ids) < LEAST_SHARE * max(len(sample.ids) for sample in samples):
            return 0, None
        if not np.array_equal(ids, self._ids):
            self._ids, self._cache = ids, self._computed(ids)
        return len(ids), self._cache

    def _computed(self, ids: NDArray[np.int64]) -> Cache:
        text = torch.from_numpy(ids)[None].to(self._model.device)
        grown = self._model.language_model(input_ids=text, use_cache=True).past_key_values
        return Cache(layers=[_Standing(layer.keys, layer.values) for layer in grown.layers])


class _Standing(DynamicLayer):
    """A layer's keys and values (1, heads, p, width) before those of a batch, which it forgets."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values = self._standing = keys, values

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Keys and values (b, heads, p + n, width) of the whole prompts."""
        keys, values = self._standing
        return _behind(keys, key_states), _behind(values, value_states)


def _behind(standing: Tensor, new: Tensor) -> Tensor:
    return torch.cat((standing.expand(len(new), -1, -1, -1), new), dim=-2)


def shared(samples: Sequence[Encoded], features: tuple[int, ...]) -> NDArray[np.int64]:
    """The ids that all samples begin with, before the first feature and the last id of each."""
    least = min(len(sample.ids) for sample in samples) - 1
    first = samples[0].ids[:least]
    same = ~np.isin(first, features)
    for sample in samples[1:]:
        same &= sample.ids[:least] == first
    return first[: least if same.all() else int(same.argmin())]
