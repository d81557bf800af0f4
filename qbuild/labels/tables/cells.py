"""Text and numbers from raw cells, one column at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qbuild.quality.arrays import Floats, Mask

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_INFINITE = r"(?i)^[+-]?inf(inity)?$"
_MISSING = r"(?i)^(nan|na|n/a|null|none)?$"


@dataclass(frozen=True)
class Numbers:
    """A column as float64, NaN where a cell holds no number, and masks of the reasons."""

    values: Floats
    missing: Mask
    unreadable: Mask
    infinite: Mask


def to_text(column: pd.Series[Any]) -> pa.Array[Any]:
    """The cells as trimmed text, null where a cell is empty."""
    if isinstance(column.dtype, pd.StringDtype):
        array = pa.array(column, type=pa.large_string(), from_pandas=True)
    else:
        cells = [None if is_null(cell) else _decode(cell) for cell in column]
        array = pa.array(cells, type=pa.large_string())
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    trimmed: pa.Array[Any] = pc.utf8_trim_whitespace(whole)
    return trimmed


def match(text: pa.Array[Any], pattern: str, *, null: bool = False) -> Mask:
    """Which texts contain the pattern (RE2); `null` is the result for nulls."""
    matches: Any = pc.match_substring_regex(text, pattern)
    return np.asarray(matches.fill_null(null).to_numpy(zero_copy_only=False), dtype=np.bool_)


def to_numbers(column: pd.Series[Any]) -> Numbers:
    """The cells as numbers; trimmed text is parsed to the nearest float64."""
    if column.dtype.kind in "iuf":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        none = np.zeros(len(values), dtype=np.bool_)
        return Numbers(values, np.isnan(values), none, np.isinf(values))
    return _parse(to_text(column))


def _parse(text: pa.Array[Any]) -> Numbers:
    missing, known = match(text, _MISSING, null=True), match(text, _NUMBER)
    unsigned: Any = pc.replace_substring_regex(text, r"^\+", "")  # the cast accepts no leading plus
    kept: Any = pc.if_else(pa.array(known), unsigned, pa.scalar(None, type=text.type))
    # Arrow parses decimal text to the nearest double; pandas.to_numeric may be one ulp off
    values = kept.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    infinite = match(text, _INFINITE) | np.isinf(values)
    return Numbers(values, missing, ~(missing | known | infinite), infinite)


def _decode(cell: object) -> str:
    if isinstance(cell, bytes):  # Parquet without a string type; an invalid byte becomes \xNN
        return cell.decode("utf-8", errors="backslashreplace")
    return str(cell)


def is_null(cell: object) -> bool:
    """Whether the cell is None, NaN, NaT or NA."""
    if cell is None or cell is pd.NA:
        return True
    differs: Any = cell != cell  # noqa: PLR0124 - only NaN and NaT differ from themselves
    return isinstance(differs, (bool, np.bool_)) and bool(differs)
