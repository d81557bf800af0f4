"""The one child process in which a process has its media decoded."""

from __future__ import annotations

import atexit
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qbuild.media.isolation import Isolated


@cache
def room(timeout_s: float) -> Isolated:
    """The child of this process for that limit, started with its first call, ended with it."""
    from qbuild.media.isolation import Isolated

    made = Isolated(timeout_s=timeout_s)
    made.__enter__()
    atexit.register(made.__exit__, None, None, None)
    return made
