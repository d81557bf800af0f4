"""Reading, computing and writing at the same time, each in its own thread.

pyarrow, numpy and hashlib release the interpreter's lock while they work on columns, so threads
overlap. At most three items wait between two threads, so memory is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_DEPTH = 3
_END: Any = object()


def prefetch(items: Iterator[T]) -> Iterator[T]:
    """The same items, made by a thread that is up to three items ahead."""
    with ThreadPoolExecutor(1) as reader:
        waiting = deque(reader.submit(next, items, _END) for _ in range(_DEPTH))
        try:
            while (item := waiting.popleft().result()) is not _END:
                waiting.append(reader.submit(next, items, _END))
                yield item
        finally:
            reader.shutdown(cancel_futures=True)


@contextmanager
def background_writer(consume: Callable[[T], None]) -> Iterator[Callable[[T], None]]:
    """A function that submits items to `consume` in a thread; errors are raised by a later call.

    All items are consumed at the end of the block, unless it raises.
    """
    waiting: deque[Future[None]] = deque()

    def submit(item: T) -> None:
        while waiting and (len(waiting) == _DEPTH or waiting[0].done()):
            waiting.popleft().result()
        waiting.append(writer.submit(consume, item))

    with ThreadPoolExecutor(1) as writer:
        try:
            yield submit
            while waiting:
                waiting.popleft().result()
        finally:
            writer.shutdown(cancel_futures=True)
