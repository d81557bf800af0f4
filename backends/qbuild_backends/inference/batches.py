"""Batches of samples of similar length, computed while other samples are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from qbuild.backends.protocol import Rejected
from qbuild_backends.models.inputs import Encoded

R = TypeVar("R")
POOL = 4  # batches of samples among which those of similar length are chosen
MAX_BYTES = 1 << 29  # of media in the pool; beyond it a batch is made before the pool is full


@dataclass(frozen=True)
class Waiting:
    """A sample that is read, with its number in the order given."""

    number: int
    encoded: Encoded

    @property
    def length(self) -> int:
        """Its tokens."""
        return len(self.encoded.ids)

    @property
    def size(self) -> int:
        """Bytes of its media."""
        return sum(array.nbytes for array in self.encoded.media.values())


def compute_in_batches(
    samples: Iterable[Encoded | Rejected],
    compute: Callable[[Sequence[Encoded]], Sequence[R]],
    size: int,
    max_tokens: int | None = None,
) -> Iterator[R | Rejected]:
    """The result of `compute` for each sample, in the order given; rejections pass through.

    A batch has at most `size` samples and, padded and unless it is one sample, `max_tokens`.
    """
    done: dict[int, R | Rejected] = {}
    next_number = 0
    for batch in _batches(samples, done, size, max_tokens):
        results = compute([waiting.encoded for waiting in batch]) if batch else []
        done.update(zip((waiting.number for waiting in batch), results, strict=True))
        while next_number in done:
            yield done.pop(next_number)
            next_number += 1


def _batches(
    samples: Iterable[Encoded | Rejected],
    done: dict[int, R | Rejected],
    size: int,
    max_tokens: int | None,
) -> Iterator[list[Waiting]]:
    """Batches with the oldest sample in each; rejections go to `done` at once."""
    pool: list[Waiting] = []
    for number, sample in enumerate(samples):
        if isinstance(sample, Rejected):
            done[number] = sample
            continue
        pool.append(Waiting(number, sample))
        is_full = sum(waiting.size for waiting in pool) > MAX_BYTES
        if len(pool) >= (size if is_full else POOL * size):
            yield _take_batch(pool, size, max_tokens)
    while pool:
        yield _take_batch(pool, size, max_tokens)
    yield []  # for rejections after the last batch


def _take_batch(pool: list[Waiting], size: int, max_tokens: int | None) -> list[Waiting]:
    """The oldest sample and those nearest to it in length, removed from the pool."""
    length = pool[0].length
    chosen = sorted(pool, key=lambda one: (abs(one.length - length), one.number))[:size]
    if max_tokens is not None:
        while len(chosen) > 1 and len(chosen) * max(one.length for one in chosen) > max_tokens:
            chosen.pop()
    for one in chosen:
        pool.remove(one)
    return chosen
