"""Which samples go together: an order from seed and epoch, samples of like length side by side.

Like, not equal: where all media are of one length, samples sorted to the token would be sorted by
their answers, and a batch would hold one level alone; batch norms then learn to tell the batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qbuild.core.canonical import row_seed
from qbuild_backends.data.sample import Sample

WINDOW = 64  # batches within which samples are sorted by length: long enough to match, still mixed
LIKE = 0.25  # lengths that differ by less are drawn together as if they were equal
_SIGNS_A_TOKEN = 4  # of English text, about


def sizes(samples: Sequence[Sample], tokens_per_key: int, frame: int = 0) -> list[int]:
    """About how many tokens each sample has, of what is known without decoding.

    `frame` is the length of the words around a video. A video of unknown length counts as 8 s at
    30 frames/s, the usual clip of the field.
    """
    return [_size(sample, tokens_per_key, frame) for sample in samples]


def _size(sample: Sample, tokens_per_key: int, frame: int) -> int:
    text = sum(len(turn.text) for turn in sample.turns)
    if sample.kind == "text":
        return max(1, text // _SIGNS_A_TOKEN)
    if sample.kind == "image":
        return tokens_per_key + text // _SIGNS_A_TOKEN
    frames = sample.num_frames or 240
    keys = max(1, round(frames / (sample.fps or 30.0)))
    return keys * tokens_per_key + frames + (text + frame) // _SIGNS_A_TOKEN


def batches(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[int]]:
    """The samples' numbers in batches: each number once, the last batch drawn maybe shorter.

    Shuffled, sorted within windows of `WINDOW` batches by length times a number drawn from 1 to
    1 + LIKE, cut, and the batches shuffled.
    """
    draw = np.random.default_rng(row_seed(seed, "order", str(epoch)))
    order = draw.permutation(len(lengths))
    known = np.asarray(lengths) * draw.uniform(1, 1 + LIKE, len(lengths))
    cut: list[list[int]] = []
    for first in range(0, len(order), batch * WINDOW):
        window = order[first : first + batch * WINDOW]
        window = window[np.argsort(known[window], kind="stable")]
        cut += [window[at : at + batch].tolist() for at in range(0, len(window), batch)]
    return [cut[number] for number in draw.permutation(len(cut))]


def passes(batch: Sequence[int], count: int) -> list[list[int]]:
    """A batch in `count` passes of nearly equal number, neighbours in length together."""
    return [part.tolist() for part in np.array_split(np.asarray(batch, np.int64), count)]
