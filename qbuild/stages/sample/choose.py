"""How many rows of each dataset a sample takes, and which: levels kept, or scores flattened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from qbuild.core.canonical import row_seed
from qbuild.core.engine.stage import Inputs
from qbuild.core.errors import InputError, QbuildError, UsageError, raise_all, suggest
from qbuild.core.rows.duplicates import Duplicates
from qbuild.quality.arrays import Mask
from qbuild.quality.sampling import (
    Target,
    allocate,
    draw_stratified,
    flatten,
    max_reachable_size,
    moments,
)
from qbuild.stages.sample.options import SampleOptions
from qbuild.stages.sample.population import DatasetRows, figures, read_population

Groups = list[tuple[list[DatasetRows], int]]  # datasets that share a number of rows
ALL = ""  # name of a value that applies to all other datasets
TOLERANCE = 0.5  # points of 100 by which a sampled mean or deviation may miss its target
_ONE_EACH = "expected one for every dataset, or one without a name for the rest"


@dataclass
class Selection:
    """Which rows of the inputs are taken, and the report about them."""

    taken: Mask
    duplicates: Duplicates
    report: dict[str, Any]


def choose_rows(inputs: Inputs, options: SampleOptions) -> Selection:
    """The rows to take; all problems of a kind are raised at once."""
    population = read_population(inputs, options)
    datasets = population.datasets
    groups = group_sizes(datasets, *options.amount)
    targets: list[Any] = [None] * len(datasets)
    if options.method == "keep":
        masks = _keep_levels(datasets, groups)
    else:
        masks, targets = _flatten_scores(datasets, groups, options.targets, options.seed)
    taken = np.zeros(population.rows, dtype=np.bool_)
    for dataset, mask in zip(datasets, masks, strict=True):
        taken[dataset.positions[mask]] = True
    reports = [_report(*one) for one in zip(datasets, masks, targets, strict=True)]
    report = {
        "method": options.method,
        "scale": options.scale,
        "datasets": reports,
        "excluded": population.excluded,
        "warnings": [*population.warnings, *filter(None, map(_missed, reports))],
    }
    return Selection(taken, population.duplicates, report)


def _report(dataset: DatasetRows, mask: Mask, target: dict[str, Any] | None) -> dict[str, Any]:
    scores, levels = dataset.scores[mask], dataset.levels[mask]
    return {
        "dataset": dataset.name,
        "excluded": dataset.excluded,
        "low": dataset.low,
        "high": dataset.high,
        "before": dataset.before,
        "after": figures(scores, levels, dataset.low, dataset.high),
        "target": target,
    }


def _missed(report: dict[str, Any]) -> str:
    """The warning about a missed target, with how many rows could meet it; or `""`."""
    target, after = report["target"], report["after"]
    if target is None or target["met"]:
        return ""
    most = target["most_rows"]
    return (
        f"{report['dataset']}: {after['rows']:,} of"
        f" {report['before']['rows'] - report['excluded']:,}"
        f" rows do not reach mean {target['mean']:g}, SD {target['std']:g}; they have"
        f" {after['mean']:.2f}, {after['std']:.2f}; "
        + (f"about {most:,} rows could" if most else "no number of rows could")
    )


def group_sizes(
    datasets: list[DatasetRows], option: str, amounts: Mapping[str, int | Decimal]
) -> Groups:
    """Groups of datasets with the rows to take of each; all problems at once.

    A dataset with its own size or share is a group; the others share the value without a name.
    Without any value all rows are taken.
    """
    _check_names(option, amounts, datasets)
    groups = [[dataset] for dataset in datasets if dataset.name in amounts]
    rest = [dataset for dataset in datasets if dataset.name not in amounts]
    problems: list[QbuildError] = []
    if rest and amounts and ALL not in amounts:
        names = ", ".join(dataset.name for dataset in rest)
        problems.append(UsageError(option, f"none is given for {names}", _ONE_EACH))
    elif rest:
        groups.append(rest)
    sized = []
    for group in groups:
        rows = sum(len(dataset.positions) for dataset in group)
        amount = amounts.get(group[0].name, amounts.get(ALL, rows))
        # halves are rounded up
        size = int(amount * rows + Decimal("0.5")) if isinstance(amount, Decimal) else amount
        sized.append((group, size))
        if not 0 < size <= rows:
            problems.append(_wrong_size(option, group, size, rows))
    raise_all(problems)
    return sized


def _keep_levels(datasets: list[DatasetRows], groups: Groups) -> list[Mask]:
    """Each level of each dataset in proportion to its rows in the group (VQA² section 3.1)."""
    masks = {}
    for group, size in groups:
        counts = [np.bincount(dataset.levels, minlength=6)[1:].tolist() for dataset in group]
        shares = allocate([count for five in counts for count in five], size)
        for at, dataset in enumerate(group):
            own = shares[5 * at : 5 * at + 5]
            masks[dataset.name] = draw_stratified(dataset.levels - 1, dataset.keys, own)
    return [masks[dataset.name] for dataset in datasets]


def _flatten_scores(
    datasets: list[DatasetRows],
    groups: Groups,
    targets: Mapping[str, tuple[float, float]],
    seed: int,
) -> tuple[list[Mask], list[dict[str, Any]]]:
    """Each dataset towards its mean and deviation (Q-SiT Table III), and how close it came."""
    _check_names("--target", targets, datasets)
    sizes: dict[str, int] = {}
    for group, size in groups:
        shares = allocate([len(dataset.positions) for dataset in group], size)
        sizes.update(zip((dataset.name for dataset in group), shares, strict=True))
    aims = {dataset.name: targets.get(dataset.name, targets.get(ALL)) for dataset in datasets}
    problems = [_not_flattenable(one, sizes[one.name], aims[one.name]) for one in datasets]
    raise_all(problem for problem in problems if problem is not None)
    masks, reports = [], []
    for dataset in datasets:
        mean, std = aims[dataset.name] or (0.0, 0.0)
        target = Target(mean, std, TOLERANCE * (dataset.high - dataset.low) / 100)
        mask, report = _flatten_dataset(dataset, sizes[dataset.name], target, seed)
        masks.append(mask)
        reports.append(report)
    return masks, reports


def _check_names(option: str, names: Mapping[str, Any], datasets: list[DatasetRows]) -> None:
    """Raise a UsageError for each name in an option that is not a dataset of the inputs."""
    known = [dataset.name for dataset in datasets]
    raise_all(
        UsageError(option, f"no dataset {name!r} in the inputs", todo=suggest(name, known))
        for name in names
        if name not in (ALL, *known)
    )


def _flatten_dataset(
    dataset: DatasetRows, size: int, target: Target, seed: int
) -> tuple[Mask, dict[str, Any]]:
    start = (row_seed(seed, "start", dataset.name) >> 11) / (1 << 53)  # of 53 bits: below 1
    mask = flatten(dataset.scores, dataset.keys, size, target, start)
    met = target.met(*moments(dataset.scores[mask]))
    return mask, {
        "mean": target.mean,
        "std": target.std,
        "tolerance": target.tolerance,
        "met": met,
        "most_rows": None if met else max_reachable_size(dataset.scores, size, target),
    }


def _wrong_size(option: str, group: list[DatasetRows], size: int, rows: int) -> QbuildError:
    excluded = sum(dataset.excluded for dataset in group)
    note = f" ({excluded:,} are excluded)" if excluded else ""
    return InputError(
        ", ".join(dataset.name for dataset in group),
        f"{size:,} rows are requested of {rows:,}{note}",
        "expected at least one, and no more than there are",
        f"Give another {option}.",
    )


def _not_flattenable(
    dataset: DatasetRows, size: int, aim: tuple[float, float] | None
) -> QbuildError | None:
    """Why a dataset cannot be flattened: no target, too few rows, a mean beyond its scores."""
    name = dataset.name
    if aim is None:
        return UsageError("--target", f"none is given for {name}", _ONE_EACH)
    if size < 2:
        what = f"{size:,} rows are requested of {len(dataset.positions):,}"
        return InputError(name, what, "expected at least 2, for a deviation", "Take more rows.")
    low, high = float(dataset.scores.min()), float(dataset.scores.max())
    if low == high:
        what = f"all {len(dataset.scores):,} scores are {low:g}"
        return InputError(name, what, "expected scores that differ", "Use --method keep for it.")
    if not low <= aim[0] <= high:
        what = f"the mean {aim[0]:g} is outside the scores of {name}"
        expected = f"expected a mean from {low:g} to {high:g}"
        return UsageError("--target", what, expected, "Give another one, or another --scale.")
    return None
