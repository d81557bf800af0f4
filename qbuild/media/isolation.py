"""Run functions in a child process that may crash or hang, as native decoders do on bad files.

The child is spawned, lives as long as its parent, and is replaced after a crash, after a timeout
and after a number of calls, which bounds the leaks of decoders. Output of decoders is discarded.
Large arrays of a result are returned in shared memory where the system offers it (Linux: a memory
file, which has no name that a crash could leave behind); sending frames through the pipe would
take longer than decoding them.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler, recv_handle, send_handle
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

import numpy as np

from qbuild.core.errors import StageError
from qbuild.media.unreadable import UnreadableMediaError

P = ParamSpec("P")
T = TypeVar("T")
GRACE_S = 5  # after the timeout, a child whose parent is gone ends itself
SHARED_MIN_BYTES = 1 << 16  # smallest array that is returned in shared memory
KEPT_BYTES = 1 << 26  # shared memory kept between calls: new pages cost more than the copy


@dataclass
class _Child:
    process: SpawnProcess
    pipe: Connection
    calls: int = 0
    shared: int | None = None  # file descriptor of the shared memory of its results


class Isolated:
    """A context manager that runs functions in one child process, one at a time.

    The timeout applies to each call, and once more to the child's start. Not thread-safe.
    """

    def __init__(self, timeout_s: float = 60, calls_before_renewal: int = 500) -> None:
        self._timeout_s, self._renewal = timeout_s, calls_before_renewal
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def stop(self) -> None:
        """Kill the child during a call from another thread; that call raises."""
        child = self._child
        if child is not None:
            with suppress(ValueError):  # the other thread has closed it meanwhile
                child.process.kill()

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return or raise what an importable function returns or raises in the child.

        Raises UnreadableMediaError decoder-crashed or decoder-hung if the child did not answer; the
        next call gets a new child. StageError if a child does not start.
        """
        if self._child is not None and self._child.calls >= self._renewal:
            self._close()
        try:
            child = self._child or self._start()
            child.calls += 1
            succeeded, value = self._request(child, (_current_folder(), function, args, kwargs))
        except BaseException:
            self._kill()  # interrupted during a call: the content of its pipe is undefined
            raise
        if not succeeded:
            raise value
        result: T = value
        return result

    def _start(self) -> _Child:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(
            target=_serve,
            args=(theirs, self._timeout_s),
            name="isolated",
            daemon=True,  # a child that was not closed does not keep its parent alive
        )
        process.start()
        theirs.close()
        child = self._child = _Child(process, ours)
        try:
            _, has_shared_memory = self._wait_for_answer(child)
        except UnreadableMediaError as error:
            raise StageError(
                "child process",
                f"a process for decoders did not start: {error.message}",
                "expected one that waits for files",
                'A script must start its work below `if __name__ == "__main__":`.',
            ) from None
        child.shared = recv_handle(ours) if has_shared_memory else None
        return child

    def _request(self, child: _Child, request: object) -> tuple[bool, Any]:
        try:
            child.pipe.send(request)
        except BrokenPipeError:
            raise self._crash_error(child) from None
        return self._wait_for_answer(child)

    def _wait_for_answer(self, child: _Child) -> tuple[bool, Any]:
        ready = wait([child.pipe, child.process.sentinel], self._timeout_s)
        if not ready:
            raise UnreadableMediaError(
                "decoder-hung", f"no answer within {self._timeout_s:g} s; the process was killed"
            )
        try:
            return _receive(child)
        except (EOFError, ConnectionResetError):
            raise self._crash_error(child) from None

    def _crash_error(self, child: _Child) -> UnreadableMediaError:
        child.process.join(GRACE_S)
        code = child.process.exitcode
        if code == -signal.SIGINT:
            raise KeyboardInterrupt from None
        how = f"status {code}" if code is None or code >= 0 else signal.Signals(-code).name
        return UnreadableMediaError("decoder-crashed", f"the process that read it ended with {how}")

    def _close(self) -> None:
        """Close the pipe of an idle child, which then ends by itself."""
        if self._child is not None:
            self._child.pipe.close()
            self._child.process.join(1)
            self._kill()

    def _kill(self) -> None:
        if self._child is not None:
            child, self._child = self._child, None
            child.pipe.close()
            if child.shared is not None:
                os.close(child.shared)
            child.process.kill()
            child.process.join()
            child.process.close()


def _current_folder() -> str | None:
    """The current folder; None where it was removed."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None


@cache
def shared_child(timeout_s: float) -> Isolated:
    """The child of this process for that timeout; it starts at its first call, ends with it.

    A worker process waits for its children before it runs `atexit`; finalizers run earlier.
    """
    isolated = Isolated(timeout_s=timeout_s)
    Finalize(None, isolated.__exit__, args=(None, None, None), exitpriority=10)
    return isolated


def _serve(pipe: Connection, timeout_s: float) -> None:
    """Answer calls until the pipe closes; Ctrl-C ends the child silently."""
    _prepare_process()
    shared = os.memfd_create("answers") if hasattr(os, "memfd_create") else None
    _send(pipe, None, (True, shared is not None))
    if shared is not None:
        send_handle(pipe, shared, os.getppid())
    while True:
        try:
            folder, function, args, kwargs = pipe.recv()
        except EOFError:
            return
        except Exception as error:
            _send(pipe, None, (False, _picklable(error)))  # the function could not be imported
            continue
        _alarm(timeout_s + GRACE_S)
        try:
            if folder:
                os.chdir(folder)  # relative paths are the parent's
            answer = (True, function(*args, **kwargs))
        except Exception as error:
            answer = (False, _picklable(error))
        _alarm(0)
        try:
            _send(pipe, shared, answer)
        except Exception as error:
            _send(pipe, None, (False, _picklable(error)))  # the result cannot be pickled


def _send(pipe: Connection, shared: int | None, answer: tuple[bool, object]) -> None:
    """Send an answer, its large arrays one after another in the shared memory."""
    large: list[memoryview] = []

    def is_sent_inline(buffer: pickle.PickleBuffer) -> bool:
        """Whether an array is sent through the pipe."""
        if shared is None or buffer.raw().nbytes < SHARED_MIN_BYTES:
            return True
        large.append(buffer.raw())
        return False

    packed = BytesIO()
    ForkingPickler(packed, 5, True, is_sent_inline).dump(answer)
    offset = 0
    for view in large:
        end = offset + view.nbytes
        while offset < end and shared is not None:  # one write takes 2 GiB at most
            offset += os.pwrite(shared, view[offset - end :], offset)
    pipe.send((packed.getvalue(), [view.nbytes for view in large]))


def _receive(child: _Child) -> tuple[bool, Any]:
    """Receive an answer from `_send`, its arrays copied into this process's memory."""
    packed, sizes = child.pipe.recv()
    offset, buffers = 0, list[Any]()
    for size in sizes:
        buffer, end = np.empty(size, np.uint8), offset + size
        while offset < end and child.shared is not None:
            offset += os.preadv(child.shared, [buffer.data[offset - end :]], offset)
        buffers.append(buffer)
    if offset > KEPT_BYTES and child.shared is not None:
        os.ftruncate(child.shared, KEPT_BYTES)
    answer: tuple[bool, Any] = pickle.loads(packed, buffers=buffers)  # noqa: S301 - of our own child
    return answer


def _prepare_process() -> None:
    """Restore the default Ctrl-C, discard stderr, and end together with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):  # a parent may have blocked it while it spawns
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    os.close(devnull)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Exit when the parent process ends, even if it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _alarm(seconds: float) -> None:
    """End this process by signal after some seconds, even in native code; 0 cancels."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _picklable(error: Exception) -> Exception:
    """The error with its traceback as a note; a RuntimeError with its text if it has no pickle."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
