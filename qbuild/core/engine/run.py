"""The engine: runs one stage on its inputs and leaves an artifact, whole or not at all.

Inputs → rows in input order → checked → written beside the final place → the rejected rows are
renamed first, the artifact (which holds their hash) last. A killed run leaves the old artifact or
the new one; a failed one leaves the old one.
"""

from __future__ import annotations

from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENOSPC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.artifact.description import Description
from qbuild.core.artifact.output_folder import FOLDER_ARTIFACT
from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.artifact.writer import ArtifactWriter
from qbuild.core.engine import runlog
from qbuild.core.engine.executor import run_map, run_reduce, run_service
from qbuild.core.engine.fingerprint import make_recipe
from qbuild.core.engine.inputs import RunInputs, check_input_count, describe_input, open_inputs
from qbuild.core.engine.output import OutputWriter, failed_path
from qbuild.core.engine.prefetch import background_writer
from qbuild.core.engine.progress import Progress
from qbuild.core.engine.request import Request, Result
from qbuild.core.engine.stage import Output
from qbuild.core.engine.stage_call import StageCall
from qbuild.core.errors import UsageError
from qbuild.core.media_roots import real_path
from qbuild.core.schema import load_schema
from qbuild.core.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


def run(request: Request) -> Result:
    """Run a stage; raises the errors of `qbuild.core.errors` and leaves nothing half-written."""
    check_input_count(list(request.inputs), request.stage.reads.min_inputs, request.stage.name)
    _check_output(request)
    with runlog.record(request.output.parent, request.stage.name, request.output.name) as line:
        with scratch_folder(request.output) as scratch, _full_disk(request.output):
            result = _run(request, scratch)
        line.update(rows=result.rows, rejected=result.rejected, pending=result.pending)
    return result


def _run(request: Request, scratch: Path) -> Result:
    opened = open_inputs(list(request.inputs), request.stage.reads)
    inputs = [describe_input(given) for given in opened]
    made_from = make_recipe(request.stage, request.options, inputs, request.limit)
    files = [given for given in opened if isinstance(given, Path)]
    with OutputWriter.open(request, scratch) as destination:
        if files and request.stage.reads.from_files is not None:
            # together, for rows that repeat in several; they stand where the first file does
            converted = _converted(request, files, scratch, destination)
            opened[opened.index(files[0])] = converted
        sources = _sources(request, opened, files, scratch)
        pending, stopped, report = _rows(request, sources, destination)
        destination.refuse_rejections(request, sources.rows, stopped)
        return destination.commit(request, made_from, pending, report)


def plan(request: Request) -> dict[str, Any]:
    """What a run of the stage would send; nothing is sent, and nothing written that stays."""
    stage = request.stage
    assert stage.plan is not None  # noqa: S101 - the command has `--plan` where the stage has
    check_input_count(list(request.inputs), stage.reads.min_inputs, stage.name)
    with scratch_folder(request.output) as scratch:
        opened = open_inputs(list(request.inputs), stage.reads)
        sources = _sources(request, opened, [], scratch)
        state = stage.prepare(sources, request.options) if stage.prepare is not None else None
        return stage.plan(sources, state, request.options)


def _sources(
    request: Request, opened: list[Artifact | Path], files: list[Path], scratch: Path
) -> RunInputs:
    artifacts = [given for given in opened if isinstance(given, Artifact)]
    besides = request.stage.reads.side_inputs
    return RunInputs(
        files=files,
        scratch=scratch,
        batch_rows=request.runtime.batch_rows,
        artifacts=[given for given in artifacts if given.schema.name not in besides],
        side_artifacts=[given for given in artifacts if given.schema.name in besides],
        media_roots=request.runtime.media_roots,
        limit=request.limit,
        max_batch_rows=request.stage.max_batch_rows,
        runtime=request.runtime,
    )


def _rows(
    request: Request, sources: RunInputs, destination: OutputWriter
) -> tuple[int, str, dict[str, Any]]:
    """The rows left pending and why, and the report."""
    stage, options = request.stage, request.options
    state = stage.prepare(sources, options) if stage.prepare is not None else None
    job = StageCall(stage, options, state, destination.media_folder)
    total, stopped = sources.rows if sources.artifacts else None, ""
    status = partial(stage.status, state) if stage.status is not None else None
    with (
        Progress(stage.name, total, status) as progress,
        background_writer(destination.store) as hand,
    ):

        def take(output: Output) -> None:
            destination.count(output)
            hand(output)
            progress.advance(output)

        if stage.kind == "map":
            pending = run_map(job, sources, request.runtime.workers, take)
        elif stage.kind == "reduce":
            pending, state = run_reduce(job, sources, take)
        else:
            pending, stopped = run_service(job, sources, take)
        progress.note("figures")  # while the last rows are still being written
        report = stage.finish(state, destination.tally, options) if stage.finish else {}
    return pending, stopped, report


def _converted(
    request: Request, files: list[Path], scratch: Path, destination: OutputWriter
) -> Artifact:
    """The artifact of the schema that a stage reads, made from files that are none."""
    reads = request.stage.reads
    assert reads.from_files is not None and reads.schema is not None  # noqa: S101, PT018
    schema = load_schema(reads.schema)
    writer = ArtifactWriter(scratch / f"{reads.schema}.parquet", schema, request.output)
    for output in reads.from_files(files, request.options, request.limit):
        if output.rows is not None:
            writer.add(schema.cast(output.rows, str(files[0])))
        destination.count(Output(tally=output.tally))
        destination.store(Output(rejected=output.rejected))
        destination.refused_on_reading = destination.rejected.rows
    rows, content_hash = writer.finish_rows()
    described = Description.of_rows(schema, request.stage_ref, rows, content_hash)
    writer.seal(described.to_json())
    writer.commit()
    return Artifact.open(writer.path)


def _check_output(request: Request) -> None:
    output = request.output
    if not request.stage.folder and output.is_dir():
        raise UsageError(
            str(output), "is a folder", "expected the name of a Parquet file", "Name one in it."
        )
    if not request.stage.folder and output.suffix != ".parquet":
        raise UsageError(
            str(output),
            "does not end in .parquet",
            "expected a name such as levels.parquet",
            "Name another output.",
        )
    for path in request.inputs:
        if _overwrites(request, path):
            what = "is also an input" if path == output else f"would overwrite the input {path}"
            raise UsageError(str(output), what, "expected another output", "Name another one.")


def _overwrites(request: Request, path: Path) -> bool:
    """Whether the output or its rejected rows take the place of an input, or a folder swept."""
    given, output = real_path(path), real_path(request.output)
    if request.stage.folder:
        return given.is_relative_to(output)
    places = (output, rejected_path(output), failed_path(output))
    return given in places or given / FOLDER_ARTIFACT in places


@contextmanager
def _full_disk(output: Path) -> Iterator[None]:
    """A DiskError that names the output, where a stage or a worker ran out of room in scratch."""
    try:
        yield
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT, EFBIG):
            raise
        with disk_errors(output):
            raise
