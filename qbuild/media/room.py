"""The one child process in which a process has its media decoded."""

from __future__ import annotations

from functools import cache
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qbuild.media.isolation import Isolated


@cache
def room(timeout_s: float) -> Isolated:
    """The child of this process for that limit, started with its first call, ended with it.

    A worker process waits for its children before `atexit` has its turn; finalizers come first.
    """
    from qbuild.media.isolation import Isolated

    made = Isolated(timeout_s=timeout_s)
    made.__enter__()
    Finalize(None, made.__exit__, args=(None, None, None), exitpriority=10)
    return made
