"""qbuild/quality/metrics.py: metrics against scipy and against their definitions."""

from __future__ import annotations

import numpy as np
import predicted
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit
from scipy.stats import pearsonr, spearmanr

from qbuild.quality.metrics import (
    Logistic,
    NotMappedError,
    fit_logistic,
    krcc,
    measure_agreement,
    percentile_interval,
    plcc,
    rmse,
    srcc,
    undefined,
)

TIED = st.lists(st.integers(-3, 3), min_size=3, max_size=30)


def defined(one, other):
    return len(set(one)) > 1 and len(set(other)) > 1


@settings(deadline=None)
@given(one=TIED, other=TIED)
def test_srcc_and_plcc_equal_scipys_with_ties(one, other):
    size = min(len(one), len(other))
    x, y = np.array(one[:size], float), np.array(other[:size], float)
    if defined(x, y):
        assert srcc(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
        assert plcc(x, y) == pytest.approx(pearsonr(x, y).statistic, abs=1e-12)


@settings(deadline=None)
@given(one=TIED, other=TIED)
def test_krcc_counts_pairs_and_leaves_out_ties(one, other):
    size = min(len(one), len(other))
    x, y = np.array(one[:size], float), np.array(other[:size], float)
    if not defined(x, y):
        return
    upper = np.triu_indices(size, 1)
    dx, dy = (np.sign(np.subtract.outer(v, v))[upper] for v in (x, y))
    tau_b = (dx * dy).sum() / np.sqrt((dx != 0).sum() * (dy != 0).sum())
    assert krcc(x, y) == pytest.approx(tau_b, abs=1e-12)


def test_scores_of_extreme_size_keep_their_correlation():
    x, y = predicted.points(200)
    expected = plcc(x, y)
    for factor in (1e-300, 1e-200, 1e300):
        assert plcc(x * factor, y) == pytest.approx(expected, abs=1e-12)
    assert plcc(x + 1e6, y) == pytest.approx(expected, abs=1e-8)


def test_rmse_is_in_units_of_the_scores():
    assert rmse(np.array([1.0, 2, 3]), np.array([1.0, 4, 3])) == pytest.approx(np.sqrt(4 / 3))


@pytest.mark.parametrize(
    ("x", "y", "why"),
    [
        ([1.0, 2], [1.0, 2], "fewer than 3 rows"),
        ([1.0, 1, 1], [1.0, 2, 3], "all predictions are equal"),
        ([1.0, 2, 3], [4.0, 4, 4], "all opinion scores are equal"),
        ([1.0, np.nan, 3], [1.0, 2, 3], "a value is not finite"),
        ([1.0, 2, 3], [1.0, 2, np.inf], "a value is not finite"),
        ([1.0, 2, 3], [3.0, 2, 4], ""),
    ],
)
def test_undefined_metrics_have_a_reason(x, y, why):
    x, y = np.array(x), np.array(y)
    assert undefined(x, y) == why
    found = measure_agreement(x, y, x)
    if why:
        assert not {"srcc", "plcc", "krcc", "plcc_mapped"} & found.values.keys()
        assert {found.undefined[name] for name in ("srcc", "plcc", "krcc")} == {why}
    else:
        assert {"srcc", "plcc", "krcc", "rmse"} == found.values.keys()


# ---- mapping


def test_the_mapping_finds_the_logistic_that_made_the_scores():
    x = np.linspace(0, 1, 400)
    made = Logistic(4.6, 1.3, 0.42, 0.08)
    found = fit_logistic(x, made(x))
    assert [found.b1, found.b2, found.b3, found.b4] == pytest.approx([4.6, 1.3, 0.42, 0.08])


@pytest.mark.parametrize("seed", range(4))
def test_the_mapping_fits_no_worse_than_curve_fit_from_vqegs_start(seed):
    x, y = predicted.points(500, seed)

    def form(at, b1, b2, b3, b4):
        return (b1 - b2) / (1 + np.exp(-(at - b3) / abs(b4))) + b2

    start = [y.max(), y.min(), x.mean(), x.std() / 4]
    peer, _ = curve_fit(form, x, y, start, maxfev=20_000)
    ours = fit_logistic(x, y)
    assert rmse(ours(x), y) <= rmse(form(x, *peer), y) + 1e-6
    assert ours.b1 > ours.b2
    assert ours.b4 > 0


@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (1e-3, 0.5), (250.0, -1e4)])
def test_the_mapping_does_not_depend_on_the_scale_of_the_predictions(scale, shift):
    x, y = predicted.points(300)
    expected = rmse(fit_logistic(x, y)(x), y)
    moved = x * scale + shift
    assert rmse(fit_logistic(moved, y)(moved), y) == pytest.approx(expected, rel=1e-4)


def test_points_along_a_line_are_mapped_although_no_logistic_is_best():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=100)
        y = x + 0.05 * rng.normal(size=100)
        assert rmse(fit_logistic(x, y)(x), y) < 0.06


def test_the_mapping_keeps_the_order():
    x, y = predicted.points(300)
    along = np.linspace(x.min() - 1, x.max() + 1, 500)
    assert (np.diff(fit_logistic(x, y)(along)) >= 0).all()
    assert measure_agreement(x, y, x).values["plcc_mapped"] >= plcc(x, y)


def test_decreasing_predictions_are_not_mapped_and_keep_their_sign():
    x, y = predicted.points(300)
    found = measure_agreement(-x, y, -x)
    assert found.values["srcc"] < -0.5
    assert found.mapping is None
    assert found.undefined["plcc_mapped"] == "predictions do not rise with the opinion scores"


def test_too_few_points_are_not_mapped():
    x = np.array([0.1, 0.2, 0.3, 0.5])
    with pytest.raises(NotMappedError, match="fewer than 5 rows"):
        fit_logistic(x, x)


def test_points_of_two_values_are_mapped_or_have_a_reason():
    """A step has no slope: the fit must end, whichever way, without a warning."""
    x, y = np.repeat([0.0, 1.0], 50), np.repeat([1.0, 5.0], 50)
    found = measure_agreement(x, y, x)
    assert found.undefined.get("rmse_mapped") or found.values["rmse_mapped"] < 1e-3


# ---- intervals


def test_an_interval_holds_the_middle_of_the_resamples():
    assert percentile_interval(np.arange(101.0), 0.9) == pytest.approx((5, 95))


def test_an_interval_of_mostly_undefined_resamples_is_none():
    figures = np.arange(100.0)
    figures[:5] = np.nan
    assert percentile_interval(figures, 0.95) is not None
    figures[:6] = np.nan
    assert percentile_interval(figures, 0.95) is None
    assert percentile_interval(np.full(3, np.nan), 0.95) is None
