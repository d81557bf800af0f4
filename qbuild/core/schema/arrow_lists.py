"""Arrow list arrays from offsets and flat values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def lists(offsets: NDArray[np.integer[Any]], values: Any) -> Any:
    """A list array; list i holds `values[offsets[i]:offsets[i + 1]]`."""
    starts: Any = pa.array(offsets.astype(np.int32))
    return pa.ListArray.from_arrays(starts, pa.array(values))


def lists_of(count: int, each: int, values: Any) -> Any:
    """`count` lists of `each` values."""
    return lists(np.arange(count + 1) * each, values)
