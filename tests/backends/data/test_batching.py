"""Which samples go together: every one once, alike in length, in an order that the seed gives."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")

from qbuild_backends.data.batching import batches, passes

LENGTHS = np.random.default_rng(0).integers(20, 2_000, 1_000).tolist()


@pytest.mark.parametrize("count", [1, 7, 8, 1_000])
def test_every_sample_comes_once_an_epoch(count):
    found = batches(LENGTHS[:count], 8, seed=3, epoch=0)
    assert sorted(number for batch in found for number in batch) == list(range(count))


def test_the_order_is_the_seeds_and_the_epochs_and_no_others():
    first = batches(LENGTHS, 8, seed=3, epoch=0)
    assert first == batches(LENGTHS, 8, seed=3, epoch=0)
    assert first != batches(LENGTHS, 8, seed=4, epoch=0)
    assert first != batches(LENGTHS, 8, seed=3, epoch=1)


def test_a_batch_pads_little_and_batches_come_mixed():
    found = batches(LENGTHS, 8, seed=3, epoch=0)
    longest = [max(LENGTHS[number] for number in batch) for batch in found]
    padded = sum(most * len(batch) for most, batch in zip(longest, found, strict=True))
    assert padded < 1.15 * sum(LENGTHS)  # unsorted: 1.7
    assert longest != sorted(longest)


def test_answers_of_unlike_length_on_like_media_share_batches():
    lengths = [200 + number % 4 for number in range(1_600)]  # four answers, a token apart
    shares = [{lengths[number] for number in batch} for batch in batches(lengths, 16, 0, epoch=0)]
    assert min(map(len, shares)) >= 2
    assert np.mean([len(share) for share in shares]) > 3.8


@pytest.mark.parametrize(("batch", "count"), [(8, 2), (7, 4), (3, 4)])
def test_passes_hold_the_batch_in_order_and_differ_by_one_at_most(batch, count):
    found = passes(range(batch), count)
    assert len(found) == count
    assert [number for part in found for number in part] == list(range(batch))
    assert max(map(len, found)) - min(map(len, found)) <= 1
