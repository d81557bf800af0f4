"""Which samples go together: an order from seed and epoch, samples of similar length together.

Similar, not equal: where all media are of one length, samples sorted to the token would be sorted
by their answers, and batch norms would learn to recognise batches of one level.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qbuild.core.canonical import row_seed

WINDOW = 64  # batches within which samples are sorted by length: long enough to match, still mixed
SIMILAR = 0.25  # lengths that differ by less are drawn together as if they were equal


def batches(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[int]]:
    """The samples' numbers in batches: each number once; the last batch may be shorter.

    Shuffled, sorted within windows of `WINDOW` batches by length times a number drawn from 1 to
    1 + SIMILAR, cut, and the batches shuffled.
    """
    draw = np.random.default_rng(row_seed(seed, "order", str(epoch)))
    order = draw.permutation(len(lengths))
    known = np.asarray(lengths) * draw.uniform(1, 1 + SIMILAR, len(lengths))
    cut: list[list[int]] = []
    for first in range(0, len(order), batch * WINDOW):
        window = order[first : first + batch * WINDOW]
        window = window[np.argsort(known[window], kind="stable")]
        cut += [window[at : at + batch].tolist() for at in range(0, len(window), batch)]
    return [cut[number] for number in draw.permutation(len(cut))]


def passes(batch: Sequence[int], count: int) -> list[list[int]]:
    """A batch in `count` passes of nearly equal size, neighbours in length together."""
    return [part.tolist() for part in np.array_split(np.asarray(batch, np.int64), count)]
