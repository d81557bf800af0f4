"""Memory that ends, of host or device, as an error that says what to lower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from qbuild.core.errors import StageError


@contextmanager
def memory_errors(where: str, at: str, expected: str, todo: str) -> Iterator[None]:
    """A context in which memory that ends is a StageError of these words; others are left alone."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        short = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not short and "t allocate memory" not in str(error):
            raise
        what = (str(error).splitlines() or [type(error).__name__])[0]
        raise StageError(where, f"out of memory{at} ({what})", expected, todo) from error
