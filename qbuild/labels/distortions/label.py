"""What one record says of its medium, and one file's records as a layout reads them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qbuild.labels.distortions.names import left_open, named, possible, says_none

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from qbuild.labels.tables.rejections import Refusals

Found = tuple[tuple[str, "int | None"], ...]  # a distortion's name and its severity


@dataclass(frozen=True)
class Label:
    """The distortions of one medium, the labels outside the thirteen, what was looked for."""

    distortions: Found = ()
    others: tuple[str, ...] = ()
    judged: tuple[str, ...] | None = None  # None: all that its kind can have


@dataclass(frozen=True)
class LabelTable:
    """One file's rows, paths still raw; rows that `bad` names have no label.

    `label(at, kind)` is what record `at` says of a medium of that kind.
    """

    paths: pd.Series[Any]
    label: Callable[[int, str], Label]
    bad: Refusals
    records: Callable[[Sequence[int]], list[Any]]
    default_dataset: str | None = None
    datasets: pd.Series[Any] | None = None
    splits: pd.Series[Any] | None = None
    references: pd.Series[Any] | None = None  # raw paths of the media they were made from
    notes: list[str] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)  # labels that no table of names holds


def label_of(
    names: Sequence[str],
    severities: Sequence[int | None],
    kind: str,
    judged: tuple[str, ...] | None,
) -> Label:
    """The label of a medium with these names; those that its kind cannot have stay outside."""
    can = possible(kind)
    distortions: dict[str, int | None] = {}
    others: set[str] = set()
    for name, severity in zip(names, severities, strict=True):
        known = named(name)
        if known in can:
            distortions[known] = severity
        elif not says_none(name):
            others.add(name)
    unsure = {other for name in names for other in left_open(name)} - distortions.keys()
    looked_for = judged if judged is None else tuple(name for name in can if name in judged)
    if unsure:
        looked_for = tuple(
            name for name in (can if looked_for is None else looked_for) if name not in unsure
        )
    return Label(tuple(sorted(distortions.items())), tuple(sorted(others)), looked_for)
