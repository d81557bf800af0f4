"""Scores from the logits of level words: a softmax over these words alone, then a weighted mean.

Source: Q-Align section 3.3 (five levels, weights 1 to 5), Q-Bench section 2.3 (two words, good and
poor). Weights here run from 0 to 1, so that scores of any number of words lie in [0, 1].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def closed_set(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """The probability of each word among these words alone: softmax(logits / temperature).

    `[..., words]` in and out; any finite logits, without overflow. ValueError for fewer than two
    words and for a temperature that is not above 0.
    """
    given = np.asarray(logits, dtype=np.float64)
    if given.ndim == 0 or given.shape[-1] < 2:
        raise ValueError(f"expected logits [..., words] of two or more words, not {given.shape}")
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(f"expected a temperature above 0, not {temperature}")
    power = np.exp((given - given.max(axis=-1, keepdims=True)) / temperature)
    shares: Floats = power / power.sum(axis=-1, keepdims=True)
    return shares


def score_of(
    logits: ArrayLike, weights: Sequence[float] | None = None, temperature: float = 1.0
) -> Floats:
    """The expected weight of the words; `[..., words]` worst to best in, `[...]` out.

    Without weights the words stand at equal steps from 0 (worst) to 1 (best). ValueError where
    there is not one weight a word, or as `closed_set`.
    """
    shares = closed_set(logits, temperature)
    words = shares.shape[-1]
    steps = np.linspace(0.0, 1.0, words) if weights is None else np.asarray(weights, np.float64)
    if steps.shape != (words,):
        raise ValueError(f"expected one weight for each of {words} words, not {steps.shape}")
    # a sum of products, no matrix product: its last digit depends on no number of threads
    found: Floats = np.asarray((shares * steps).sum(axis=-1))
    return np.clip(found, steps.min(), steps.max())
