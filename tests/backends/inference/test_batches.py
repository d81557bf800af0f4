"""Batches of samples of like length, and results in the order given."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

from qbuild_backends.inference.batches import compute_in_batches
from qbuild_backends.models.inputs import Encoded

from qbuild.backends.protocol import Rejected
from qbuild.core.rows.rejections import Rejection


def sample(length):
    return Encoded(np.zeros(length, np.int64), np.zeros(length, bool), {})


def computed(lengths, size, most_tokens=None):
    """The lengths in each batch, and what came of the samples."""
    batches = []

    def compute(samples):
        batches.append([len(one.ids) for one in samples])
        return batches[-1]

    samples = [one if isinstance(one, Rejected) else sample(one) for one in lengths]
    return batches, list(compute_in_batches(samples, compute, size, most_tokens))


def test_samples_of_similar_length_are_batched_together_and_returned_in_order():
    lengths = [5, 90, 6, 91, 7, 92]
    batches, found = computed(lengths, 3)
    assert batches == [[5, 6, 7], [90, 91, 92]]
    assert found == lengths


def test_a_rejection_keeps_its_position():
    refused = Rejected("a", Rejection("damaged", "a is damaged"))
    assert computed([4, refused, 5, refused], 2)[1] == [4, refused, 5, refused]


@pytest.mark.parametrize(
    ("most_tokens", "wanted"),
    [
        (None, [[10, 10, 10, 10]]),
        (40, [[10, 10, 10, 10]]),
        (39, [[10, 10, 10], [10]]),
        (3, [[10], [10], [10], [10]]),
    ],
)
def test_a_batch_has_no_more_tokens_than_asked_unless_it_is_one_sample(most_tokens, wanted):
    assert computed([10] * 4, 4, most_tokens)[0] == wanted


def test_tokens_are_counted_as_padded():
    assert computed([10, 30, 11], 3, 60)[0] == [[10, 11], [30]]
    assert computed([30, 10, 11], 3, 60)[0] == [[30, 11], [10]]
