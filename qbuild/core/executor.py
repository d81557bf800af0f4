"""Running a stage's functions: overlapped in this process, in workers, or in one async loop.

Each runner hands Outputs to `take` in input order and returns the number of rows left pending.
Workers are spawned, never forked (pyarrow has threads); each reads its own row groups and leaves
its rows in scratch files, so that no batch travels through a pipe.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from qbuild.core import folder
from qbuild.core.artifact import Artifact
from qbuild.core.errors import QbuildError, SchemaError, StageError, raise_all
from qbuild.core.overlap import ahead
from qbuild.core.schema import Schema, load_schema
from qbuild.core.sources import refuse_bad, slices
from qbuild.core.stage import Batch, File, Options, Output, Stage, StoppedEarly

if TYPE_CHECKING:
    from concurrent.futures import Future

    from qbuild.core.sources import Sources

Take = Callable[[Output], None]


@dataclass(frozen=True)
class Job:
    """One stage with its options and prepared state, and where its files go."""

    stage: Stage[Any, Any]
    options: Options
    state: Any
    media_folder: Path | None

    def apply(self, batch: Batch) -> Output:
        """What the stage makes of a batch: rows checked, files written."""
        assert self.stage.transform is not None  # noqa: S101 - the runner is chosen by kind
        try:
            output = self.stage.transform(batch, self.state, self.options)
        except (QbuildError, OSError, MemoryError):
            raise
        except Exception as error:
            raise self._failed(error, f"rows {batch.start + 1} and after") from error
        return self.accept(output, batch.rows, self.stage.reads.schema)

    def accept(self, output: Output, given: pa.Table | None, reads: str | None) -> Output:
        """`output` with its rows in the form of the schema and its files in their folder."""
        rows, rejected = output.rows, output.rejected
        if rows is not None and rows.num_rows and self.stage.writes is not None:
            schema = load_schema(self.stage.writes)
            rows = self._checked(schema, rows, unchanged(rows, given, schema, reads))
        if rejected is not None and rejected.num_rows:
            rejected = self._checked(load_schema("rejected"), rejected, ())
        if output.files and not self.stage.folder:
            raise StageError(self.stage.name, "made a file", "expected rows alone")
        files = output.files
        if self.media_folder is not None:
            for file in files:
                folder.put(self.media_folder, file)
            files = tuple(File(file.name, b"") for file in files)  # written: only names are kept
        return replace(output, rows=rows, rejected=rejected, files=files)

    def _checked(self, schema: Schema, rows: pa.Table, skip: tuple[str, ...]) -> pa.Table:
        try:
            rows = schema.cast(rows, self.stage.name)
        except SchemaError as error:
            raise StageError(self.stage.name, f"made rows of a wrong form ({error})") from error
        found = schema.check(rows, skip=skip)
        raise_all(
            StageError(
                self.stage.name,
                f"made a row that schema {schema.name} refuses: {v.column}: {v.message}",
                todo="This is a fault of the stage; please report it with its input.",
            )
            for v in found.first
        )
        return rows

    def _failed(self, error: Exception, where: str) -> StageError:
        return StageError(
            self.stage.name,
            f"failed at {where} ({type(error).__name__}: {error})",
            todo="Run again with --debug for the traceback.",
        )


def unchanged(
    rows: pa.Table, given: pa.Table | None, schema: Schema, reads: str | None
) -> tuple[str, ...]:
    """Columns that are the very memory of the checked input, under the same column schema."""
    if given is None or reads is None:
        return ()
    before = load_schema(reads).document["properties"]
    after = schema.document["properties"]
    return tuple(
        name
        for name in rows.column_names
        if name in given.column_names
        and before.get(name) == after.get(name)
        and _memory(rows.column(name)) == _memory(given.column(name))
    )


def _memory(column: Any) -> list[tuple[int, int, tuple[int, ...]]]:
    return [
        (chunk.offset, len(chunk), tuple(b.address if b else 0 for b in chunk.buffers()))
        for chunk in column.chunks
    ]


def run_map(job: Job, sources: Sources, workers: int, take: Take) -> int:
    """Transform every batch, here or in `workers` processes."""
    if workers == 1:
        for batch in ahead(sources.checked()):
            take(job.apply(batch))
    else:
        _in_workers(job, sources, workers, take)
    return 0


def run_reduce(job: Job, sources: Sources, take: Take) -> tuple[int, Any]:
    """Take what `produce` yields; its return value is the state that `finish` sees."""
    assert job.stage.produce is not None  # noqa: S101
    outputs = job.stage.produce(sources, job.options)
    while True:
        try:
            output = next(outputs)
        except StopIteration as end:
            return 0, end.value
        take(job.accept(output, None, None))


def run_service(job: Job, sources: Sources, take: Take) -> int:
    """Take a service's answers in input order; those that never came are pending."""
    held: dict[int, Output] = {}
    answered = 0

    def flush(everything: bool) -> None:
        nonlocal answered
        for at in sorted(held):
            if at != answered and not everything:
                return
            take(held.pop(at))
            answered += 1

    async def consume() -> None:
        assert job.stage.serve is not None  # noqa: S101
        async for output in job.stage.serve(sources, job.state, job.options):
            if output.at is None or output.at in held or not 0 <= output.at < sources.rows:
                raise StageError(job.stage.name, f"answered row {output.at}", "expected each once")
            held[output.at] = job.accept(output, None, None)
            flush(everything=False)

    # What is pending after an early stop is counted below and said in the description.
    with suppress(StoppedEarly, KeyboardInterrupt):
        asyncio.run(consume())
    flush(everything=True)
    return sources.rows - answered


# ------------------------------------------------------------------------------------- workers


@dataclass(frozen=True)
class _Task:
    path: Path
    schema: str  # as which it is read
    index: int
    start: int
    rows: int
    batch_rows: int
    scratch: Path


@dataclass
class _Part:
    rows: Path | None = None
    rejected: Path | None = None
    tally: Counter[str] = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)


_job: Job | None = None


def _start_worker(job: Job) -> None:
    global _job  # noqa: PLW0603 - one job for the life of a worker process
    _job = job


def _in_workers(job: Job, sources: Sources, workers: int, take: Take) -> None:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    schema = job.stage.reads.schema or ""
    tasks = (
        _Task(artifact.path, schema, index, start, rows, sources.batch_rows, sources.scratch)
        for artifact, index, start, rows in sources.tasks()
    )
    bare = replace(job.stage, prepare=None, finish=None, render=None)  # workers only transform
    start = (replace(job, stage=bare),)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, start)
    waiting: deque[Future[_Part]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(_work, task))
            if len(waiting) > 2 * workers:
                take(_collect(waiting.popleft().result()))
        while waiting:
            take(_collect(waiting.popleft().result()))
    except BrokenProcessPool as error:
        raise StageError(
            job.stage.name, "a worker process died", todo="Use fewer workers or more memory."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _work(task: _Task) -> _Part:
    assert _job is not None  # noqa: S101 - set by _start_worker
    artifact = Artifact.open(task.path)
    if artifact.schema.name != task.schema:
        artifact = artifact.read_as(task.schema)
    group = Batch(artifact.group(task.index).slice(0, task.rows), task.start)
    part, rows, rejected = _Part(), [], []
    for batch in slices(group, task.batch_rows):
        refuse_bad(artifact.schema, batch.rows, str(task.path), batch.start)
        output = _job.apply(batch)
        rows += [output.rows] if output.rows is not None else []
        rejected += [output.rejected] if output.rejected is not None else []
        part.tally += output.tally
        part.names += [file.name for file in output.files]
    part.rows = _spill(rows, task.scratch / f"rows-{task.start}.arrow")
    part.rejected = _spill(rejected, task.scratch / f"rejected-{task.start}.arrow")
    return part


def _spill(tables: list[pa.Table], path: Path) -> Path | None:
    tables = [table for table in tables if table.num_rows]
    if not tables:
        return None
    whole = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, whole.schema) as writer:
        writer.write_table(whole)
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
    path.unlink()  # the map keeps the bytes until the table is gone
    return table
