"""Bootstrap resamples of agreement metrics, many at once.

A resample is a count per row. Rows are ordered once; the ranks within a resample follow from the
running sums of its counts in that order, so every resample is ranked anew, ties at their mean rank,
without a sort. Kendall's tau-b is computed resample by resample.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qbuild.quality.arrays import Floats, Ints
from qbuild.quality.metrics import krcc, standardise

_CELLS = 1 << 19  # resamples times rows per block: some 4 MiB per array


class _Ranker:
    """Values in ascending order: the row at each position, and where each distinct value starts."""

    def __init__(self, values: Floats) -> None:
        self.order = np.argsort(values, kind="stable")
        ascending = values[self.order]
        is_new = np.concatenate(([True], ascending[1:] != ascending[:-1]))
        self.starts = np.flatnonzero(is_new)
        self.codes = np.empty(len(values), dtype=np.int64)
        self.codes[self.order] = np.cumsum(is_new) - 1

    def ranks(self, counts: Floats) -> Floats:
        """The mean rank of each row within each resample, from 1; `[resamples, rows]`."""
        per_value = np.add.reduceat(counts[:, self.order], self.starts, axis=1)
        ranks: Floats = (np.cumsum(per_value, axis=1) - (per_value - 1) / 2)[:, self.codes]
        return ranks


def bootstrap_metrics(
    predicted: Floats,
    opinions: Floats,
    comparable: Floats | None,
    mapped: Floats | None,
    number: int,
    seed: int,
) -> dict[str, Floats]:
    """Each metric in `number` resamples of the rows; NaN where a resample leaves it undefined.

    The mapping of all rows is not fitted again, so intervals after mapping are conditional on it.
    """
    rng = np.random.default_rng(seed)
    by_prediction, by_opinion = _Ranker(predicted), _Ranker(opinions)
    raw = _standardise_rows(predicted, opinions)
    after = None if mapped is None else _standardise_rows(mapped, opinions)
    blocks: dict[str, list[Floats]] = {}
    for counts in _draw_counts(rng, len(opinions), number):
        metrics = {
            "srcc": _pearson(counts, by_prediction.ranks(counts), by_opinion.ranks(counts)),
            "plcc": _pearson(counts, *raw),
            "krcc": _kendall(counts, by_prediction.codes, by_opinion.codes),
        }
        if comparable is not None:
            metrics["rmse"] = _rmse(counts, comparable, opinions)
        if mapped is not None and after is not None:
            metrics["plcc_mapped"] = _pearson(counts, *after)
            metrics["rmse_mapped"] = _rmse(counts, mapped, opinions)
        for name, values in metrics.items():
            blocks.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in blocks.items()}


def _draw_counts(rng: np.random.Generator, rows: int, number: int) -> Iterator[Floats]:
    """How often each row is drawn in each resample, a block of resamples at a time."""
    block = max(1, _CELLS // rows)
    for first in range(0, number, block):
        size = min(block, number - first)
        drawn = rng.integers(0, rows, (size, rows)) + rows * np.arange(size)[:, None]
        flat = np.bincount(drawn.ravel(), minlength=size * rows)
        yield flat.reshape(size, rows).astype(np.float64)


def _standardise_rows(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    return standardise(x)[0][None, :], standardise(y)[0][None, :]


def _pearson(counts: Floats, x: Floats, y: Floats) -> Floats:
    """Pearson's correlation of `x` and `y`, `[1 or resamples, rows]`, in each resample."""
    rows = counts.shape[1]
    x = x - (counts * x).sum(axis=1, keepdims=True) / rows
    y = y - (counts * y).sum(axis=1, keepdims=True) / rows
    weighted = counts * x
    x_squares, y_squares = (weighted * x).sum(axis=1), (counts * y * y).sum(axis=1)
    product = x_squares * y_squares
    # the squares of equal values are rounding errors only
    varies = (x_squares > 1e-12 * rows) & (y_squares > 1e-12 * rows)
    correlation = np.full(len(counts), np.nan)
    correlation[varies] = (weighted * y).sum(axis=1)[varies] / np.sqrt(product[varies])
    clipped: Floats = np.clip(correlation, -1.0, 1.0)
    return clipped


def _rmse(counts: Floats, predicted: Floats, opinions: Floats) -> Floats:
    errors: Floats = np.sqrt((counts * (predicted - opinions) ** 2).sum(axis=1) / counts.shape[1])
    return errors


def _kendall(counts: Floats, predicted: Ints, opinions: Ints) -> Floats:
    taus = np.empty(len(counts))
    for at, row_counts in enumerate(counts):
        rows = np.repeat(np.arange(len(row_counts)), row_counts.astype(np.int64))
        taus[at] = krcc(predicted[rows], opinions[rows])
    return taus
