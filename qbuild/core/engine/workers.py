"""Runs a map stage in worker processes; the outputs are in input order.

Workers are spawned, never forked (pyarrow has threads). Each reads its own row groups, or parts of
them where rows take long, and writes its rows to scratch files, so that no batch is sent through a
pipe. Workers end with the run: on Ctrl-C, and when the process that started them ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from qbuild.core.artifact.output_folder import File
from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine.inputs import RunInputs, checked_batches
from qbuild.core.engine.stage import Batch, Output
from qbuild.core.engine.stage_call import StageCall
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import StageError


@dataclass(frozen=True)
class _Task:
    path: Path
    index: int
    first: int  # number of its first row in the row group
    start: int  # number of that row over all inputs
    rows: int
    batch_rows: int
    scratch: Path


@dataclass
class _Part:
    rows: Path | None = None
    rejected: Path | None = None
    tally: Tally = field(default_factory=Tally)
    names: list[str] = field(default_factory=list)


def run_in_workers(call: StageCall, inputs: RunInputs, workers: int) -> Iterator[Output]:
    """The output for each row group or part of one, in order; a few are computed at a time."""
    stage = replace(call.stage, prepare=None, finish=None, render=None)  # workers only transform
    waiting: deque[Future[_Part]] = deque()
    with _pool(replace(call, stage=stage), workers) as pool:
        for task in _tasks(inputs):
            with _no_interrupt():  # a worker that is spawned here inherits the mask
                waiting.append(pool.submit(_work, task))
            if len(waiting) > 2 * workers:
                yield _collect(waiting.popleft().result())
        while waiting:
            yield _collect(waiting.popleft().result())


def _tasks(inputs: RunInputs) -> Iterator[_Task]:
    for artifact, index, start, rows in inputs.row_groups():
        step = inputs.max_batch_rows or rows
        for first in range(0, rows, step):
            yield _Task(
                artifact.path,
                index,
                first,
                start + first,
                min(step, rows - first),
                inputs.batch_rows,
                inputs.scratch,
            )


@contextmanager
def _pool(call: StageCall, workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes for one stage call; all have ended after the block."""
    others = multiprocessing.active_children()
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, spawn, _start_worker, (call,))
    try:
        yield pool
    except BrokenProcessPool as error:
        todo = "Use fewer workers or more memory."
        raise StageError(call.stage.name, "a worker process died", todo=todo) from error
    except (KeyboardInterrupt, GeneratorExit):
        for worker in multiprocessing.active_children():
            if worker not in others:
                worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Block SIGINT, here and in a process started meanwhile, until it unblocks it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_calls: list[StageCall] = []  # the one call of a worker process


def _start_worker(call: StageCall) -> None:
    _calls.append(call)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback from each worker
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End when the process that started this one ends, even if it is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(task: _Task) -> _Part:
    call = _calls[0]
    artifact, group = _group(task.path, task.index, call.stage.reads.schema)
    whole = Batch(group.slice(task.first, task.rows), task.start)
    part, rows, rejected = _Part(), [], []
    for batch in checked_batches(artifact, task.index, whole, task.batch_rows, task.first):
        output = call.apply(batch)
        rows += [output.rows] if output.rows is not None else []
        rejected += [output.rejected] if output.rejected is not None else []
        part.tally.update(output.tally)
        part.names += [file.name for file in output.files]
    part.rows = _spill(rows, task.scratch / f"rows-{task.start}.arrow")
    part.rejected = _spill(rejected, task.scratch / f"rejected-{task.start}.arrow")
    return part


@lru_cache(maxsize=1)  # consecutive parts of one row group
def _group(path: Path, index: int, schema: str | None) -> tuple[Artifact, pa.Table]:
    artifact = Artifact.open(path)
    if schema is not None and artifact.schema.name != schema:
        artifact = artifact.read_as(schema)
    return artifact, artifact.group(index)


def _spill(tables: list[pa.Table], path: Path) -> Path | None:
    tables = [table for table in tables if table.num_rows]
    if not tables:
        return None
    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return path


def _collect(part: _Part) -> Output:
    return Output(
        rows=_unspill(part.rows),
        rejected=_unspill(part.rejected),
        files=tuple(File(name, b"") for name in part.names),
        tally=part.tally,
    )


def _unspill(path: Path | None) -> pa.Table | None:
    if path is None:
        return None
    with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
        table = reader.read_all()
    path.unlink()  # the memory map keeps the bytes as long as the table exists
    return table
