"""Media prefetched by threads: images in them, videos in child processes that may crash or hang.

Pillow's decoders stay in the threads: where only images are read, no child starts. Transferring a
video's frames takes 2 to 3 % of the time of decoding them. No video can end a run: a child that
crashes or hangs is an UnreadableMediaError, `decoder-crashed` or `decoder-hung`.
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
from qbuild_backends.data.cache import cached_clip_path, read_clip, write_clip
from qbuild_backends.models.inputs import Clip, ClipReader, Extent

T = TypeVar("T")
U = TypeVar("U")
TIMEOUT_S = 600.0  # for one video, as in `qbuild probe`


class Children:
    """A context in which several threads may call functions in child processes.

    Each call has a child to itself. A child is started when a thread calls and all others are
    busy: there are never more children than threads that call, and none without a call.
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
        """The result of an importable function in a child; raises as `Isolated.call`."""
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
                is_open = self._open
                if is_open:
                    self._idle.append(child)
            if not is_open:
                child.__exit__()


@dataclass
class MediaReader:
    """A context in which any number of threads may read clips, which are cached below `folder`."""

    clips: ClipReader
    folder: Path | None = None  # None: nothing is cached
    timeout_s: float = TIMEOUT_S
    _children: Children = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._children = Children(self.timeout_s)

    def __enter__(self) -> Self:
        self._children.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._children.__exit__()

    def read(self, file: Path) -> Clip | Extent:
        """The clip of a medium; only the extent of a video that the context cannot hold.

        Raises UnreadableMediaError, DiskError where writing to the cache fails, InputError for a
        damaged cache file.
        """
        file_size(file)  # raises for a file that is missing, before a decoder does
        if self.folder is None:
            return self._read(file)
        place = cached_clip_path(self.folder, file, self.clips.cache_key)
        if place.is_file():
            return read_clip(place)
        clip = self._read(file)
        if isinstance(clip, Clip):
            write_clip(clip, place)
        return clip

    def _read(self, file: Path) -> Clip | Extent:
        if image_format(file) is not None:
            return self.clips.read_image(read_image(file).buffer)
        return self._children.call(self.clips.read_video, file)


def prefetch(
    items: Iterable[T], read: Callable[[T], U], *, threads: int, depth: int
) -> Generator[tuple[T, U]]:
    """Each item with what `read` makes of it, in order; up to `depth` of them are read in advance.

    Without threads an item is read when it is asked for. Closed early, it waits for what is being
    read: leave the context of the reader first, and that ends at once.
    """
    if not threads:
        for item in items:
            yield item, read(item)
        return
    source, pending = iter(items), deque[tuple[T, Future[U]]]()
    with ThreadPoolExecutor(threads, "read") as pool:
        try:
            pending.extend((item, pool.submit(read, item)) for item in islice(source, depth))
            while pending:
                item, result = pending.popleft()
                pending.extend((later, pool.submit(read, later)) for later in islice(source, 1))
                yield item, result.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
