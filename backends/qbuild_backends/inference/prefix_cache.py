"""The text that all prompts begin with, computed once.

The system turn and the words before the first placeholder are the same for every medium of a run:
their keys and values are computed for the first batch and reused for every other.
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

from qbuild_backends.inference.loading import Loaded
from qbuild_backends.models.generation import cache_name
from qbuild_backends.models.inputs import Encoded

# Below this share of a batch's longest prompt a prefix is not worth its mask: after it, attention
# is no longer the plain causal one, whose kernels are the fastest.
MIN_SHARE = 0.04


class PrefixCache:
    """The keys and values of one text, kept until batches begin with another."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._ids = np.empty(0, np.int64)
        self._cache = Cache(layers=[])

    def find(self, samples: Sequence[Encoded]) -> tuple[int, dict[str, Cache]]:
        """How many ids of each sample are computed already, and the argument that holds them."""
        if not self._loaded.family.shares_prefix:
            return 0, {}
        ids = common_prefix(samples, self._loaded.processor.media_token_ids)
        if len(ids) < MIN_SHARE * max(len(sample.ids) for sample in samples):
            return 0, {}
        if not np.array_equal(ids, self._ids):
            self._ids, self._cache = ids, self._compute(ids)
        return len(ids), {cache_name(self._loaded.model): self._cache}

    def _compute(self, ids: NDArray[np.int64]) -> Cache:
        language = self._loaded.model.get_decoder()
        text = torch.from_numpy(ids)[None].to(self._loaded.device)
        outputs = language(input_ids=text, use_cache=True)
        layers = getattr(outputs, cache_name(language)).layers
        return Cache(layers=[_FixedLayer(layer.keys, layer.values) for layer in layers])


class _FixedLayer(DynamicLayer):
    """A layer's keys and values (1, heads, p, width); it does not keep those of a batch."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values = self._fixed = keys, values

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Keys and values (b, heads, p + n, width) of the whole prompts."""
        keys, values = self._fixed
        return _prepend(keys, key_states), _prepend(values, value_states)


def _prepend(prefix: Tensor, states: Tensor) -> Tensor:
    return torch.cat((prefix.expand(len(states), -1, -1, -1), states), dim=-2)


def common_prefix(samples: Sequence[Encoded], media_ids: tuple[int, ...]) -> NDArray[np.int64]:
    """The ids that all samples begin with, before the first medium and the last id of each."""
    length = min(len(sample.ids) for sample in samples) - 1
    first = samples[0].ids[:length]
    same = ~np.isin(first, media_ids)
    for sample in samples[1:]:
        same &= sample.ids[:length] == first
    return first[: length if same.all() else int(same.argmin())]
