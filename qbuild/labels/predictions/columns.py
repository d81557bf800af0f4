"""The numbers of a prediction file: one score a row, or the logits of words, or a fusion."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from qbuild.core.errors import InputError, SchemaError
from qbuild.labels.tables.cells import numbers
from qbuild.labels.tables.columns import spelled
from qbuild.labels.tables.rejections import Refusals
from qbuild.quality.published_text import LEVEL_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from qbuild.labels.tables.table import Grid

    Floats = NDArray[np.float64]

_LOGIT = re.compile(r"logits?_(.+)")
_OBJECT = "logits"  # a column of objects, word → logit


def logits_of(grid: Grid, words: Sequence[str], bad: Refusals) -> tuple[list[str], Floats] | None:
    """The words, worst to best, and their logits `[rows, words]`; None where the file has none.

    Columns `logit_WORD`, or one column `logits` of objects. `words` gives the order where the
    words are no levels. Rows without a finite logit of each word are refused.
    """
    columns = _columns(grid)
    if not columns:
        return None
    order = list(words) or _by_level(grid, list(columns))
    if lacking := [word for word in order if word not in columns]:
        raise SchemaError(
            str(grid.path),
            f"has no logit of {', '.join(lacking)}",
            f"expected words among {', '.join(columns)}",
            "Name them with --words, worst to best.",
        )
    values = np.empty((len(grid.frame), len(order)))
    for at, word in enumerate(order):
        found = numbers(columns[word])
        bad.refuse_numbers(found, f"logit_{word}", columns[word], required=True)
        values[:, at] = found.values
    return order, values


def _columns(grid: Grid) -> dict[str, pd.Series[Any]]:
    """The logits of each word, a column a word."""
    import pandas as pd

    found: dict[str, pd.Series[Any]] = {}
    for name in grid.names:
        if match := _LOGIT.fullmatch(spelled(name)):
            found[match[1]] = grid.column(name)
    if not found and _OBJECT in grid.names:
        cells = [cell if isinstance(cell, dict) else {} for cell in grid.column(_OBJECT)]
        for word in dict.fromkeys(str(word) for cell in cells for word in cell):
            found[word] = pd.Series([cell.get(word) for cell in cells], dtype=object)
    return found


def _by_level(grid: Grid, words: list[str]) -> list[str]:
    """Words that are all among the five of one set, in their order."""
    for levels in LEVEL_WORDS.values():
        known = [word.lower() for word in levels]
        if all(word.lower() in known for word in words):
            return sorted(words, key=lambda word: known.index(word.lower()))
    raise SchemaError(
        str(grid.path),
        f"logits of {', '.join(words)}, whose order is not known",
        "expected words of the five levels",
        "Name them with --words, worst to best.",
    )


def fused(grid: Grid, weights: Mapping[str, float], bad: Refusals) -> Floats:
    """The weighted sum of the columns' z-scores over all rows of the file that have them all.

    The deviation is that of the population (n). InputError for a column of equal values.
    """
    columns: dict[str, Floats] = {}
    for name, known in ((name, _like(grid, name)) for name in weights):
        found = numbers(grid.column(known))
        bad.refuse_numbers(found, known, grid.column(known), required=True)
        columns[name] = found.values
    total = np.zeros(len(grid.frame))
    usable = np.isfinite(np.stack(list(columns.values()))).all(axis=0)
    for name, values in columns.items():
        deviation = values[usable].std() if usable.any() else 1.0
        if deviation == 0:
            raise InputError(
                str(grid.path),
                f"all values of {name} are equal",
                "expected a column that tells rows apart",
                "Name one score with --form table --columns score=NAME.",
            )
        centre = values[usable].mean() if usable.any() else 0.0
        total += weights[name] * (values - centre) / deviation
    return total


def _like(grid: Grid, name: str) -> str:
    return next(column for column in grid.names if spelled(column) == name)
