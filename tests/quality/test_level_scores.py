"""qbuild/quality/level_scores.py: what is read from the logits of level words."""

from __future__ import annotations

import numpy as np
import pytest

from qbuild.quality.level_scores import closed_set, score_from_logits


def test_equal_logits_give_the_middle():
    assert score_from_logits([3.0] * 5) == pytest.approx(0.5)
    assert score_from_logits([0.0, 0.0]) == pytest.approx(0.5)


def test_two_words_give_the_probability_of_the_better():
    poor, good = 13.8125, 16.65625
    assert score_from_logits([poor, good], temperature=100) == pytest.approx(
        1 / (1 + np.exp((poor - good) / 100)), abs=1e-15
    )


def test_five_words_give_the_weighted_mean_of_one_to_five():
    logits = np.random.default_rng(0).normal(size=(7, 3, 5)) * 4
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert closed_set(logits) == pytest.approx(shares)
    expected = shares @ [1, 2, 3, 4, 5]
    assert score_from_logits(logits, weights=[1, 2, 3, 4, 5]) == pytest.approx(expected)
    assert 4 * score_from_logits(logits) + 1 == pytest.approx(expected)


def test_logits_of_any_size_do_not_overflow():
    assert score_from_logits([-1e300, 1e300]) == 1
    assert score_from_logits([1e4, -1e4]) == 0
    assert closed_set([1e4, 1e4 - 1]) == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.e)])


@pytest.mark.parametrize(
    ("logits", "options", "what"),
    [
        ([1.0], {}, "two or more words"),
        (1.0, {}, "two or more words"),
        ([1.0, 2.0], {"temperature": 0}, "temperature above 0, not 0"),
        ([1.0, 2.0], {"temperature": float("nan")}, "temperature above 0"),
        ([1.0, 2.0], {"weights": [1, 2, 3]}, "one weight for each of 2 words"),
    ],
)
def test_logits_without_a_score_are_an_error(logits, options, what):
    with pytest.raises(ValueError, match=what):
        score_from_logits(logits, **options)
