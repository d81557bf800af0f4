"""Samples as tensors, their media read ahead by threads; the order never depends on their number.

Threads read side by side: decoders of pictures release the interpreter's lock, videos are decoded
in child processes (`media_reader`).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from qbuild.media.unreadable import UnreadableMediaError
from qbuild_backends.data.media_reader import FrameReader, read_ahead
from qbuild_backends.data.sample import Sample, Skipped
from qbuild_backends.models.inputs import Clip, Extent
from qbuild_backends.models.vqa2.processor import Encoded, NotEncodableError, Vqa2Processor
from qbuild_backends.models.vqa2.video_prompts import framed

Read = Clip | Extent | UnreadableMediaError | None


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
        waiting = list(passes)
        order = (number for numbers in waiting for number in numbers)
        ahead = self.workers + 2 * max(map(len, waiting), default=0)
        reads = read_ahead(order, self._read, threads=self.workers, ahead=ahead)
        with closing(reads), self.reader:  # the reader ends first, and with it what threads wait on
            for numbers in waiting:
                encoded = [self._encoded(*self._next(reads)) for _ in numbers]
                yield [one for one in encoded if one is not None]

    def _next(self, reads: Iterator[tuple[int, Read]]) -> tuple[int, Read]:
        begun = time.perf_counter()
        found = next(reads)
        self.waited_s += time.perf_counter() - begun
        return found

    def _read(self, number: int) -> Read:
        file = self.samples[number].file
        try:
            return None if file is None else self.reader.read(file, self.processor.context)
        except UnreadableMediaError as error:
            return error

    def _encoded(self, number: int, found: Read) -> Encoded | None:
        """The sample in ids and frames; here and not in a thread, since tokenizers keep state."""
        sample = self.samples[number]
        if isinstance(found, UnreadableMediaError):
            self._skip(sample, found.reason, found.message)
            return None
        if found is not None and found.kind != sample.kind:
            message = f"{sample.media_id} is no {sample.kind}; expected what the sample says"
            self._skip(sample, "other-kind", message)
            return None
        turns = sample.turns if found is None else framed(sample.turns, found, self.frame)
        try:
            return self.processor.encode(turns, found, name=sample.name)
        except NotEncodableError as error:
            self._skip(sample, error.reason, error.message)
            return None

    def _skip(self, sample: Sample, reason: str, message: str) -> None:
        self.skipped.append(Skipped(sample.name, reason, message))
