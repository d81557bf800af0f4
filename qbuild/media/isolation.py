"""Functions in a child process that may crash or hang, as native decoders do on bad files.

The child is spawned, lives as long as its parent, and is replaced after a crash, after a time-out
and after so many calls that a decoder which leaks cannot grow. What decoders print goes nowhere.
Large arrays of a result come over in memory that both processes have, where the system offers it
(Linux: a memory file, which has no name that a crash could leave behind); through the pipe, frames
would take longer than their decoding.
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
from multiprocessing import connection
from multiprocessing.reduction import ForkingPickler, recv_handle, send_handle
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

import numpy as np

from qbuild.core.errors import StageError
from qbuild.media.unreadable import UnreadableMediaError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

P = ParamSpec("P")
T = TypeVar("T")
GRACE_S = 5  # beyond the time limit: then a child ends itself, should its parent be gone
LARGE = 1 << 16  # bytes of an array from which on it goes by shared memory
KEPT = 1 << 26  # bytes of it that stay from call to call: pages anew cost more than the copy


@dataclass
class _Child:
    process: SpawnProcess
    pipe: Connection
    calls: int = 0
    shared: int | None = None  # descriptor of the memory that its answers lie in


class Isolated:
    """A context in which functions run in one child process, one after another.

    The time limit holds for each call; the child's start has one more. Not for several threads.
    """

    def __init__(self, timeout_s: float = 60, calls_before_renewal: int = 500) -> None:
        self._timeout_s, self._renewal = timeout_s, calls_before_renewal
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._dismiss()

    @property
    def pid(self) -> int | None:
        """The child's process id; None before the first call, after a crash and at the end."""
        return self._child.process.pid if self._child else None

    def stop(self) -> None:
        """End the child under a call that another thread waits for: there it raises."""
        child = self._child
        if child is not None:
            with suppress(ValueError):  # that thread has done away with it meanwhile
                child.process.kill()

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What an importable function returns, or raises, in the child.

        Raises UnreadableMediaError decoder-crashed or decoder-hung where the child did not answer;
        the next call gets a new child. StageError where a child does not even start.
        """
        if self._child is not None and self._child.calls >= self._renewal:
            self._dismiss()
        try:
            child = self._child or self._start()
            child.calls += 1
            done, value = self._ask(child, (function, args, kwargs))
        except BaseException:
            self._kill()  # half-way through a call: what its pipe holds is nobody's
            raise
        if not done:
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
            daemon=True,  # one that nobody dismissed does not keep its parent from ending
        )
        process.start()
        theirs.close()
        child = self._child = _Child(process, ours)
        try:
            _, shares = self._answer(child)
        except UnreadableMediaError as error:
            raise _not_started(error) from None
        child.shared = recv_handle(ours) if shares else None
        return child

    def _ask(self, child: _Child, question: object) -> tuple[bool, Any]:
        try:
            child.pipe.send(question)
        except BrokenPipeError:
            raise self._crash(child) from None
        return self._answer(child)

    def _answer(self, child: _Child) -> tuple[bool, Any]:
        ready = connection.wait([child.pipe, child.process.sentinel], self._timeout_s)
        if not ready:
            raise UnreadableMediaError(
                "decoder-hung", f"no answer within {self._timeout_s:g} s; the process was killed"
            )
        try:
            answer = _received(child)
        except (EOFError, ConnectionResetError):
            raise self._crash(child) from None
        return answer

    def _crash(self, child: _Child) -> UnreadableMediaError:
        child.process.join(GRACE_S)
        code = child.process.exitcode
        if code == -signal.SIGINT:
            raise KeyboardInterrupt
        how = f"status {code}" if code is None or code >= 0 else signal.Signals(-code).name
        return UnreadableMediaError("decoder-crashed", f"the process that read it ended by {how}")

    def _dismiss(self) -> None:
        """Let an idle child end by itself: its pipe closes."""
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


@cache
def room(timeout_s: float) -> Isolated:
    """The child of this process for that limit, started with its first call, ended with it.

    A worker process waits for its children before `atexit` has its turn; finalizers come first.
    """
    made = Isolated(timeout_s=timeout_s)
    made.__enter__()
    Finalize(None, made.__exit__, args=(None, None, None), exitpriority=10)
    return made


def _not_started(error: UnreadableMediaError) -> StageError:
    return StageError(
        "child process",
        f"a process for decoders did not start: {error.message}",
        "expected one that waits for files",
        'A script of one\'s own begins its work below `if __name__ == "__main__":`.',
    )


def _serve(pipe: Connection, timeout_s: float) -> None:
    """Answer calls until the pipe closes; Ctrl-C ends the child without a word."""
    _settle()
    shared = os.memfd_create("answers") if hasattr(os, "memfd_create") else None
    _send(pipe, None, (True, shared is not None))
    if shared is not None:
        send_handle(pipe, shared, os.getppid())
    while True:
        try:
            function, args, kwargs = pipe.recv()
        except EOFError:
            return
        except Exception as error:
            _send(pipe, None, (False, _portable(error)))  # the function could not be imported
            continue
        _alarm(timeout_s + GRACE_S)
        try:
            answer = (True, function(*args, **kwargs))
        except Exception as error:
            answer = (False, _portable(error))
        _alarm(0)
        try:
            _send(pipe, shared, answer)
        except Exception as error:
            _send(pipe, None, (False, _portable(error)))  # the result cannot be pickled


def _send(pipe: Connection, shared: int | None, answer: tuple[bool, object]) -> None:
    """Send an answer, its large arrays one after another in the shared memory."""
    large: list[memoryview] = []

    def stays(buffer: pickle.PickleBuffer) -> bool:
        """Whether an array goes through the pipe with the rest."""
        if shared is None or buffer.raw().nbytes < LARGE:
            return True
        large.append(buffer.raw())
        return False

    packed = BytesIO()
    ForkingPickler(packed, 5, True, stays).dump(answer)
    place = 0
    for view in large:
        end = place + view.nbytes
        while place < end and shared is not None:  # a write takes 2 GiB at most
            place += os.pwrite(shared, view[place - end :], place)
    pipe.send((packed.getvalue(), [view.nbytes for view in large]))


def _received(child: _Child) -> tuple[bool, Any]:
    """What `_send` sent, in arrays of this process's own."""
    packed, sizes = child.pipe.recv()
    place, buffers = 0, list[Any]()
    for size in sizes:
        buffer, end = np.empty(size, np.uint8), place + size
        while place < end and child.shared is not None:
            place += os.preadv(child.shared, [buffer.data[place - end :]], place)
        buffers.append(buffer)
    if place > KEPT and child.shared is not None:
        os.ftruncate(child.shared, KEPT)
    answer: tuple[bool, Any] = pickle.loads(packed, buffers=buffers)  # noqa: S301 - of our own child
    return answer


def _settle() -> None:
    """Silence, an end with the parent, and Ctrl-C as the system has it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):  # a parent may have it blocked while it spawns
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the end of the process that started this one, which may be killed, and end too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _alarm(seconds: float) -> None:
    """End this process by signal after so long, native code that never returns included; 0: not."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _portable(error: Exception) -> Exception:
    """The error with its traceback as a note, in a form that can be pickled."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
