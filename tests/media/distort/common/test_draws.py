"""Random numbers from a seed."""

from __future__ import annotations

import numpy as np
import pytest

from qbuild.media.distort.common.draws import Draws, normal_quantiles


def test_words_are_the_raw_words_of_the_generator():
    raw = np.random.SFC64(3).random_raw(4)
    assert np.array_equal(Draws(3).words(3, 5).reshape(-1), raw.view(np.uint16)[:15])


def test_a_seed_may_have_more_than_64_bits():
    assert Draws(2**70).below(10**9) != Draws(2**70 + 2**65).below(10**9)


def test_all_whole_numbers_below_a_limit_are_drawn_and_no_others():
    draws = Draws(1)
    assert {draws.below(5) for _ in range(200)} == set(range(5))
    assert {draws.below(1) for _ in range(9)} == {0}


def test_uniform_numbers_fill_their_interval_evenly():
    field = Draws(2).uniforms(300, 400)
    assert -1 < field.min() < -0.999
    assert 0.999 < field.max() < 1
    assert field.mean() == pytest.approx(0, abs=0.01)
    assert field.var() == pytest.approx(1 / 3, rel=0.01)
    draws = Draws(2)
    angles = [draws.uniform(-45, 45) for _ in range(2000)]
    assert np.histogram(angles, 4, (-45, 45))[0] == pytest.approx([500] * 4, abs=80)


def test_the_quantiles_have_the_moments_of_a_normal_distribution():
    quantiles = normal_quantiles()
    assert quantiles.mean() == pytest.approx(0, abs=1e-12)
    assert quantiles.var() == pytest.approx(1, rel=1e-4)
    assert (quantiles**4).mean() == pytest.approx(3, rel=3e-3)
