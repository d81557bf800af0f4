"""How well predictions agree with opinion scores: SRCC, PLCC, KRCC, RMSE, and their intervals.

Ties share the mean of their ranks in SRCC; KRCC is tau-b. PLCC and RMSE are given as they are and
after the four-parameter logistic mapping of the Video Quality Experts Group (final report of the
full-reference test, phase I): f(x) = (b1 - b2) / (1 + exp(-(x - b3) / |b4|)) + b2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_ROWS = 3  # two points lie on a line, whatever they are
LEAST_MAPPED = 5  # four parameters go through four points, whatever they are
NAMES = ("srcc", "plcc", "krcc", "rmse", "plcc_mapped", "rmse_mapped")
_WIDTHS = (0.25, 1.0, 4.0)  # of the logistic, in deviations of the predictions; VQEG starts at 1/4
_EVALUATIONS = 2_000
_NEAR = 1.001


class NotMappedError(ValueError):
    """No rising logistic fits the points; the message says why."""


def undefined(predicted: Floats, opinions: Floats) -> str:
    """Why no correlation of the two is defined, or `""`."""
    if len(predicted) < LEAST_ROWS:
        return f"fewer than {LEAST_ROWS} rows"
    if not (np.isfinite(predicted).all() and np.isfinite(opinions).all()):
        return "a value is not finite"
    if _constant(predicted):
        return "all predictions are equal"
    return "all opinion scores are equal" if _constant(opinions) else ""


def _constant(values: Floats) -> bool:
    return bool((values == values[0]).all())


def srcc(predicted: Floats, opinions: Floats) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN where undefined."""
    from scipy.stats import rankdata

    return plcc(rankdata(predicted), rankdata(opinions))


def plcc(predicted: Floats, opinions: Floats) -> float:
    """Pearson's linear correlation; NaN where undefined."""
    x, y = _unit(predicted), _unit(opinions)
    return float(np.clip((x * y).sum(), -1.0, 1.0))


def krcc(predicted: Floats, opinions: Floats) -> float:
    """Kendall's tau-b; NaN where undefined."""
    from scipy.stats import kendalltau

    return float(kendalltau(predicted, opinions, method="asymptotic").statistic)


def rmse(predicted: Floats, opinions: Floats) -> float:
    """Root of the mean squared difference, in units of the opinion scores."""
    return float(np.sqrt(((predicted - opinions) ** 2).mean()))


def _unit(values: Floats) -> Floats:
    """The values, centred, as a vector of length 1; NaN where all are equal."""
    if _constant(values):
        return np.full(len(values), np.nan)
    # spread to order 1 first: squares of 1e200 or 1e-200 would leave the range
    centred = standard(values)[0]
    unit: Floats = centred / np.sqrt((centred**2).sum())
    return unit


def standard(values: Floats) -> tuple[Floats, float, float]:
    """The values with mean 0 and deviation 1, and the mean and deviation they had."""
    middle = float(values.mean())
    centred = values - middle
    span = float(np.abs(centred).max()) or 1.0
    deviation = float(np.sqrt(((centred / span) ** 2).mean())) * span or 1.0
    return centred / deviation, middle, deviation


# --------------------------------------------------------------------------------------- mapping


@dataclass(frozen=True)
class Logistic:
    """A rising map from predictions to opinion scores: from b2 up to b1, steepest at b3."""

    b1: float
    b2: float
    b3: float
    b4: float

    def __call__(self, predicted: Floats) -> Floats:
        """The opinion score expected at each prediction."""
        from scipy.special import expit

        found: Floats = (self.b1 - self.b2) * expit((predicted - self.b3) / self.b4) + self.b2
        return found


def fit_logistic(predicted: Floats, opinions: Floats) -> Logistic:
    """The rising logistic of least squared error; NotMappedError where there is none.

    Levenberg-Marquardt from three widths on standardised values; the best end is taken. Where the
    predictions fall with the opinion scores none is fitted: a falling map would hide the sign.
    """
    if why := undefined(predicted, opinions):
        raise NotMappedError(why)
    if len(predicted) < LEAST_MAPPED:
        raise NotMappedError(f"fewer than {LEAST_MAPPED} rows for four parameters")
    if plcc(predicted, opinions) <= 0:
        raise NotMappedError("predictions do not rise with the opinion scores")
    x, x_middle, x_deviation = standard(predicted)
    y, y_middle, y_deviation = standard(opinions)
    line = float(((y - (x * y).mean() * x) ** 2).sum()) / 2  # of the best straight line
    ends = [end for width in _WIDTHS if (end := _fitted(x, y, width, line)) is not None]
    if not ends:
        raise NotMappedError(f"no fit came to rest in {_EVALUATIONS:,} evaluations")
    cost, b1, b2, b3, b4 = min(ends)
    if not (b1 > b2 and b4 > 0 and np.isfinite([b1, b2, b3, b4]).all()):
        raise NotMappedError("the best fit does not rise")
    if cost > ((y - y.mean()) ** 2).sum() / 2:
        raise NotMappedError("the best fit is worse than a constant")
    return Logistic(
        b1 * y_deviation + y_middle,
        b2 * y_deviation + y_middle,
        b3 * x_deviation + x_middle,
        b4 * x_deviation,
    )


def _fitted(x: Floats, y: Floats, width: float, line: float) -> tuple[float, ...] | None:
    """Half the squared error, b1, b2, b3 and |b4| from one start; None where it did not rest.

    On points along a line the best logistic is ever wider, and the fit never rests: one that is as
    good as the line (whose half squared error is `line`) is taken as it stands.
    """
    from scipy.optimize import least_squares
    from scipy.special import expit

    def away(b: Floats) -> Floats:
        off: Floats = (b[0] - b[1]) * expit((x - b[2]) / _least(b[3])) + b[1] - y
        return off

    def slopes(b: Floats) -> Floats:
        scale = _least(b[3])
        share = expit((x - b[2]) / scale)
        steep = (b[0] - b[1]) * share * (1 - share) / scale
        sign = np.copysign(1.0, b[3])
        return np.stack([share, 1 - share, -steep, -sign * steep * (x - b[2]) / scale], axis=1)

    start = np.array([y.max(), y.min(), 0.0, width])
    found = least_squares(away, start, slopes, method="lm", max_nfev=_EVALUATIONS)
    if not np.isfinite(found.x).all():
        return None
    if found.status <= 0 and found.cost > _NEAR * line:
        return None
    b1, b2, b3, b4 = (float(b) for b in found.x)
    return float(found.cost), b1, b2, b3, _least(b4)


def _least(b4: float) -> float:
    """|b4|, kept off 0, where the logistic is a step and has no slope."""
    return max(abs(b4), 1e-6)


# ------------------------------------------------------------------------------------ everything


@dataclass(frozen=True)
class Agreement:
    """The figures of a set of rows; one that is undefined is absent and has its reason.

    `mapped` are the predictions after the mapping, None where nothing could be fitted.
    """

    rows: int
    values: dict[str, float]
    undefined: dict[str, str]
    mapping: Logistic | None
    mapped: Floats | None


def agreement(predicted: Floats, opinions: Floats, comparable: Floats | str) -> Agreement:
    """All figures of predictions against opinion scores.

    `comparable` are the predictions on the scale of the opinion scores, for the RMSE without
    mapping, or why there are none.
    """
    values: dict[str, float] = {}
    lacking: dict[str, str] = {}
    why = undefined(predicted, opinions)
    for name, measure in (("srcc", srcc), ("plcc", plcc), ("krcc", krcc)):
        if why:
            lacking[name] = why
        else:
            values[name] = measure(predicted, opinions)
    if isinstance(comparable, str):
        lacking["rmse"] = comparable
    elif not len(opinions) or not np.isfinite(comparable - opinions).all():
        lacking["rmse"] = why
    else:
        values["rmse"] = rmse(comparable, opinions)
    try:
        mapping = fit_logistic(predicted, opinions)
    except NotMappedError as error:
        lacking |= dict.fromkeys(("plcc_mapped", "rmse_mapped"), str(error))
        return Agreement(len(opinions), values, lacking, None, None)
    mapped = mapping(predicted)
    values |= {"plcc_mapped": plcc(mapped, opinions), "rmse_mapped": rmse(mapped, opinions)}
    return Agreement(len(opinions), values, lacking, mapping, mapped)


def interval(resampled: Floats, confidence: float) -> tuple[float, float] | None:
    """The percentile interval of resampled figures; None where more than 1 in 20 is undefined."""
    known = resampled[np.isfinite(resampled)]
    if not len(known) or len(known) < 0.95 * len(resampled):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def ordered(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures by name in the order in which they are told; None for those that are absent."""
    return {name: figures.get(name) for name in NAMES}
