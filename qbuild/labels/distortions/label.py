"""The label of one medium, and the labels of one file as its layout reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from qbuild.labels.distortions.names import (
    find_distortion,
    is_none,
    other_meanings,
    possible_distortions,
)
from qbuild.labels.tables.rejections import RowRejections
from qbuild.labels.tables.table import Grid


@dataclass(frozen=True)
class Label:
    """The distortions of one medium.

    `distortions` holds names and severities, `others` the labels that are none of the thirteen,
    `judged` the distortions that the label covers (None: all that the kind of medium can have).
    """

    distortions: tuple[tuple[str, int | None], ...] = ()
    others: tuple[str, ...] = ()
    judged: tuple[str, ...] | None = None


@dataclass(frozen=True)
class LabelTable:
    """The labels of one file, paths still raw; rejected rows have no label.

    `label(at, kind)` is the label of record `at`, a medium of that kind.
    """

    grid: Grid
    paths: pd.Series[Any]
    label: Callable[[int, str], Label]
    rejections: RowRejections
    default_dataset: str | None = None
    datasets: pd.Series[Any] | None = None
    splits: pd.Series[Any] | None = None
    references: pd.Series[Any] | None = None  # raw paths of the media they were made from
    notes: Sequence[str] = ()
    unknown: Counter[str] = field(default_factory=Counter)  # labels that no list of names contains


def make_label(
    names: Sequence[str],
    severities: Sequence[int | None],
    kind: str,
    judged: tuple[str, ...] | None,
) -> Label:
    """The label of a medium of that kind; names that the kind cannot have become `others`."""
    possible = possible_distortions(kind)
    distortions: dict[str, int | None] = {}
    others: set[str] = set()
    for name, severity in zip(names, severities, strict=True):
        known = find_distortion(name)
        if known in possible:
            distortions[known] = severity
        elif not is_none(name):
            others.add(name)
    unsure = {other for name in names for other in other_meanings(name)} - distortions.keys()
    covered = judged if judged is None else tuple(name for name in possible if name in judged)
    if unsure:
        known_names = possible if covered is None else covered
        covered = tuple(name for name in known_names if name not in unsure)
    return Label(tuple(sorted(distortions.items())), tuple(sorted(others)), covered)
