"""A progress bar on stderr, shown on a terminal after half a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from qbuild.core.engine.stage import Output

_DELAY_S = 0.5


class Progress:
    """Counts rows and draws the bar."""

    def __init__(
        self, name: str, total: int | None, status: Callable[[], str] | None = None
    ) -> None:
        self._name, self._total, self._status = name, total, status
        self._started = time.monotonic()
        self._rows = 0
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, output: Output) -> None:
        """Count the rows of an output, made or rejected; of a service, the rows it answers."""
        tables = (output.rows, output.rejected)
        made = sum(table.num_rows for table in tables if table is not None)
        self._rows += made if output.at is None else output.answers
        self._draw()

    def note(self, what: str) -> None:
        """Show what is done after the last row."""
        self._name = f"{self._name}: {what}"
        self._draw()

    def _draw(self) -> None:
        if not sys.stderr.isatty() or time.monotonic() - self._started < _DELAY_S:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(self._name, total=self._total)
            self._bar.start()
        text = f"{self._name}: {self._status()}" if self._status is not None else self._name
        self._bar.update(self._task, completed=self._rows, description=text)
