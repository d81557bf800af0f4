from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, pearsonr, spearmanr

from qbuild.quality import levels

SCORES = st.lists(st.integers(0, 40), min_size=3, max_size=60).map(lambda xs: np.array(xs) / 4.0)


@given(SCORES, st.sampled_from(["left", "right"]))
def test_levels_run_from_one_to_five_and_never_to_six(scores, closed):
    edges = levels.Range(2.0, 8.0).edges
    found = levels.cut_levels(scores, edges, closed)
    assert set(found) <= {1, 2, 3, 4, 5}


def test_a_score_on_an_edge_belongs_above_when_closed_left_and_below_when_closed_right():
    edges = levels.Range(0.0, 100.0).edges
    scores = np.array([0.0, 20.0, 40.0, 60.0, 80.0, 100.0])
    assert levels.cut_levels(scores, edges, "left").tolist() == [1, 2, 3, 4, 5, 5]
    assert levels.cut_levels(scores, edges, "right").tolist() == [1, 1, 2, 3, 4, 5]


@given(SCORES, st.sampled_from(["left", "right"]))
def test_level_agreement_equals_scipys(scores, closed):
    ordered = np.sort(scores)
    edges = levels.Range(1.0, 9.0).edges
    found = levels.cut_levels(ordered, edges, closed)
    srcc, plcc = levels.level_agreement(ordered, edges, closed)
    if len(set(found)) < 2:
        assert (srcc, plcc) == (None, None)
        return
    assert srcc == pytest.approx(spearmanr(ordered, found).statistic, abs=1e-12)
    assert plcc == pytest.approx(pearsonr(ordered, found).statistic, abs=1e-12)


def test_the_trimmed_range_counts_k_from_both_ends():
    ordered = np.arange(1000.0)
    assert levels.trimmed_range(ordered, Decimal("0.001")) == levels.Range(1.0, 999.0)
    assert levels.trimmed_range(ordered, Decimal("0.0009")) == levels.Range(0.0, 999.0)
    assert levels.trimmed_range(ordered, Decimal("0.1")) == levels.Range(100.0, 900.0)


def test_a_decimal_share_is_exact():
    ordered = np.arange(10.0)
    assert levels.trimmed_range(ordered, Decimal("0.3")) == levels.Range(3.0, 7.0)


def test_normalised_scores_are_in_0_to_100_even_outside_the_range():
    found = levels.normalise(np.array([-5.0, 0.0, 5.0, 10.0, 20.0]), 0.0, 10.0)
    assert found.tolist() == [0.0, 0.0, 50.0, 100.0, 100.0]


def test_probabilities_of_a_normal_distribution_are_its_mass_in_each_interval():
    edges = levels.Range(0.0, 100.0).edges
    found = levels.normal_probabilities(np.array([50.0]), np.array([10.0]), edges)
    middle = norm.cdf(60, 50, 10) - norm.cdf(40, 50, 10)
    assert found.shape == (1, 5)
    assert found[0, 2] == pytest.approx(middle)
    assert found.sum() == pytest.approx(1.0)


def test_without_deviation_all_probability_is_on_the_level_of_the_score():
    edges = levels.Range(0.0, 100.0).edges
    found = levels.normal_probabilities(np.array([50.0, 20.0]), np.zeros(2), edges)
    assert found.tolist() == [[0, 0, 1, 0, 0], [0.5, 0.5, 0, 0, 0]]


def test_votes_become_shares():
    found = levels.vote_probabilities(np.array([[1.0, 0, 0, 0, 3.0]]))
    assert found.tolist() == [[0.25, 0, 0, 0, 0.75]]


@pytest.mark.parametrize("unit", [1e-200, 1e-308, 1e200, 1e307])
def test_agreement_does_not_depend_on_the_unit_of_the_scores(unit):
    scores = np.array([1.0, 2.0, 3.0, 5.0, 8.0])
    plain = levels.level_agreement(scores, levels.Range(1.0, 8.0).edges, "right")
    found = levels.level_agreement(scores * unit, levels.Range(unit, 8 * unit).edges, "right")
    assert found == pytest.approx(plain)
