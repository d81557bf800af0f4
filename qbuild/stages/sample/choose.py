"""How many rows of each dataset a sample takes, and which: distribution kept, or flattened."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from qbuild.core.canonical import row_seed
from qbuild.core.errors import InputError, QbuildError, UsageError, near, raise_all
from qbuild.quality.sampling import (
    Target,
    allocate,
    draw_stratified,
    flatten,
    max_reachable_size,
    moments,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from qbuild.stages.sample.population import Source

    Masks = list[NDArray[np.bool_]]  # a dataset each: which of its rows are taken
    Groups = list[tuple[list[Source], int]]  # datasets that share a number of rows

ALL = ""  # the name under which a value without a dataset stands
TOLERANCE = 0.5  # points of 100 by which a sampled mean or deviation may miss its target
_FOR_EVERY = "expected one for every dataset, or one without a name for the rest"


def sizes(sources: list[Source], option: str, given: Mapping[str, int | Decimal]) -> Groups:
    """Groups of datasets with the rows to take of each; the problems of all at once.

    A dataset with a size or share of its own is a group; those under the value without a name
    are one. Without any value all rows are taken.
    """
    refuse_unknown(option, given, sources)
    groups = [[source] for source in sources if source.name in given]
    rest = [source for source in sources if source.name not in given]
    problems: list[QbuildError] = []
    if rest and given and ALL not in given:
        names = ", ".join(source.name for source in rest)
        problems.append(UsageError(option, f"none is given for {names}", _FOR_EVERY))
    elif rest:
        groups.append(rest)
    found = []
    for group in groups:
        there = sum(len(source.places) for source in group)
        asked = given.get(group[0].name, given.get(ALL, there))
        # a half counts up
        size = int(asked * there + Decimal("0.5")) if isinstance(asked, Decimal) else asked
        found.append((group, size))
        if not 0 < size <= there:
            problems.append(_too_many(option, group, size, there))
    raise_all(problems)
    return found


def kept(sources: list[Source], groups: Groups) -> Masks:
    """Each level of each dataset in proportion to its rows in the group (VQA² section 3.1)."""
    found = {}
    for group, size in groups:
        counts = [np.bincount(source.levels, minlength=6)[1:].tolist() for source in group]
        shares = allocate([count for five in counts for count in five], size)
        for at, source in enumerate(group):
            mine = shares[5 * at : 5 * at + 5]
            found[source.name] = draw_stratified(source.levels - 1, source.keys, mine)
    return [found[source.name] for source in sources]


def flat(
    sources: list[Source], groups: Groups, targets: Mapping[str, tuple[float, float]], seed: int
) -> tuple[Masks, list[dict[str, Any]]]:
    """Each dataset towards its mean and deviation (Q-SiT Table III), and how near it came."""
    refuse_unknown("--target", targets, sources)
    counts: dict[str, int] = {}
    for group, size in groups:
        shares = allocate([len(source.places) for source in group], size)
        counts.update(zip((source.name for source in group), shares, strict=True))
    aims = {source.name: targets.get(source.name, targets.get(ALL)) for source in sources}
    problems = [_unfit(source, counts[source.name], aims[source.name]) for source in sources]
    raise_all(problem for problem in problems if problem is not None)
    masks, told = [], []
    for source in sources:
        mean, std = aims[source.name] or (0.0, 0.0)
        target = Target(mean, std, TOLERANCE * (source.high - source.low) / 100)
        mask, said = _towards(source, counts[source.name], target, seed)
        masks.append(mask)
        told.append(said)
    return masks, told


def refuse_unknown(option: str, given: Mapping[str, Any], sources: list[Source]) -> None:
    """Raise a UsageError for each name in an option that is no dataset of the inputs."""
    known = [source.name for source in sources]
    raise_all(
        UsageError(option, f"no dataset {name!r} in the inputs", todo=near(name, known))
        for name in given
        if name not in (ALL, *known)
    )


def _towards(
    source: Source, size: int, target: Target, seed: int
) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    start = (row_seed(seed, "start", source.name) >> 11) / (1 << 53)  # of 53 bits: below 1
    mask = flatten(source.scores, source.keys, size, target, start)
    met = target.met(*moments(source.scores[mask]))
    return mask, {
        "mean": target.mean,
        "std": target.std,
        "tolerance": target.tolerance,
        "met": met,
        "most_rows": None if met else max_reachable_size(source.scores, size, target),
    }


def _too_many(option: str, group: list[Source], size: int, there: int) -> QbuildError:
    out = sum(source.excluded for source in group)
    return InputError(
        ", ".join(source.name for source in group),
        f"{size:,} rows are asked of {there:,}" + (f" ({out:,} are excluded)" if out else ""),
        "expected at least one, and no more than there are",
        f"Give another {option}.",
    )


def _unfit(source: Source, size: int, aim: tuple[float, float] | None) -> QbuildError | None:
    """Why a dataset cannot be flattened at all: no target, too few rows, a mean beyond them."""
    name = source.name
    if aim is None:
        return UsageError("--target", f"none is given for {name}", _FOR_EVERY)
    if size < 2:
        what = f"{size:,} rows are asked of {len(source.places):,}"
        return InputError(name, what, "expected at least 2, for a deviation", "Ask for more.")
    low, high = float(source.scores.min()), float(source.scores.max())
    if low == high:
        what = f"all {len(source.scores):,} scores are {low:g}"
        return InputError(name, what, "expected scores that differ", "Use --method keep for it.")
    if not low <= aim[0] <= high:
        what = f"the mean {aim[0]:g} lies outside the scores of {name}"
        expected = f"expected a mean from {low:g} to {high:g}"
        return UsageError("--target", what, expected, "Give another one, or another --scale.")
    return None
