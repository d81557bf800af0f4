"""Stalls from flags that stand a second each."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def second_runs(flags: NDArray[np.int8]) -> tuple[tuple[float, float], ...]:
    """Start and duration on the wall clock of every run of ones, one 0/1 a second."""
    from qbuild.quality.stalls import vector_run_lengths

    runs = vector_run_lengths(flags).tolist()
    stalls = list(zip(accumulate(runs), runs, strict=True))[1::2]
    return tuple((float(end - run), float(run)) for end, run in stalls)
