from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qbuild.quality.sampling import (
    Target,
    allocate,
    draw_stratified,
    flatten,
    inclusion_probabilities,
    max_reachable_size,
    moments,
    row_keys,
)


def keys_of(count, seed=0):
    hashes = np.random.default_rng(7).integers(0, 2**63, count).astype(np.uint64)
    return row_keys(hashes, seed)


def skewed(count=2000, seed=3):
    """Scores distributed like opinion scores: a peak right of the middle, a long left tail."""
    return np.round(100 * np.random.default_rng(seed).beta(4, 2.2, count), 3)


def take(scores, size, mean, std, seed=0, start=0.5):
    target = Target(mean, std, 0.5)
    mask = flatten(scores, keys_of(len(scores), seed), size, target, start)
    return mask, target


# ---- keys


def test_keys_of_different_seeds_are_independent():
    one, other = keys_of(20_000, 1).astype(float), keys_of(20_000, 2).astype(float)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.03
    assert abs(one.mean() / 2**64 - 0.5) < 0.01
    assert len(set(one)) == 20_000


# ---- strata


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12), st.data())
def test_allocated_sizes_are_exact_and_within_one_row_of_proportional(counts, data):
    size = data.draw(st.integers(0, sum(counts)))
    shares = allocate(counts, size)
    assert sum(shares) == (size if sum(counts) else 0)
    for share, count in zip(shares, counts, strict=True):
        assert 0 <= share <= count
        assert abs(share - size * count / max(sum(counts), 1)) < 1


def test_equal_remainders_go_to_the_first_strata():
    assert allocate([3, 3, 3, 3], 6) == [2, 2, 1, 1]
    assert allocate([1, 2, 1], 2) == [1, 1, 0]
    assert allocate([0, 0], 0) == [0, 0]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 99))
def test_each_stratum_gives_its_rows_with_the_smallest_keys(strata, seed):
    strata, keys = np.array(strata), keys_of(len(strata), seed)
    sizes = [int(n) // 2 for n in np.bincount(strata, minlength=4)]
    mask = draw_stratified(strata, keys, sizes)
    for stratum, size in enumerate(sizes):
        inside, outside = keys[(strata == stratum) & mask], keys[(strata == stratum) & ~mask]
        assert len(inside) == size
        assert not size or not len(outside) or inside.max() < outside.min()


# ---- flatten


@settings(deadline=None, max_examples=40)  # some are hard: a sum of thousands of deviations
@given(
    scores=hnp.arrays(np.float64, st.integers(2, 80), elements=st.floats(0, 100, width=32)),
    mean=st.floats(-20, 120),
    std=st.floats(0.01, 80),
    start=st.floats(0, 1, exclude_max=True),
    data=st.data(),
)
def test_a_flattened_sample_has_exactly_its_size_for_any_target(scores, mean, std, start, data):
    size = data.draw(st.integers(2, len(scores)))
    mask, target = take(scores, size, mean, std, start=start)
    assert np.count_nonzero(mask) == size
    shares = inclusion_probabilities(np.sort(scores), size, target)
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert 0 <= max_reachable_size(scores, size, target) <= size


@pytest.mark.parametrize(
    ("size", "mean", "std"),
    [(1000, 60, 20), (400, 50, 20), (200, 45, 22), (500, 64.5, 10), (50, 30, 5), (8, 50, 20),
     (200, 64.5, 1), (1990, 64.7, 17.7)],
)  # fmt: skip
def test_a_target_that_the_scores_allow_is_met_at_every_seed(size, mean, std):
    scores = skewed()
    for seed in range(4):
        mask, target = take(scores, size, mean, std, seed=seed, start=seed / 4)
        assert target.met(*moments(scores[mask])), moments(scores[mask])


def test_inclusion_probabilities_have_the_target_moments():
    scores, target = skewed(), Target(50, 20, 0.5)
    shares = inclusion_probabilities(scores, 600, target)
    mean = shares @ scores / 600
    assert shares.sum() == pytest.approx(600)
    assert mean == pytest.approx(50, abs=1e-3)
    assert np.sqrt(shares @ (scores - mean) ** 2 / 599) == pytest.approx(20, abs=1e-3)


def test_the_moments_of_very_many_scores_are_met():
    scores = 100 * np.random.default_rng(5).beta(4, 2.2, 60_000)  # more values than are solved on
    mask, target = take(scores, 20_000, 50, 20)
    assert moments(scores[mask]) == pytest.approx((50, 20), abs=0.02)
    assert max_reachable_size(scores, 20_000, target) == 20_000


def test_the_largest_reachable_size_reaches_the_target_and_a_larger_one_does_not():
    scores = skewed()
    target = Target(45, 15, 0.5)
    most = max_reachable_size(scores, len(scores), target)
    assert 200 < most < 1500
    assert target.met(*moments(scores[take(scores, most, 45, 15)[0]]))
    more = round(most * 1.02)
    assert not target.met(*moments(scores[take(scores, more, 45, 15)[0]]))


def test_a_deviation_that_no_scores_have_is_approached_and_never_reached():
    scores = skewed()
    mask, target = take(scores, 300, 50, 70)
    mean, std = moments(scores[mask])
    assert not target.met(mean, std)
    assert std > 1.5 * scores.std()
    assert max_reachable_size(scores, 300, target) == 0


def test_the_same_rows_in_another_order_give_the_same_sample():
    scores, keys = np.round(skewed(), 0), keys_of(2000)  # many ties
    order = np.random.default_rng(1).permutation(2000)
    target = Target(50, 20, 0.5)
    one = flatten(scores, keys, 500, target, 0.3)
    other = flatten(scores[order], keys[order], 500, target, 0.3)
    assert set(keys[one]) == set(keys[order][other])


def test_rows_of_one_score_are_all_taken_at_some_seed():
    scores = np.repeat([20.0, 40.0, 60.0, 80.0], 25)
    often = sum(take(scores, 40, 45, 22, seed=s, start=s / 60)[0].astype(int) for s in range(60))
    for at in range(0, 100, 25):
        expected = often[at : at + 25].mean()
        # 60 draws of a share p: five standard errors
        tolerance = 5 * np.sqrt(expected * (1 - expected / 60)) + 1
        assert np.abs(often[at : at + 25] - expected).max() < tolerance
    assert often.min() > 0


def test_moments_need_rows():
    assert moments(np.array([])) == (None, None)
    assert moments(np.array([3.0])) == (3.0, None)
    assert not Target(3, 1, 1).met(3.0, None)
