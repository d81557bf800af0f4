import numpy as np
import pytest

from qbuild.labels.ratings.screening import screen_observers


def panel(rows):
    """Scores, media codes and observer codes of a full matrix `[medium, observer]`."""
    scores = np.asarray(rows, dtype=float)
    media, observers = np.indices(scores.shape)
    return scores.ravel(), media.ravel(), observers.ravel()


def plainly(rows):
    """The rule of BT.500-13, Annex 2, 2.3.1, medium by medium, as a reference."""
    scores = np.asarray(rows, dtype=float)
    p, q = np.zeros(scores.shape[1]), np.zeros(scores.shape[1])
    for votes in scores:
        mean, s = votes.mean(), votes.std(ddof=1)
        if s == 0:
            continue
        beta = ((votes - mean) ** 4).mean() / ((votes - mean) ** 2).mean() ** 2
        band = (2 if 2 <= beta <= 4 else np.sqrt(20)) * s
        p += votes >= mean + band
        q += votes <= mean - band
    both = p + q
    balance = np.divide(abs(p - q), both, out=np.ones_like(both), where=both > 0)
    return (both / scores.shape[0] > 0.05) & (balance < 0.3)


@pytest.mark.parametrize("seed", range(20))
def test_the_result_equals_a_direct_implementation_of_the_rule(seed):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(20, 80, (60, 1))
    rows = truth + rng.normal(0, 5, (60, 15))
    wild = rng.integers(0, 3)
    rows[:, :wild] += rng.choice([-22, 0, 22], (60, wild))
    assert screen_observers(*panel(rows)).tolist() == plainly(rows).tolist()


def test_an_observer_who_deviates_to_both_sides_is_excluded_and_a_biased_one_is_kept():
    rng = np.random.default_rng(1)
    rows = rng.uniform(30, 70, (80, 1)) + rng.normal(0, 3, (80, 18))
    rows[:, 3] += np.where(np.arange(80) % 2, 14, -14)
    rows[:, 7] += 9
    assert np.flatnonzero(screen_observers(*panel(rows))).tolist() == [3]


def test_equal_votes_are_never_outside():
    assert not screen_observers(*panel([[0.1 + 0.2] * 12] * 9)).any()


def test_votes_may_be_missing():
    scores, media, observers = panel(np.random.default_rng(0).normal(3, 1, (10, 8)))
    kept = np.arange(len(scores)) % 3 > 0
    assert screen_observers(scores[kept], media[kept], observers[kept]).shape == (8,)
