"""The numbers of a prediction file: one score per row, or the logits of words, or a fusion."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from qbuild.core.errors import InputError, SchemaError
from qbuild.labels.tables.cells import to_numbers
from qbuild.labels.tables.columns import normalise_name
from qbuild.labels.tables.rejections import RowRejections
from qbuild.labels.tables.table import Grid
from qbuild.quality.arrays import Floats
from qbuild.quality.published_text import LEVEL_WORDS

_LOGIT = re.compile(r"logits?_(.+)")
_OBJECT = "logits"  # a column of objects, word → logit


def read_logits(
    grid: Grid, words: Sequence[str], rejections: RowRejections
) -> tuple[list[str], Floats] | None:
    """The words, worst to best, and their logits `[rows, words]`; None where the file has none.

    Columns `logit_WORD`, or one column `logits` of objects. `words` gives the order where the
    words are not those of levels. Rows without a finite logit of each word are rejected.
    """
    columns = _logit_columns(grid)
    if not columns:
        return None
    order = list(words) or _by_level(grid, list(columns))
    if missing := [word for word in order if word not in columns]:
        raise SchemaError(
            str(grid.path),
            f"has no logit of {', '.join(missing)}",
            f"expected words among {', '.join(columns)}",
            "Name them with --words, worst to best.",
        )
    values = np.empty((len(grid.frame), len(order)))
    for at, word in enumerate(order):
        values[:, at] = read_column(columns[word], f"logit_{word}", rejections, required=True)
    return order, values


def read_column(
    cells: pd.Series[Any], name: str, rejections: RowRejections, *, required: bool
) -> Floats:
    """The numbers of a column; rows with other cells are rejected."""
    numbers = to_numbers(cells)
    rejections.reject_numbers(numbers, name, cells, required=required)
    return numbers.values


def _logit_columns(grid: Grid) -> dict[str, pd.Series[Any]]:
    """Word → its logits."""
    columns: dict[str, pd.Series[Any]] = {}
    for name in grid.names:
        if match := _LOGIT.fullmatch(normalise_name(name)):
            columns[match[1]] = grid.column(name)
    if not columns and _OBJECT in grid.names:
        cells = [cell if isinstance(cell, dict) else {} for cell in grid.column(_OBJECT)]
        for word in dict.fromkeys(str(word) for cell in cells for word in cell):
            columns[word] = pd.Series([cell.get(word) for cell in cells], dtype=object)
    return columns


def _by_level(grid: Grid, words: list[str]) -> list[str]:
    """The words in order of level, where all are among the five of one set."""
    for levels in LEVEL_WORDS.values():
        known = [word.lower() for word in levels]
        if all(word.lower() in known for word in words):
            return sorted(words, key=lambda word: known.index(word.lower()))
    raise SchemaError(
        str(grid.path),
        f"the order of the words of its logits is not known: {', '.join(words)}",
        "expected words of the five levels",
        "Name them with --words, worst to best.",
    )


def fuse(grid: Grid, weights: Mapping[str, float], rejections: RowRejections) -> Floats:
    """The weighted sum of the columns' z-scores over all rows of the file with all of them.

    The deviation is that of the population (n). InputError for a column of equal values.
    """
    columns: dict[str, Floats] = {}
    for name in weights:
        own = next(column for column in grid.names if normalise_name(column) == name)
        columns[name] = read_column(grid.column(own), own, rejections, required=True)
    total = np.zeros(len(grid.frame))
    usable = np.isfinite(np.stack(list(columns.values()))).all(axis=0)
    for name, values in columns.items():
        deviation = values[usable].std() if usable.any() else 1.0
        if deviation == 0:
            raise InputError(
                str(grid.path),
                f"all values of {name} are equal",
                "expected a column with different values",
                "Name one score with --form table --columns score=NAME.",
            )
        centre = values[usable].mean() if usable.any() else 0.0
        total += weights[name] * (values - centre) / deviation
    return total
