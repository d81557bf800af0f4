"""Media read ahead by threads: pictures in them, videos in child processes that may crash or hang.

Pillow's decoders stay in the threads: where only pictures are read, no child has to start. A
video's frames come over at 2 to 3 in 100 of what their decoding takes. No video can end a run: what
it does to its child is its own UnreadableMediaError, `decoder-crashed` or `decoder-hung`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, Self, TypeVar

from qbuild.media.images.read_write import image_format, read_image
from qbuild.media.isolation import Isolated
from qbuild.media.unreadable import file_size
from qbuild_backends.data.cache import ClipCache, keep, kept
from qbuild_backends.data.clips import picture_clip, video_clip
from qbuild_backends.models.inputs import Clip, Context, Extent

T = TypeVar("T")
U = TypeVar("U")
# What decodes a video in a child: an importable function with the arguments of `video_clip`.
Decode = Callable[[Path, int, int | None, Context | None], Clip | Extent]
TIME_LIMIT_S = 600.0  # for one video, as in `qbuild probe`


class Children:
    """A context in which several threads may call functions in child processes.

    Each call has a child to itself. A child is started when a thread calls and all others are
    busy, so there are never more than threads that call at a time, and none without a call.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._idle, self._busy = list[Isolated](), set[Isolated]()
        self._lock, self._open = Lock(), False

    def __enter__(self) -> Self:
        self._open = True
        return self

    def __exit__(self, *_: object) -> None:
        """End all children; calls that other threads wait for raise at once."""
        with self._lock:
            self._open = False
            idle, self._idle = self._idle, []
            for child in (*idle, *self._busy):
                child.stop()
        for child in idle:
            child.__exit__()

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """What an importable function returns, or raises, in a child; raises as `Isolated.call`."""
        with self._lock:
            if not self._open:
                raise RuntimeError("no child processes: they are closed, or not yet open")
            child = self._idle.pop() if self._idle else Isolated(self._timeout_s)
            self._busy.add(child)
        try:
            return child.call(function, *args)
        finally:
            with self._lock:
                self._busy.discard(child)
                goes_on = self._open
                if goes_on:
                    self._idle.append(child)
            if not goes_on:
                child.__exit__()


@dataclass
class FrameReader:
    """A context in which clips are read at these sizes, by any number of threads.

    Below `folder`, where there is one, clips are kept, and those that are kept are not decoded.
    """

    key_size: int
    motion_size: int | None  # None: key frames alone
    folder: Path | None = None
    decode: Decode = video_clip
    timeout_s: float = TIME_LIMIT_S
    _children: Children = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._children = Children(self.timeout_s)

    def __enter__(self) -> Self:
        self._children.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._children.__exit__()

    def read(self, file: Path, context: Context | None = None) -> Clip | Extent:
        """The medium's frames; of a video that `context` cannot hold its extent alone.

        Raises UnreadableMediaError, DiskError where keeping the frames fails, InputError for
        frames that are kept but damaged.
        """
        file_size(file)  # a file that is not there is not the decoder's to tell
        if self.folder is None:
            return self._read(file, context)
        place = ClipCache(self.folder, self.key_size, self.motion_size).place(file)
        if place.is_file():
            return kept(place)
        found = self._read(file, context)
        if isinstance(found, Clip):
            keep(found, place)
        return found

    def _read(self, file: Path, context: Context | None) -> Clip | Extent:
        if image_format(file) is not None:
            return picture_clip(read_image(file).buffer, self.key_size)
        return self._children.call(self.decode, file, self.key_size, self.motion_size, context)


def read_ahead(
    items: Iterable[T], read: Callable[[T], U], *, threads: int, ahead: int
) -> Generator[tuple[T, U]]:
    """Each item with what `read` makes of it, in order, up to `ahead` of them read in advance.

    Without threads an item is read when it is asked for. Closed early, it waits for what is being
    read: leave the context of the reader first, and that ends at once.
    """
    if not threads:
        for item in items:
            yield item, read(item)
        return
    source, begun = iter(items), deque[tuple[T, Future[U]]]()
    with ThreadPoolExecutor(threads, "read") as pool:
        try:
            begun.extend((item, pool.submit(read, item)) for item in islice(source, ahead))
            while begun:
                item, found = begun.popleft()
                begun.extend((later, pool.submit(read, later)) for later in islice(source, 1))
                yield item, found.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
