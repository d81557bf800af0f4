"""The split of every row: rows with a key in common are a group, and groups are assigned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbuild.core.canonical import dataset_of
from qbuild.core.engine.stage import Inputs
from qbuild.core.errors import InputError, UsageError
from qbuild.core.plural import plural
from qbuild.core.rows.duplicates import Duplicates, find_duplicates
from qbuild.core.rows.split_filter import TRAINING
from qbuild.quality.splitting import Group, assign_groups, parse_shares
from qbuild.stages.split.options import CONTENT, RELATIONS, SplitStageOptions
from qbuild.stages.split.relations import Relations

_IDS = ("sample_id", "depiction_id", "media_id")  # of rows, the first that they have
_TOLERANCE = 0.01  # how far a share may be off without a warning
_FIFTHS = (0.2, 0.4, 0.6, 0.8)


@dataclass
class Assignment:
    """The index of the split of each row, the names of the splits, and the report."""

    codes: NDArray[np.int8]
    names: list[str]
    id_column: str
    duplicates: Duplicates
    report: dict[str, Any]


@dataclass
class _Rows:
    """What one pass keeps of every row; the lists have an entry per row."""

    nodes: list[int]  # of the union of keys
    datasets: list[str]
    levels: list[int | None]
    scores: list[float]
    previous: list[str | None]


class _Union:
    """Keys that are connected by rows; the name of a group is its smallest key."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._parents: list[int] = []

    def join(self, keys: list[str]) -> int:
        """The number of the group of these keys, which are one from now on."""
        roots = {self.find(self._number(key)) for key in keys}
        first = min(roots)
        for root in roots:
            self._parents[root] = first
        return first

    def find(self, number: int) -> int:
        """The present number of the group of a key's number."""
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def group_names(self) -> dict[int, str]:
        """The smallest key of each group, by its number."""
        names: dict[int, str] = {}
        for key, number in self._numbers.items():
            root = self.find(number)
            names[root] = min(key, names.get(root, key))
        return names

    def _number(self, key: str) -> int:
        number = self._numbers.setdefault(key, len(self._parents))
        if number == len(self._parents):
            self._parents.append(number)
        return number


def assign_rows(inputs: Inputs, options: SplitStageOptions) -> Assignment:
    """The split of every row, decided before the first one is written."""
    names = inputs.artifacts[0].schema.arrow.names
    relations, union = Relations(inputs, options, names), _Union()
    rows = _read_rows(inputs, relations, union, names)
    _check_found(relations)
    id_column = next(name for name in _IDS if name in names)
    duplicates = find_duplicates(inputs, id_column)
    kept = duplicates.kept(inputs.rows)
    shares = parse_shares(options.shares)
    groups, group_of_row = _groups(rows, union, kept, options)
    _check_groups(groups, relations, shares)
    assigned = assign_groups(groups, list(shares.values()), options.seed)
    codes = np.array([assigned[at] if at >= 0 else 0 for at in group_of_row], dtype=np.int8)
    splits = list(shares)
    report = _report(rows, groups, assigned, codes, kept, shares)
    empty = [one for one in report["splits"] if not one["rows"]]
    if empty:
        raise _empty(empty[0]["split"], groups, report)
    report["grouped_by"] = {name: relations.found[name] for name in relations.names}
    report["warnings"] = [
        *_unnamed(relations, inputs.rows),
        *_size_warnings(report, groups, shares),
        *_name_warnings(splits),
    ]
    return Assignment(codes, splits, id_column, duplicates, report)


# ------------------------------------------------------------------------------------ reading


def _read_rows(inputs: Inputs, relations: Relations, union: _Union, names: list[str]) -> _Rows:
    rows = _Rows([], [], [], [], [])
    nested = ("events", "runs", "turns", "votes", "level_probs", "text", "judged", "others")
    columns = [name for name in names if name not in nested]
    for batch in inputs.scan(columns):
        for row in batch.rows.to_pylist():
            media = row["media"] if "provenance" in row else [row]
            keys = relations.keys(row, media)
            rows.nodes.append(union.join(keys or [f"sample:{row['sample_id']}"]))
            labels = row.get("labels") or row
            first = media[0]["media_id"] if media else ""
            rows.datasets.append(row.get("dataset") or dataset_of(first))
            rows.levels.append(labels.get("level"))
            mos = labels.get("mos")
            rows.scores.append(np.nan if mos is None else mos)
            rows.previous.append(row["split"])
    return rows


def _groups(
    rows: _Rows, union: _Union, kept: NDArray[np.bool_], options: SplitStageOptions
) -> tuple[list[Group], list[int]]:
    """The groups by name, and the index of the group of each row; -1 of one that is not kept."""
    names = union.group_names()
    strata = _strata(rows, options.stratify)
    counts: dict[str, Counter[str]] = {}
    named = [names[union.find(node)] for node in rows.nodes]
    for name, stratum, is_kept in zip(named, strata, kept.tolist(), strict=True):
        if is_kept:
            counts.setdefault(name, Counter())[stratum] += 1
    groups = [Group(name, dict(sorted(counts[name].items()))) for name in sorted(counts)]
    index = {group.name: at for at, group in enumerate(groups)}
    return groups, [index.get(name, -1) for name in named]


def _strata(rows: _Rows, stratify: str) -> list[str]:
    """The stratum of each row: its dataset, and its level or the fifth that its score is in."""
    if stratify == "none":
        return ["all"] * len(rows.datasets)
    if stratify == "dataset":
        return [f"{dataset}:" for dataset in rows.datasets]
    edges = _edges(rows)
    return [
        f"{dataset}:{_level(level, score, edges.get(dataset))}"
        for dataset, level, score in zip(rows.datasets, rows.levels, rows.scores, strict=True)
    ]


def _edges(rows: _Rows) -> dict[str, Any]:
    """The quantiles of the scores of each dataset whose rows have no level."""
    scores: dict[str, list[float]] = {}
    for dataset, level, score in zip(rows.datasets, rows.levels, rows.scores, strict=True):
        if level is None and not np.isnan(score):
            scores.setdefault(dataset, []).append(score)
    return {name: np.quantile(values, _FIFTHS) for name, values in scores.items()}


def _level(level: int | None, score: float, edges: Any) -> str:
    if level is not None:
        return str(level)
    return "" if np.isnan(score) else f"fifth {int(np.searchsorted(edges, score)) + 1}"


# ------------------------------------------------------------------------------------- checks


def _check_found(relations: Relations) -> None:
    """Raise a UsageError for a name of `--group-by` of which no row has a value."""
    for name in relations.names if relations.explicit else ():
        if not relations.found[name]:
            roots = "Give the folder with --media-root. " if name == CONTENT else ""
            raise UsageError(
                f"--group-by {name}",
                "no row has a value",
                "expected one per row, or per medium in a file given with --groups",
                f"{roots}Known without a file: {', '.join(RELATIONS)}.",
            )


def _check_groups(groups: list[Group], relations: Relations, shares: dict[str, Any]) -> None:
    """Raise where there are fewer groups than splits, such as for a constant column."""
    if not groups:
        raise InputError("split", "no usable row is left", "expected rows", "Add inputs.")
    if len(groups) < len(shares):
        by = f"--group-by {' '.join(relations.names)}" if relations.explicit else "split"
        total = sum(group.rows for group in groups)
        raise UsageError(
            by,
            f"{plural(total, 'row')} are in {plural(len(groups), 'group')}"
            f" (such as {groups[0].name!r})",
            f"expected at least {len(shares)}, one per split: {', '.join(shares)}",
            "Group by another column, or add rows.",
        )


def _empty(name: str, groups: list[Group], report: dict[str, Any]) -> InputError:
    counts = ", ".join(f"{one['split']} {plural(one['rows'], 'row')}" for one in report["splits"])
    smallest = min(group.rows for group in groups)
    return InputError(
        f"--shares {name}",
        f"the split is empty: {counts}; the smallest of {len(groups):,} groups has"
        f" {plural(smallest, 'row')}",
        "expected at least one row in each split",
        "Give the split a larger share, or group by another column.",
    )


def _unnamed(relations: Relations, rows: int) -> list[str]:
    """What is not known of the groups."""
    if not relations.explicit:
        if any(relations.found.get(name) for name in ("source-medium", "reference")):
            return []
        what = "no row names its source medium or its reference: copies of one source may be in"
        return [f"{what} several splits; name them with --reference-pattern or --groups"]
    return [
        f"--group-by {name}: {plural(rows - relations.found[name], 'row')} without a value; each"
        " of their media is a separate group"
        for name in relations.names
        if relations.found[name] < rows
    ]


def _size_warnings(
    report: dict[str, Any], groups: list[Group], shares: dict[str, Any]
) -> list[str]:
    total, warnings = report["rows"], []
    largest = report["largest_group"]
    for one in report["splits"]:
        wanted = float(shares[one["split"]])
        larger = sum(group.rows > wanted * total for group in groups)
        if larger:
            warnings.append(
                f"{plural(larger, 'group')} with more rows than the share of {one['split']}"
                f" ({wanted * total:,.0f} rows); the largest, {largest['name']}, has"
                f" {largest['rows']:,}"
            )
        elif abs(one["reached"] - wanted) > max(_TOLERANCE, 0.5 / total):
            warnings.append(
                f"{one['split']} has {one['reached']:.1%} of the rows instead of {wanted:.1%};"
                f" groups have up to {plural(largest['rows'], 'row')}"
            )
    return warnings


def _name_warnings(splits: list[str]) -> list[str]:
    if any(name.lower() in TRAINING for name in splits):
        return []
    names = ", ".join(splits)
    return [f"no split is named train: `qbuild train` takes none of {names} without --split"]


def _report(
    rows: _Rows,
    groups: list[Group],
    assigned: list[int],
    codes: NDArray[np.int8],
    kept: NDArray[np.bool_],
    shares: dict[str, Any],
) -> dict[str, Any]:
    """Rows, groups and levels of each split, the largest group, rows that had another split."""
    names, total = list(shares), int(np.count_nonzero(kept))
    levels = np.array([level or 0 for level in rows.levels], dtype=np.int64)
    splits = []
    for at, name in enumerate(names):
        own = kept & (codes == at)
        count = int(np.count_nonzero(own))
        per_level = np.bincount(levels[own], minlength=6)[1:]
        splits.append(
            {
                "split": name,
                "share": str(shares[name]),
                "reached": count / total if total else 0.0,
                "rows": count,
                "groups": sum(one == at for one in assigned),
                **({"levels": per_level.tolist()} if levels.any() else {}),
            }
        )
    largest = max(groups, key=lambda group: group.rows)
    replaced = sum(
        previous is not None and previous != names[code]
        for previous, code, is_kept in zip(rows.previous, codes, kept, strict=True)
        if is_kept
    )
    return {
        "rows": total,
        "splits": splits,
        "groups": len(groups),
        "largest_group": {"name": largest.name, "rows": largest.rows},
        "replaced": int(replaced),
    }
