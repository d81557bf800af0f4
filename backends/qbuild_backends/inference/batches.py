"""The model computes on batches of samples of like length, while others are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from qbuild.backends.protocol import Refused
from qbuild_backends.models.vqa2.processor import Encoded

R = TypeVar("R")
POOL = 4  # batches of samples among which those of like length are looked for
MOST_BYTES = 1 << 29  # of frames in the pool; beyond it a batch is taken before the pool is full


@dataclass(frozen=True)
class Waiting:
    """A sample that is read, by its number in the order given."""

    number: int
    encoded: Encoded

    @property
    def length(self) -> int:
        """Tokens it has."""
        return len(self.encoded.ids)

    @property
    def size(self) -> int:
        """Bytes of its frames."""
        frames = (self.encoded.keys, self.encoded.motion)
        return sum(part.nbytes for part in frames if part is not None)


def in_batches(
    samples: Iterable[Encoded | Refused],
    compute: Callable[[Sequence[Encoded]], Sequence[R]],
    size: int,
    most_tokens: int | None = None,
) -> Iterator[R | Refused]:
    """What `compute` makes of each sample, in the order given; a refusal where one stands.

    A batch has at most `size` samples and, padded and unless it is one sample, `most_tokens`.
    """
    done: dict[int, R | Refused] = {}
    told = 0
    for batch in _batches(samples, done, size, most_tokens):
        found = compute([waiting.encoded for waiting in batch]) if batch else []
        done.update(zip((waiting.number for waiting in batch), found, strict=True))
        while told in done:
            yield done.pop(told)
            told += 1


def _batches(
    samples: Iterable[Encoded | Refused],
    done: dict[int, R | Refused],
    size: int,
    most_tokens: int | None,
) -> Iterator[list[Waiting]]:
    """Batches with the oldest sample in each; refusals go to `done` at once."""
    pool: list[Waiting] = []
    for number, sample in enumerate(samples):
        if isinstance(sample, Refused):
            done[number] = sample
            continue
        pool.append(Waiting(number, sample))
        full = sum(waiting.size for waiting in pool) > MOST_BYTES
        if len(pool) >= (size if full else POOL * size):
            yield _taken(pool, size, most_tokens)
    while pool:
        yield _taken(pool, size, most_tokens)
    yield []  # for refusals after the last batch


def _taken(pool: list[Waiting], size: int, most_tokens: int | None) -> list[Waiting]:
    """The oldest sample and those nearest to it in length, out of the pool."""
    length = pool[0].length
    chosen = sorted(pool, key=lambda one: (abs(one.length - length), one.number))[:size]
    if most_tokens is not None:
        while len(chosen) > 1 and len(chosen) * max(one.length for one in chosen) > most_tokens:
            chosen.pop()
    for one in chosen:
        pool.remove(one)
    return chosen
