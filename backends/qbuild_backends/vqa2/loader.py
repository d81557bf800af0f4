"""Samples as tensors, decoded ahead by threads; the order never depends on their number.

Decoders release the interpreter's lock, so threads decode side by side and share the frames with
the step without copying them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from qbuild.core.errors import InputError
from qbuild.media.unreadable import UnreadableMediaError
from qbuild_backends.vqa2.cache import FrameReader
from qbuild_backends.vqa2.frames import Clip
from qbuild_backends.vqa2.framing import framed
from qbuild_backends.vqa2.processor import Encoded, Vqa2Processor
from qbuild_backends.vqa2.samples import Sample, Skipped

Read = Clip | UnreadableMediaError


@dataclass
class Loader:
    """Gives the samples of a pass encoded, and notes those that cannot be."""

    samples: Sequence[Sample]
    processor: Vqa2Processor
    reader: FrameReader
    frame: str
    workers: int = 0
    waited_s: float = 0.0
    skipped: list[Skipped] = field(default_factory=list)

    def stream(self, passes: Iterable[Sequence[int]]) -> Generator[list[Encoded]]:
        """For each pass its good samples, in order; the others go to `skipped`."""
        waiting, order = list(passes), deque[int]()
        order.extend(number for numbers in waiting for number in numbers)
        ahead = self.workers + 2 * max(map(len, waiting), default=0)
        running: deque[Future[Read]] = deque()
        with ThreadPoolExecutor(max(1, self.workers), "decode") as threads:
            try:
                for numbers in waiting:
                    encoded = []
                    for number in numbers:
                        while self.workers and order and len(running) < ahead:
                            running.append(threads.submit(self._read, order.popleft()))
                        found = self._encoded(number, self._next(number, running))
                        encoded += [] if found is None else [found]
                    yield encoded
            finally:
                threads.shutdown(wait=True, cancel_futures=True)

    def _next(self, number: int, running: deque[Future[Read]]) -> Read:
        begun = time.perf_counter()
        found = running.popleft().result() if self.workers else self._read(number)
        self.waited_s += time.perf_counter() - begun
        return found

    def _read(self, number: int) -> Read:
        try:
            return self.reader.read(self.samples[number].file)
        except UnreadableMediaError as error:
            return error

    def _encoded(self, number: int, found: Read) -> Encoded | None:
        """The sample in ids and frames; here and not in a thread, since tokenizers keep state."""
        sample = self.samples[number]
        if isinstance(found, UnreadableMediaError):
            self._skip(sample, found.reason, found.message)
            return None
        if (found.duration_s == 0) != (sample.kind == "image"):
            message = f"{sample.file.name} is no {sample.kind}; expected what the sample says"
            self._skip(sample, "other-kind", message)
            return None
        turns = framed(sample.turns, found, self.frame)
        try:
            return self.processor.encode(turns, found, name=sample.name)
        except InputError as error:
            self._skip(sample, "not-encodable", f"{error.what}; {error.expected}")
            return None

    def _skip(self, sample: Sample, reason: str, message: str) -> None:
        self.skipped.append(Skipped(sample.name, reason, message))
