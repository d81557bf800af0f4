"""Progress of a training run on stderr: one line that is rewritten, or a line every N steps."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass, field

from qbuild_backends.training.levels import Counts, total

WINDOW = 50  # steps of which loss and accuracy are averaged on a terminal


@dataclass
class ProgressLines:
    """Prints step, loss, accuracy of level words, samples per second and the time that is left."""

    steps: int
    every: int
    shown: bool = True  # in the main process only
    done: int = 0  # steps of an earlier process, whose time is not known
    _start: float = field(default_factory=time.perf_counter)
    _samples: int = 0
    _losses: deque[float] = field(default_factory=deque)
    _counts: deque[Counts] = field(default_factory=deque)

    def update(self, step: int, loss: float, counts: Counts, samples: int) -> None:
        """Record a step that has ended; print it where a line is due."""
        self._samples += samples
        self._losses.append(loss)
        self._counts.append(counts)
        on_terminal = sys.stderr.isatty()
        while len(self._losses) > (WINDOW if on_terminal else self.every):
            self._losses.popleft()
            self._counts.popleft()
        is_due = step % self.every == 0 or step == self.steps
        if self.shown and (on_terminal or is_due):
            end = "" if on_terminal and step < self.steps else "\n"
            self._write(self._format(step) + end, on_terminal)

    def log(self, line: str) -> None:
        """Print a separate line."""
        if self.shown:
            self._write(line + "\n", sys.stderr.isatty())

    def _write(self, text: str, on_terminal: bool) -> None:
        sys.stderr.write(("\r\x1b[2K" if on_terminal else "") + text)
        sys.stderr.flush()

    def _format(self, step: int) -> str:
        seconds = time.perf_counter() - self._start
        loss = sum(self._losses) / len(self._losses)
        accuracy = total(self._counts).accuracy()
        parts = [f"step {step}/{self.steps}: loss {loss:.4f}"]
        if accuracy is not None:
            parts.append(f"level words {accuracy:.0%} right")
        parts.append(f"{self._samples / seconds:.1f} samples/s" if seconds else "")
        left = (self.steps - step) * seconds / max(1, step - self.done)
        parts.append(f"{format_duration(left)} left" if step < self.steps else "done")
        return ", ".join(filter(None, parts))


def format_duration(seconds: float) -> str:
    """Hours, minutes and seconds, the two largest that are not 0."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
