"""qbuild/quality/bootstrap.py: every resample's figures are those of its rows."""

from __future__ import annotations

import numpy as np
import predicted
import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from qbuild.quality import bootstrap
from qbuild.quality.bootstrap import bootstrap_metrics
from qbuild.quality.metrics import percentile_interval, rmse


def tied(count, seed=0):
    x, y = predicted.points(count, seed)
    return np.round(x, 1), np.round(y, 0)


def test_every_resample_is_ranked_anew():
    x, y = tied(60)
    mapped = x**2
    found = bootstrap_metrics(x, y, 4 * x + 1, mapped, 40, seed=5)
    rng = np.random.default_rng(5)
    counts = next(bootstrap._draw_counts(rng, 60, 40))
    for at, of_rows in enumerate(counts):
        rows = np.repeat(np.arange(60), of_rows.astype(int))
        assert len(rows) == 60
        expected = {
            "srcc": spearmanr(x[rows], y[rows]).statistic,
            "plcc": pearsonr(x[rows], y[rows]).statistic,
            "krcc": kendalltau(x[rows], y[rows]).statistic,
            "rmse": rmse(4 * x[rows] + 1, y[rows]),
            "plcc_mapped": pearsonr(mapped[rows], y[rows]).statistic,
            "rmse_mapped": rmse(mapped[rows], y[rows]),
        }
        assert {name: values[at] for name, values in found.items()} == pytest.approx(expected)


def test_the_same_seed_gives_the_same_resamples_and_another_others():
    x, y = predicted.points(50)
    one, same, other = (bootstrap_metrics(x, y, None, None, 20, seed) for seed in (1, 1, 2))
    assert all((one[name] == same[name]).all() for name in ("srcc", "plcc", "krcc"))
    assert (one["srcc"] != other["srcc"]).any()
    assert one.keys() == {"srcc", "plcc", "krcc"}


def test_resamples_do_not_depend_on_how_many_are_made_at_a_time(monkeypatch):
    x, y = predicted.points(50)
    whole = bootstrap_metrics(x, y, x, x, 30, 0)
    monkeypatch.setattr(bootstrap, "_CELLS", 7 * 50)
    pieces = bootstrap_metrics(x, y, x, x, 30, 0)
    assert all((whole[name] == pieces[name]).all() for name in whole)


def test_a_resample_of_equal_values_is_undefined():
    x, y = np.array([0.1, 0.2, 0.9]), np.array([1.0, 2.0, 4.0])
    found = bootstrap_metrics(x, y, None, None, 500, 0)
    missing = np.isnan(found["srcc"])
    assert 30 < missing.sum() < 90  # one row three times: 3 in 27
    assert (np.isnan(found["plcc"]) == missing).all()
    assert (np.isnan(found["krcc"]) == missing).all()


def test_intervals_contain_the_true_value_as_often_as_their_confidence():
    """Of pairs of normals with correlation 0.6: Pearson's interval of 80 in 100."""
    rng, held = np.random.default_rng(7), 0
    for at in range(200):
        x, noise = rng.normal(size=(2, 120))
        samples = bootstrap_metrics(x, 0.6 * x + 0.8 * noise, None, None, 120, at)
        low, high = percentile_interval(samples["plcc"], 0.8)
        held += low <= 0.6 <= high
    assert 140 <= held <= 180  # 160 expected, 3.5 standard errors
