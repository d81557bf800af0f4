"""Text and numbers from raw cells, a column at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_INFINITE = r"(?i)^[+-]?inf(inity)?$"
_MISSING = r"(?i)^(nan|na|n/a|null|none)?$"


@dataclass(frozen=True)
class Numbers:
    """A column as float64 (NaN where there is no number) and, row by row, why not."""

    values: NDArray[np.float64]
    missing: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]
    infinite: NDArray[np.bool_]


def texts(column: pd.Series[Any]) -> pa.Array[Any]:
    """The cells as trimmed text, null where the cell holds nothing."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column.dtype, pd.StringDtype):
        array = pa.array(column, type=pa.large_string(), from_pandas=True)
    else:
        cells = [None if _is_nothing(cell) else _as_text(cell) for cell in column]
        array = pa.array(cells, type=pa.large_string())
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    trimmed: pa.Array[Any] = pc.utf8_trim_whitespace(whole)
    return trimmed


def matching(text: pa.Array[Any], pattern: str, *, null: bool = False) -> NDArray[np.bool_]:
    """Which texts hold the pattern (RE2); nulls count as `null` says."""
    import numpy as np
    import pyarrow.compute as pc

    found: Any = pc.match_substring_regex(text, pattern)
    return np.asarray(found.fill_null(null).to_numpy(zero_copy_only=False), dtype=np.bool_)


def numbers(column: pd.Series[Any]) -> Numbers:
    """The cells as numbers; text is read to the nearest float64, blanks around it left out."""
    import numpy as np

    if column.dtype.kind in "iuf":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        none = np.zeros(len(values), dtype=np.bool_)
        return Numbers(values, np.isnan(values), none, np.isinf(values))
    return _parsed(texts(column))


def _parsed(text: pa.Array[Any]) -> Numbers:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    missing, known = matching(text, _MISSING, null=True), matching(text, _NUMBER)
    bare: Any = pc.replace_substring_regex(text, r"^\+", "")  # the cast knows no leading plus
    kept: Any = pc.if_else(pa.array(known), bare, pa.scalar(None, type=text.type))
    # Arrow reads decimal text to the nearest double; pandas.to_numeric may be one ulp off
    values = kept.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    infinite = matching(text, _INFINITE) | np.isinf(values)
    return Numbers(values, missing, ~(missing | known | infinite), infinite)


def _as_text(cell: object) -> str:
    if isinstance(cell, bytes):  # Parquet without a string type; a broken byte shows as \xNN
        return cell.decode("utf-8", errors="backslashreplace")
    return str(cell)


def _is_nothing(cell: object) -> bool:
    import pandas as pd

    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    return isinstance(cell, float) and cell != cell  # noqa: PLR0124 - NaN is the float unlike itself
