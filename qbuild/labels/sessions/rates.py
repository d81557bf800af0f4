"""Frame rates as exact fractions."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from qbuild.core.rows.rejections import RejectedError

# whole rates n for which n·1000/1001 is in use too, as 24000/1001 next to 24
_NTSC_RATES = (12, 15, 24, 30, 48, 60, 120, 240)
_TOLERANCE = Fraction(3, 10_000)  # relative: accepts 23.97 and 23.98, never 24
_MAX_DENOMINATOR = 1001
_MAX_RATE = 1000
_FRACTION = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


def exact_rate(value: float | str) -> Fraction:
    """Frames per second: 24.0 is 24, 23.976 and 23.98 are 24000/1001, 12.5 is 25/2.

    A whole number stays one. A number within 3/10,000 of n·1000/1001, n one of 12, 15, 24, 30, 48,
    60, 120, 240, is that fraction. Any other one is the nearest fraction with a denominator of at
    most 1001. RejectedError for 0, negative numbers, more than 1000, and text that is not a number.
    """
    rate = _to_fraction(value)
    if rate is None or not 0 < rate <= _MAX_RATE:
        raise RejectedError(
            "bad-frame-rate",
            f"the frame rate is {value!s}; expected one from above 0 to {_MAX_RATE}",
        )
    return rate


def common_rate(values: set[float], default: Fraction | None) -> Fraction | None:
    """The rate that all parts of a session share; where they differ, the default, if any."""
    rates = {exact_rate(value) for value in values}
    if len(rates) <= 1:
        return next(iter(rates), None)
    if default is not None:
        return default
    listed = ", ".join(str(rate) for rate in sorted(rates))
    raise RejectedError(
        "mixed-frame-rates", f"the parts have {listed} frames per second; give one rate for all"
    )


def _to_fraction(value: float | str) -> Fraction | None:
    if isinstance(value, str):
        fraction = _FRACTION.fullmatch(value.strip())
        if fraction:
            num, den = int(fraction[1]), int(fraction[2])
            return Fraction(num, den) if den else None
    try:
        number = float(value)
    except ValueError:
        return None
    return _nearest(number) if math.isfinite(number) and number <= _MAX_RATE else None


def _nearest(number: float) -> Fraction:
    rate = Fraction(str(number))
    if rate.denominator == 1:
        return rate
    for whole in _NTSC_RATES:
        ntsc = Fraction(whole * 1000, 1001)
        if abs(rate - ntsc) <= _TOLERANCE * ntsc:
            return ntsc
    return rate.limit_denominator(_MAX_DENOMINATOR)
