"""Frame rates as exact fractions."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from qbuild.labels.sessions.rejection import Refusal

# the whole rates that have a sister slower by 1001/1000, as in 24000/1001 beside 24
_SISTERED = (12, 15, 24, 30, 48, 60, 120, 240)
_NEAR = Fraction(3, 10_000)  # relative: takes 23.97 and 23.98, never 24
_LARGEST_DENOMINATOR = 1001
_FASTEST = 1000
_FRACTION = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


def exact_rate(value: float | str) -> Fraction:
    """Frames a second: 24.0 is 24, 23.976 and 23.98 are 24000/1001, 12.5 is 25/2.

    A whole number stays one. A number within 3/10,000 of n·1000/1001, n one of 12, 15, 24, 30, 48,
    60, 120, 240, is that fraction. Any other one is the nearest fraction with a denominator of at
    most 1001. Refused: 0, negative, more than 1000, no number at all.
    """
    rate = _as_fraction(value)
    if rate is None or not 0 < rate <= _FASTEST:
        raise Refusal(
            "bad-frame-rate",
            f"the frame rate is {value!s}; expected one from above 0 to {_FASTEST}",
        )
    return rate


def one_rate(values: set[float], given: Fraction | None) -> Fraction | None:
    """The rate that all parts of a session share; where they differ, the one `given`, if any."""
    rates = {exact_rate(value) for value in values}
    if len(rates) <= 1:
        return next(iter(rates), None)
    if given is not None:
        return given
    seen = ", ".join(str(rate) for rate in sorted(rates))
    raise Refusal(
        "mixed-frame-rates", f"the parts have {seen} frames a second; name one rate for all"
    )


def _as_fraction(value: float | str) -> Fraction | None:
    if isinstance(value, str):
        written = _FRACTION.fullmatch(value.strip())
        if written:
            num, den = int(written[1]), int(written[2])
            return Fraction(num, den) if den else None
    try:
        number = float(value)
    except ValueError:
        return None
    return _nearest(number) if math.isfinite(number) and number <= _FASTEST else None


def _nearest(number: float) -> Fraction:
    rate = Fraction(str(number))
    if rate.denominator == 1:
        return rate
    for whole in _SISTERED:
        slower = Fraction(whole * 1000, 1001)
        if abs(rate - slower) <= _NEAR * slower:
            return slower
    return rate.limit_denominator(_LARGEST_DENOMINATOR)
