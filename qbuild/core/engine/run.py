"""The engine: runs one stage on its inputs and writes an artifact, atomically.

Rows are made in input order, checked and written to temporary files. The rejected rows are renamed
first, the artifact (which holds their hash) last. A killed run leaves the old artifact or the new
one, a failed run the old one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from errno import EDQUOT, EFBIG, ENOSPC
from functools import partial
from pathlib import Path
from typing import Any

from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.artifact.description import Description
from qbuild.core.artifact.output_folder import FOLDER_ARTIFACT
from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.artifact.writer import ArtifactWriter
from qbuild.core.engine import runlog
from qbuild.core.engine.executor import run_map, run_reduce, run_service
from qbuild.core.engine.fingerprint import make_recipe
from qbuild.core.engine.inputs import RunInputs, adapt_stage, describe_input, open_inputs
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


def run(request: Request) -> Result:
    """Run a stage; raises the errors of `qbuild.core.errors`, and leaves no partial output."""
    request = replace(request, stage=adapt_stage(request.stage, list(request.inputs)))
    _check_input_count(request)
    _check_output(request)
    with runlog.record(request.output.parent, request.stage.name, request.output.name) as line:
        with scratch_folder(request.output) as scratch, _full_disk(request.output):
            result = _run(request, scratch)
        line.update(rows=result.rows, rejected=result.rejected, pending=result.pending)
    return result


def _run(request: Request, scratch: Path) -> Result:
    opened = open_inputs(list(request.inputs), request.stage.reads)
    described = [describe_input(source) for source in opened]
    recipe = make_recipe(request.stage, request.options, described, request.limit)
    files = [source for source in opened if isinstance(source, Path)]
    with OutputWriter.open(request, scratch) as output:
        if files and request.stage.reads.from_files is not None:
            # all files together, since they may have duplicates; their rows come at the first file
            opened[opened.index(files[0])] = _convert(request, files, scratch, output)
        inputs = _run_inputs(request, opened, files, scratch)
        pending, stopped, report = _make_rows(request, inputs, output)
        output.check_rejections(request, inputs.rows, stopped)
        return output.commit(request, recipe, pending, report)


def plan(request: Request) -> dict[str, Any]:
    """What a run of the stage would send; nothing is sent or written."""
    stage = request.stage
    assert stage.plan is not None  # noqa: S101 - the command has `--plan` where the stage has
    _check_input_count(request)
    with scratch_folder(request.output) as scratch:
        opened = open_inputs(list(request.inputs), stage.reads)
        inputs = _run_inputs(request, opened, [], scratch)
        state = stage.prepare(inputs, request.options) if stage.prepare is not None else None
        return stage.plan(inputs, state, request.options)


def _run_inputs(
    request: Request, opened: list[Artifact | Path], files: list[Path], scratch: Path
) -> RunInputs:
    artifacts = [source for source in opened if isinstance(source, Artifact)]
    side_schemas = request.stage.reads.side_inputs
    return RunInputs(
        files=files,
        scratch=scratch,
        batch_rows=request.runtime.batch_rows,
        artifacts=[a for a in artifacts if a.schema.name not in side_schemas],
        side_artifacts=[a for a in artifacts if a.schema.name in side_schemas],
        media_roots=request.runtime.media_roots,
        limit=request.limit,
        max_batch_rows=request.stage.max_batch_rows,
        runtime=request.runtime,
    )


def _make_rows(
    request: Request, inputs: RunInputs, writer: OutputWriter
) -> tuple[int, str, dict[str, Any]]:
    """The number of pending rows, why the stage stopped early, and the report."""
    stage, options = request.stage, request.options
    state = stage.prepare(inputs, options) if stage.prepare is not None else None
    call = StageCall(stage, options, state, writer.media_folder)
    total, stopped = inputs.rows if inputs.artifacts else None, ""
    status = partial(stage.status, state) if stage.status is not None else None
    with Progress(stage.name, total, status) as progress, background_writer(writer.store) as store:

        def take(output: Output) -> None:
            writer.count(output)
            store(output)
            progress.advance(output)

        if stage.kind == "map":
            pending = run_map(call, inputs, request.runtime.workers, take)
        elif stage.kind == "reduce":
            pending, state = run_reduce(call, inputs, take)
        else:
            pending, stopped = run_service(call, inputs, take)
        progress.note("figures")  # while the last rows are still being written
        report = stage.finish(state, writer.tally, options) if stage.finish else {}
    return pending, stopped, report


def _convert(request: Request, files: list[Path], scratch: Path, output: OutputWriter) -> Artifact:
    """A scratch artifact of the schema that a stage reads, made from plain files."""
    reads = request.stage.reads
    assert reads.from_files is not None and reads.schema is not None  # noqa: S101, PT018
    schema = load_schema(reads.schema)
    writer = ArtifactWriter(scratch / f"{reads.schema}.parquet", schema, request.output)
    for converted in reads.from_files(files, request.options, request.limit):
        if converted.rows is not None:
            writer.add(schema.cast(converted.rows, str(files[0])))
        output.count(Output(tally=converted.tally))
        output.store(Output(rejected=converted.rejected))
        output.rejected_on_reading = output.rejected.rows
    rows, content_hash = writer.finish_rows()
    described = Description.of_rows(schema, request.stage_ref, rows, content_hash)
    writer.seal(described.to_json())
    writer.commit()
    return Artifact.open(writer.path)


def _check_input_count(request: Request) -> None:
    count, needed = len(request.inputs), request.stage.reads.min_inputs
    if count < needed:
        raise UsageError(request.stage.name, f"{count} inputs given", f"expected at least {needed}")


def _check_output(request: Request) -> None:
    output = request.output
    if not request.stage.folder and output.is_dir():
        raise UsageError(
            str(output), "is a folder", "expected the name of a Parquet file", "Name a file in it."
        )
    if not request.stage.folder and output.suffix != ".parquet":
        raise UsageError(
            str(output),
            "does not end in .parquet",
            "expected a name such as levels.parquet",
            "Choose another name.",
        )
    for path in request.inputs:
        if _overwrites(request, path):
            what = "is also an input" if path == output else f"would overwrite the input {path}"
            raise UsageError(str(output), what, "expected another output", "Choose another name.")


def _overwrites(request: Request, path: Path) -> bool:
    """Whether the output or its rejected rows would replace an input, or sweep its folder."""
    source, output = real_path(path), real_path(request.output)
    if request.stage.folder:
        return source.is_relative_to(output)
    written = (output, rejected_path(output), failed_path(output))
    return source in written or source / FOLDER_ARTIFACT in written


@contextmanager
def _full_disk(output: Path) -> Iterator[None]:
    """Turn a full disk, met by a stage or a worker in scratch, into a DiskError of the output."""
    try:
        yield
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT, EFBIG):
            raise
        with disk_errors(output):
            raise
