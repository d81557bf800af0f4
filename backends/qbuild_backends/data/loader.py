"""Samples as tensors, their media prefetched by threads; the order does not depend on their number.

Threads read side by side: decoders of images release the interpreter's lock, videos are decoded in
child processes (`media_reader`).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from qbuild.backends.protocol import Rejected
from qbuild.core.rows.rejections import RejectedError, Rejection
from qbuild.media.unreadable import UnreadableMediaError
from qbuild_backends.data.media_reader import MediaReader, prefetch
from qbuild_backends.data.sample import Sample
from qbuild_backends.models.family import Processor
from qbuild_backends.models.inputs import Clip, Encoded, Extent

Read = Clip | Extent | UnreadableMediaError | None


@dataclass
class Loader:
    """Encodes the samples of a pass, and records those that cannot be encoded."""

    samples: Sequence[Sample]
    processor: Processor
    reader: MediaReader
    video_prompt: str
    workers: int = 0
    waited_s: float = 0.0
    skipped: list[Rejected] = field(default_factory=list)

    def stream(self, passes: Iterable[Sequence[int]]) -> Generator[list[Encoded]]:
        """The good samples of each pass, in order; the others go to `skipped`."""
        waiting = list(passes)
        order = (number for numbers in waiting for number in numbers)
        depth = self.workers + 2 * max(map(len, waiting), default=0)
        reads = prefetch(order, self._read, threads=self.workers, depth=depth)
        with closing(reads), self.reader:  # the reader ends first, and with it what threads wait on
            for numbers in waiting:
                encoded = [self._encode(*self._next(reads)) for _ in numbers]
                yield [one for one in encoded if one is not None]

    def _next(self, reads: Iterator[tuple[int, Read]]) -> tuple[int, Read]:
        start = time.perf_counter()
        read = next(reads)
        self.waited_s += time.perf_counter() - start
        return read

    def _read(self, number: int) -> Read:
        file = self.samples[number].file
        try:
            return None if file is None else self.reader.read(file)
        except UnreadableMediaError as error:
            return error

    def _encode(self, number: int, read: Read) -> Encoded | None:
        """The sample in ids and frames; here and not in a thread, since tokenizers keep state."""
        sample = self.samples[number]
        if isinstance(read, UnreadableMediaError):
            self._skip(sample, Rejection(read.reason, read.message))
            return None
        if read is not None and read.kind != sample.kind:
            message = f"{sample.media_id} is not of kind {sample.kind}, as the sample states"
            self._skip(sample, Rejection("other-kind", message))
            return None
        try:
            return self.processor.encode(sample.turns, read, video_prompt=self.video_prompt)
        except RejectedError as error:
            self._skip(sample, error.rejection)
            return None

    def _skip(self, sample: Sample, rejection: Rejection) -> None:
        self.skipped.append(Rejected(sample.name, rejection))
