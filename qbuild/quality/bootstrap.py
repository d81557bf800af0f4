"""Bootstrap resamples of agreement figures, many at once.

A resample is a count for each row. Rows are ranked once into an order; the ranks within a resample
follow from running sums of its counts in that order, so every resample is ranked anew, ties at
their mean rank, without a sort. Kendall's tau-b is counted resample by resample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qbuild.quality.metrics import krcc, standard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.float64]  # [resamples, rows], whole numbers

_CELLS = 1 << 19  # resamples times rows at a time: some 4 MiB an array


class _Order:
    """Values in ascending order: where each stands, and where each new value begins."""

    def __init__(self, values: Floats) -> None:
        self.order = np.argsort(values, kind="stable")
        ascending = values[self.order]
        fresh = np.concatenate(([True], ascending[1:] != ascending[:-1]))
        self.starts = np.flatnonzero(fresh)
        self.code = np.empty(len(values), dtype=np.int64)
        self.code[self.order] = np.cumsum(fresh) - 1

    def ranks(self, counts: Counts) -> Floats:
        """The mean rank of each row within each resample, from 1; `[resamples, rows]`."""
        of_value = np.add.reduceat(counts[:, self.order], self.starts, axis=1)
        middle = np.cumsum(of_value, axis=1) - (of_value - 1) / 2
        found: Floats = middle[:, self.code]
        return found


def resampled(
    predicted: Floats,
    opinions: Floats,
    comparable: Floats | None,
    mapped: Floats | None,
    number: int,
    seed: int,
) -> dict[str, Floats]:
    """Each figure in `number` resamples of the rows; NaN where a resample leaves it undefined.

    The mapping is that of all rows: it is not fitted again, so its intervals hold given the map.
    """
    rng = np.random.default_rng(seed)
    by_prediction, by_opinion = _Order(predicted), _Order(opinions)
    found: dict[str, list[Floats]] = {}
    for counts in _counts(rng, len(opinions), number):
        ranks = by_prediction.ranks(counts), by_opinion.ranks(counts)
        figures = {
            "srcc": _correlations(counts, *ranks),
            "plcc": _correlations(counts, *_spread(predicted, opinions)),
            "krcc": _taus(counts, by_prediction.code, by_opinion.code),
        }
        if comparable is not None:
            figures["rmse"] = _errors(counts, comparable, opinions)
        if mapped is not None:
            figures["plcc_mapped"] = _correlations(counts, *_spread(mapped, opinions))
            figures["rmse_mapped"] = _errors(counts, mapped, opinions)
        for name, values in figures.items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in found.items()}


def _counts(rng: np.random.Generator, rows: int, number: int) -> Iterator[Counts]:
    """How often each row stands in each resample, some resamples at a time."""
    block = max(1, _CELLS // rows)
    for first in range(0, number, block):
        size = min(block, number - first)
        drawn = rng.integers(0, rows, (size, rows)) + rows * np.arange(size)[:, None]
        flat = np.bincount(drawn.ravel(), minlength=size * rows)
        yield flat.reshape(size, rows).astype(np.float64)


def _spread(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    return standard(one)[0][None, :], standard(other)[0][None, :]


def _correlations(counts: Counts, one: Floats, other: Floats) -> Floats:
    """Pearson's correlation of two values a row, `[1 or resamples, rows]`, in each resample."""
    rows = counts.shape[1]
    x = one - (counts * one).sum(axis=1, keepdims=True) / rows
    y = other - (counts * other).sum(axis=1, keepdims=True) / rows
    weighted = counts * x
    across, up = (weighted * x).sum(axis=1), (counts * y * y).sum(axis=1)
    product = across * up
    # a resample of equal values is no more than rounding away from none
    known = (across > 1e-12 * rows) & (up > 1e-12 * rows)
    found = np.full(len(counts), np.nan)
    found[known] = (weighted * y).sum(axis=1)[known] / np.sqrt(product[known])
    bounded: Floats = np.clip(found, -1.0, 1.0)
    return bounded


def _errors(counts: Counts, predicted: Floats, opinions: Floats) -> Floats:
    squares = (predicted - opinions) ** 2
    found: Floats = np.sqrt((counts * squares).sum(axis=1) / counts.shape[1])
    return found


def _taus(counts: Counts, predicted: NDArray[Any], opinions: NDArray[Any]) -> Floats:
    found = np.empty(len(counts))
    for at, of_rows in enumerate(counts):
        rows = np.repeat(np.arange(len(of_rows)), of_rows.astype(np.int64))
        found[at] = krcc(predicted[rows], opinions[rows])
    return found
