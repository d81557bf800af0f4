"""Reading, computing and writing at the same time: bounded queues between threads.

pyarrow, numpy and hashlib release the interpreter's lock while they work on columns, so threads
overlap; the queues hold a few batches, so memory stays bounded.
"""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
_DEPTH = 3
_END = object()


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def prefetch(items: Iterator[T]) -> Iterator[T]:
    """The same items, made by a thread that runs up to three ahead of the reader."""
    line: queue.Queue[object] = queue.Queue(_DEPTH)
    stop = threading.Event()

    def fill() -> None:
        try:
            for item in items:
                if not _put(line, item, stop):
                    return
            _put(line, _END, stop)
        except BaseException as error:
            _put(line, _Failure(error), stop)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        while (item := line.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield cast("T", item)
    finally:
        stop.set()
        thread.join()


@contextmanager
def background_writer(consume: Callable[[T], None]) -> Iterator[Callable[[T], None]]:
    """A function that hands items to `consume` in a thread; errors surface at the next call."""
    line: queue.Queue[object] = queue.Queue(_DEPTH)
    failures: list[BaseException] = []
    stop = threading.Event()

    def drain() -> None:
        while (item := line.get()) is not _END:
            try:
                consume(cast("T", item))
            except BaseException as error:
                failures.append(error)
                stop.set()
                return

    def hand(item: T) -> None:
        if failures or not _put(line, item, stop):
            raise failures[0]

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    try:
        yield hand
    finally:
        _put(line, _END, stop)
        thread.join()
    if failures:
        raise failures[0]


def _put(line: queue.Queue[object], item: object, stop: threading.Event) -> bool:
    while not stop.is_set():
        try:
            line.put(item, timeout=0.05)
        except queue.Full:
            continue
        return True
    return False
