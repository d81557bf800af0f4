from fractions import Fraction

import pytest

from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.sessions.rates import common_rate, exact_rate


@pytest.mark.parametrize("value", [23.976, 23.976023976023978, 23.97, 23.98, "23.976"])
def test_a_rate_near_24000_1001_is_that_fraction(value):
    assert exact_rate(value) == Fraction(24000, 1001)


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        (29.97, Fraction(30000, 1001)),
        (29.97002997002997, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (119.88, Fraction(120000, 1001)),
    ],
)
def test_the_other_ntsc_rates_are_fractions_too(value, rate):
    assert exact_rate(value) == rate


@pytest.mark.parametrize("whole", [1, 12, 24, 25, 30, 50, 60, 120, 1000])
def test_a_whole_rate_stays_whole(whole):
    assert exact_rate(float(whole)) == exact_rate(whole) == exact_rate(str(whole)) == whole


@pytest.mark.parametrize(
    ("value", "rate"),
    [(12.5, "25/2"), (7.5, "15/2"), (16.666666666666668, "50/3"), (24.98, "1249/50")],
)
def test_any_other_rate_is_the_nearest_small_fraction(value, rate):
    assert exact_rate(value) == Fraction(rate)


def test_a_fraction_is_kept_unchanged():
    assert exact_rate(" 24000/1001 ") == Fraction(24000, 1001)


@pytest.mark.parametrize(
    "value", [0, -25.0, float("nan"), float("inf"), 1e300, 1000.5, 1e-9, "0/1", "25/0", "fast", ""]
)
def test_an_invalid_rate_is_rejected(value):
    with pytest.raises(RejectedError) as rejected:
        exact_rate(value)
    assert rejected.value.reason == "bad-frame-rate"
    assert str(value) in rejected.value.message


def test_parts_of_one_rate_have_that_rate_and_no_parts_have_none():
    assert common_rate({29.97, 29.97002997}, None) == Fraction(30000, 1001)
    assert common_rate(set(), Fraction(25)) is None


def test_parts_of_different_rates_need_a_given_rate():
    assert common_rate({25.0, 50.0}, Fraction(50)) == 50
    with pytest.raises(RejectedError, match="25, 50 frames per second; give one rate") as rejected:
        common_rate({25.0, 50.0}, None)
    assert rejected.value.reason == "mixed-frame-rates"
