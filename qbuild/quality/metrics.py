"""Agreement of predictions with opinion scores: SRCC, PLCC, KRCC, RMSE, and their intervals.

Ties share the mean of their ranks in SRCC; KRCC is tau-b. PLCC and RMSE are reported both without
mapping and after the four-parameter logistic mapping of the Video Quality Experts Group (final
report of the full-reference test, phase I): f(x) = (b1 - b2) / (1 + exp(-(x - b3) / |b4|)) + b2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qbuild.quality.arrays import Floats

MIN_ROWS = 3  # two points are always on a line
MIN_MAPPED_ROWS = 5  # four parameters fit any four points
NAMES = ("srcc", "plcc", "krcc", "rmse", "plcc_mapped", "rmse_mapped")
_WIDTHS = (0.25, 1.0, 4.0)  # of the logistic, in deviations of the predictions; VQEG starts at 1/4
_MAX_EVALUATIONS = 2_000
_COST_TOLERANCE = 1.001


class NotMappedError(ValueError):
    """No increasing logistic fits the points; the message states the reason."""


def undefined(predicted: Floats, opinions: Floats) -> str:
    """Why no correlation of the two is defined, or `""`."""
    if len(predicted) < MIN_ROWS:
        return f"fewer than {MIN_ROWS} rows"
    if not (np.isfinite(predicted).all() and np.isfinite(opinions).all()):
        return "a value is not finite"
    if _is_constant(predicted):
        return "all predictions are equal"
    return "all opinion scores are equal" if _is_constant(opinions) else ""


def _is_constant(values: Floats) -> bool:
    return bool((values == values[0]).all())


def srcc(predicted: Floats, opinions: Floats) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN where undefined."""
    from scipy.stats import rankdata

    return plcc(rankdata(predicted), rankdata(opinions))


def plcc(predicted: Floats, opinions: Floats) -> float:
    """Pearson's linear correlation; NaN where undefined."""
    x, y = _unit_vector(predicted), _unit_vector(opinions)
    return float(np.clip((x * y).sum(), -1.0, 1.0))


def krcc(predicted: Any, opinions: Any) -> float:
    """Kendall's tau-b; NaN where undefined."""
    from scipy.stats import kendalltau

    return float(kendalltau(predicted, opinions, method="asymptotic").statistic)


def rmse(predicted: Floats, opinions: Floats) -> float:
    """Root of the mean squared difference, in units of the opinion scores."""
    return float(np.sqrt(((predicted - opinions) ** 2).mean()))


def _unit_vector(values: Floats) -> Floats:
    """The centred values scaled to length 1; NaN where all are equal."""
    if _is_constant(values):
        return np.full(len(values), np.nan)
    centred = standardise(values)[0]  # of order 1: the squares of 1e200 or 1e-200 are not finite
    unit: Floats = centred / np.sqrt((centred**2).sum())
    return unit


def standardise(values: Floats) -> tuple[Floats, float, float]:
    """The values with mean 0 and deviation 1, and the mean and deviation they had."""
    mean = float(values.mean())
    centred = values - mean
    span = float(np.abs(centred).max()) or 1.0
    deviation = float(np.sqrt(((centred / span) ** 2).mean())) * span or 1.0
    return centred / deviation, mean, deviation


# --------------------------------------------------------------------------------------- mapping


@dataclass(frozen=True)
class Logistic:
    """An increasing map from predictions to opinion scores: from b2 to b1, steepest at b3."""

    b1: float
    b2: float
    b3: float
    b4: float

    def __call__(self, predicted: Floats) -> Floats:
        """The opinion score expected for each prediction."""
        from scipy.special import expit

        mapped: Floats = (self.b1 - self.b2) * expit((predicted - self.b3) / self.b4) + self.b2
        return mapped


def fit_logistic(predicted: Floats, opinions: Floats) -> Logistic:
    """The increasing logistic of least squared error; NotMappedError where there is none.

    Levenberg-Marquardt from three widths on standardised values; the best fit is used. None is
    fitted to predictions that fall as the opinion scores rise: a falling map would hide that.
    """
    if why := undefined(predicted, opinions):
        raise NotMappedError(why)
    if len(predicted) < MIN_MAPPED_ROWS:
        raise NotMappedError(f"fewer than {MIN_MAPPED_ROWS} rows for four parameters")
    if plcc(predicted, opinions) <= 0:
        raise NotMappedError("predictions do not rise with the opinion scores")
    x, x_mean, x_deviation = standardise(predicted)
    y, y_mean, y_deviation = standardise(opinions)
    line_cost = float(((y - (x * y).mean() * x) ** 2).sum()) / 2  # of the best straight line
    fits = [fit for width in _WIDTHS if (fit := _fit_from(x, y, width, line_cost)) is not None]
    if not fits:
        raise NotMappedError(f"no fit converged in {_MAX_EVALUATIONS:,} evaluations")
    cost, b1, b2, b3, b4 = min(fits)
    if not (b1 > b2 and b4 > 0 and np.isfinite([b1, b2, b3, b4]).all()):
        raise NotMappedError("the best fit does not rise")
    if cost > ((y - y.mean()) ** 2).sum() / 2:
        raise NotMappedError("the best fit is worse than a constant")
    return Logistic(
        b1 * y_deviation + y_mean,
        b2 * y_deviation + y_mean,
        b3 * x_deviation + x_mean,
        b4 * x_deviation,
    )


def _fit_from(x: Floats, y: Floats, width: float, line_cost: float) -> tuple[float, ...] | None:
    """Half the squared error, b1, b2, b3 and |b4| from one start; None without convergence.

    For points along a line the best logistic is ever wider, and the fit never converges: one that
    is as good as the line (`line_cost` is half its squared error) is accepted.
    """
    from scipy.optimize import least_squares
    from scipy.special import expit

    def residuals(b: Floats) -> Floats:
        difference: Floats = (b[0] - b[1]) * expit((x - b[2]) / _positive(b[3])) + b[1] - y
        return difference

    def jacobian(b: Floats) -> Floats:
        scale = _positive(b[3])
        share = expit((x - b[2]) / scale)
        slope = (b[0] - b[1]) * share * (1 - share) / scale
        sign = np.copysign(1.0, b[3])
        return np.stack([share, 1 - share, -slope, -sign * slope * (x - b[2]) / scale], axis=1)

    start = np.array([y.max(), y.min(), 0.0, width])
    fit = least_squares(residuals, start, jacobian, method="lm", max_nfev=_MAX_EVALUATIONS)
    if not np.isfinite(fit.x).all():
        return None
    if fit.status <= 0 and fit.cost > _COST_TOLERANCE * line_cost:
        return None
    b1, b2, b3, b4 = (float(b) for b in fit.x)
    return float(fit.cost), b1, b2, b3, _positive(b4)


def _positive(b4: float) -> float:
    """|b4|, at least 1e-6: at 0 the logistic is a step without a slope."""
    return max(abs(b4), 1e-6)


# ------------------------------------------------------------------------------------ all metrics


@dataclass(frozen=True)
class Agreement:
    """The metrics of a set of rows: `values`, and the reason of each that is `undefined`.

    `mapped` are the predictions after the mapping, None where nothing could be fitted.
    """

    rows: int
    values: dict[str, float]
    undefined: dict[str, str]
    mapping: Logistic | None
    mapped: Floats | None


def measure_agreement(predicted: Floats, opinions: Floats, comparable: Floats | str) -> Agreement:
    """All metrics of predictions against opinion scores.

    `comparable` are the predictions on the scale of the opinion scores, for the RMSE without
    mapping, or why there are none.
    """
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    why = undefined(predicted, opinions)
    for name, measure in (("srcc", srcc), ("plcc", plcc), ("krcc", krcc)):
        if why:
            reasons[name] = why
        else:
            values[name] = measure(predicted, opinions)
    if isinstance(comparable, str):
        reasons["rmse"] = comparable
    elif not len(opinions) or not np.isfinite(comparable - opinions).all():
        reasons["rmse"] = why
    else:
        values["rmse"] = rmse(comparable, opinions)
    try:
        mapping = fit_logistic(predicted, opinions)
    except NotMappedError as error:
        reasons |= dict.fromkeys(("plcc_mapped", "rmse_mapped"), str(error))
        return Agreement(len(opinions), values, reasons, None, None)
    mapped = mapping(predicted)
    values |= {"plcc_mapped": plcc(mapped, opinions), "rmse_mapped": rmse(mapped, opinions)}
    return Agreement(len(opinions), values, reasons, mapping, mapped)


def percentile_interval(resampled: Floats, confidence: float) -> tuple[float, float] | None:
    """The percentile interval of a resampled metric; None where over 1 in 20 are undefined."""
    known = resampled[np.isfinite(resampled)]
    if not len(known) or len(known) < 0.95 * len(resampled):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
