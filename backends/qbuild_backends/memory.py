"""Out of memory, of host or device, as an error that names what to lower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from qbuild.core.errors import StageError


@contextmanager
def memory_errors(where: str, at: str, expected: str, todo: str) -> Iterator[None]:
    """A context in which out of memory is a StageError of this text; other errors pass."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        is_memory = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not is_memory and "t allocate memory" not in str(error):
            raise
        what = (str(error).splitlines() or [type(error).__name__])[0]
        raise StageError(where, f"out of memory{at} ({what})", expected, todo) from error
