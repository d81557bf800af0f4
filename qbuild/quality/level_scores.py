"""Scores from the logits of level words: a softmax over these words only, then a weighted mean.

Source: Q-Align section 3.3 (five levels, weights 1 to 5), Q-Bench section 2.3 (two words, good and
poor). Weights here are from 0 to 1, so scores of any number of words are in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from qbuild.quality.arrays import Floats


def closed_set(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """The probability of each word among these words only: softmax(logits / temperature).

    `[..., words]` in and out; any finite logits, without overflow. Logits that are not finite give
    NaN: callers reject them. ValueError for fewer than two words and for a temperature that is not
    above 0.
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] < 2:
        raise ValueError(f"expected logits [..., words] of two or more words, not {values.shape}")
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(f"expected a temperature above 0, not {temperature}")
    powers = np.exp((values - values.max(axis=-1, keepdims=True)) / temperature)
    probabilities: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def score_from_logits(
    logits: ArrayLike, weights: Sequence[float] | None = None, temperature: float = 1.0
) -> Floats:
    """The expected weight of the words: `[..., words]` logits, worst to best, to `[...]` scores.

    Without weights the words are evenly spaced from 0 (worst) to 1 (best). ValueError unless there
    is one weight per word, or as for `closed_set`.
    """
    probabilities = closed_set(logits, temperature)
    words = probabilities.shape[-1]
    scale = np.linspace(0.0, 1.0, words) if weights is None else np.asarray(weights, np.float64)
    if scale.shape != (words,):
        raise ValueError(f"expected one weight for each of {words} words, not {scale.shape}")
    # a matrix product would depend on the number of threads in its last digit
    scores: Floats = np.asarray((probabilities * scale).sum(axis=-1))
    return np.clip(scores, scale.min(), scale.max())
