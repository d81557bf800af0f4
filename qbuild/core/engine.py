"""The engine: runs one stage on its inputs and leaves an artifact, whole or not at all.

Inputs → rows in input order → checked → written beside the final place → the rejected rows are
renamed first, the artifact (which holds their hash) last. A killed run leaves the old artifact or
the new one; a failed one leaves the old one.
"""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from errno import EDQUOT, EFBIG, ENOSPC
from os import getpid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbuild.core import folder, runlog
from qbuild.core.artifact import (
    FOLDER_ARTIFACT,
    Artifact,
    ArtifactWriter,
    disk_errors,
    rejected_path,
)
from qbuild.core.description import FORMAT
from qbuild.core.errors import InputError, StageError, TooManyRejected, UsageError, shortened
from qbuild.core.executor import Job, run_map, run_reduce, run_service
from qbuild.core.fingerprint import fingerprint, recipe
from qbuild.core.overlap import behind
from qbuild.core.progress import Progress
from qbuild.core.roots import resolved
from qbuild.core.schema import load_schema
from qbuild.core.sources import Sources, at_least, describe_input, open_inputs
from qbuild.core.stage import File, Options, Output, Runtime, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Request:
    """One run of a stage. `limit` takes the first rows of the inputs alone, for a trial."""

    stage: Stage[Any, Any]
    options: Options
    inputs: tuple[Path, ...]
    output: Path
    runtime: Runtime = field(default_factory=Runtime)
    limit: int | None = None

    @property
    def artifact_path(self) -> Path:
        """Where the artifact goes: the output, or its place in the output folder."""
        return self.output / FOLDER_ARTIFACT if self.stage.folder else self.output


@dataclass(frozen=True)
class Result:
    """What a run left: counts, the stage's report, and the description as written."""

    output: Path
    rows: int
    rejected: int
    pending: int
    report: dict[str, Any]
    description: dict[str, Any]

    @property
    def complete(self) -> bool:
        """Whether every row was handled."""
        return self.pending == 0

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        counts = {"rows": self.rows, "rejected": self.rejected, "output": str(self.output)}
        return {**counts, "complete": self.complete, "pending": self.pending, **self.report}


def run(request: Request) -> Result:
    """Run a stage; raises the errors of `qbuild.core.errors` and leaves nothing half-written."""
    at_least(list(request.inputs), request.stage.reads.least, request.stage.name)
    _check_output(request)
    with runlog.record(request.output.parent, request.stage.name, request.output.name) as line:
        with scratch_folder(request.output) as scratch, _full_disk(request.output):
            result = _run(request, scratch)
        line.update(rows=result.rows, rejected=result.rejected, pending=result.pending)
    return result


def _run(request: Request, scratch: Path) -> Result:
    opened = open_inputs(list(request.inputs), request.stage.reads)
    inputs = [describe_input(given) for given in opened]
    made_from = recipe(request.stage, request.options, inputs, request.limit)
    artifacts = [given for given in opened if isinstance(given, Artifact)]
    others = [given for given in opened if isinstance(given, Path)]
    with Destination.open(request) as destination:
        if others and request.stage.reads.otherwise is not None:
            converted = _converted(request, others, scratch, destination)
            artifacts.insert(opened.index(others[0]), converted)  # files stand where the first does
        sources = Sources(
            files=others,
            scratch=scratch,
            batch_rows=request.runtime.batch_rows,
            artifacts=artifacts,
            media_roots=request.runtime.media_roots,
            limit=request.limit,
        )
        pending, report = _rows(request, sources, destination)
        destination.refuse_rejections(request, sources.rows)
        return destination.commit(request, made_from, pending, report)


def _rows(
    request: Request, sources: Sources, destination: Destination
) -> tuple[int, dict[str, Any]]:
    stage, options = request.stage, request.options
    state = stage.prepare(sources, options) if stage.prepare is not None else None
    job = Job(stage, options, state, destination.media_folder)
    total = sources.rows if sources.artifacts else None
    with Progress(stage.name, total) as progress, behind(destination.store) as hand:

        def take(output: Output) -> None:
            destination.count(output)
            hand(output)
            progress.advance(output)

        if stage.kind == "map":
            pending = run_map(job, sources, request.runtime.workers, take)
        elif stage.kind == "reduce":
            pending, state = run_reduce(job, sources, take)
        else:
            pending = run_service(job, sources, take)
        progress.note("figures")  # while the last rows are still being written
        report = stage.finish(state, destination.tally, options) if stage.finish else {}
    return pending, report


def _converted(
    request: Request, files: list[Path], scratch: Path, destination: Destination
) -> Artifact:
    """The artifact of the schema that a stage reads, made from files that are none."""
    reads = request.stage.reads
    assert reads.otherwise is not None and reads.schema is not None  # noqa: S101, PT018
    schema = load_schema(reads.schema)
    writer = ArtifactWriter(scratch / f"{reads.schema}.parquet", schema, request.output)
    for output in reads.otherwise(files, request.options, request.limit):
        if output.rows is not None:
            writer.add(schema.cast(output.rows, str(files[0])))
        destination.count(Output(tally=output.tally))
        destination.store(Output(rejected=output.rejected))
        destination.refused_on_reading = destination.rejected.rows
    rows, content_hash = writer.finish_rows()
    described = {"name": schema.name, "version": schema.version, "hash": schema.hash}
    writer.seal(
        {
            "format": FORMAT,
            "schema": described,
            "stage": {"name": request.stage.name, "version": request.stage.version},
            "rows": rows,
            "content_hash": content_hash,
            "complete": True,
        }
    )
    writer.commit()
    return Artifact.open(writer.path)


class Destination:
    """Where the rows, the rejected rows and the files of one run go, until they are committed."""

    def __init__(self, request: Request) -> None:
        self.path = request.artifact_path
        self.folder = request.output if request.stage.folder else None
        writes = request.stage.writes
        self.rows = ArtifactWriter(self.path, load_schema(writes)) if writes else None
        self.rejected = ArtifactWriter(rejected_path(self.path), load_schema("rejected"))
        self.tally: Counter[str] = Counter()
        self.files: dict[str, File] = {}
        self.first_reasons: list[str] = []
        self.refused_on_reading = 0  # rows of input files that never became rows of the schema read

    @classmethod
    @contextmanager
    def open(cls, request: Request) -> Iterator[Destination]:
        """A destination that is discarded when the run fails."""
        destination = cls(request)
        if destination.folder is not None:
            folder.claim(destination.folder)
        with ExitStack() as stack:
            stack.callback(destination.discard)
            yield destination

    @property
    def media_folder(self) -> Path | None:
        """Where media go while the stage runs; an export's files wait for the commit instead."""
        if self.folder is None or self.rows is None:
            return None
        return self.folder / folder.MEDIA

    def count(self, output: Output) -> None:
        """Take in the counts and the names of files."""
        self.tally.update(output.tally)
        for file in output.files:
            if file.name in self.files:
                raise StageError(file.name, "made twice", "expected one file of a name")
            self.files[file.name] = file

    def store(self, output: Output) -> None:
        """Take in rows and rejected rows; called from the writing thread alone."""
        if output.rows is not None and self.rows is not None:
            self.rows.add(output.rows)
        if output.rejected is not None and output.rejected.num_rows:
            rejected = self.rejected.schema.cast(output.rejected, "rejected rows")
            self.rejected.add(rejected)
            if not self.first_reasons:
                self.first_reasons = [_reason(row) for row in rejected.slice(0, 3).to_pylist()]

    def refuse_rejections(self, request: Request, given: int) -> None:
        """Raise TooManyRejected above the share allowed, InputError where no row is left."""
        rejected = self.rejected.rows
        made = self.rows.rows if self.rows is not None else self.tally["rows"]
        considered = given + self.refused_on_reading if given else made + rejected
        too_many = rejected > request.runtime.max_reject_share * considered
        if not too_many and made:
            return
        kept = self._keep_failed(request) if rejected else None
        where = ", ".join(str(path) for path in request.inputs) or request.stage.name
        if kept is None:
            raise InputError(
                where, "no usable row: there is none", "expected at least one", "Check the input."
            )
        first = ", ".join(self.first_reasons)
        todo = f"`qbuild show {kept}` prints them all; mend the input"
        if not made:
            what = f"no usable row ({rejected} of {considered} rejected: {first})"
            raise InputError(where, what, "expected at least one", f"{todo}.")
        raise TooManyRejected(
            where,
            f"{rejected} of {considered} rows rejected ({first})",
            f"expected at most a share of {request.runtime.max_reject_share:g}",
            f"{todo}, or allow more with --max-reject-share.",
        )

    def commit(
        self, request: Request, made_from: dict[str, Any], pending: int, report: dict[str, Any]
    ) -> Result:
        """Put everything in place, the artifact last, and sweep what no longer belongs."""
        rejected = self._commit_rejected(made_from)
        rows, content_hash = self.rows.finish_rows() if self.rows else (self.tally["rows"], None)
        description = {
            "format": FORMAT,
            **made_from,
            "fingerprint": fingerprint(made_from),
            "rows": rows,
            "content_hash": content_hash,
            "complete": pending == 0,
            "pending": pending,
            "rejected": rejected,
            "report": report,
        }
        if self.rows is not None:
            self.rows.seal(description)
            self.rows.commit()
        else:
            assert self.folder is not None  # noqa: S101 - a stage without rows has a folder
            description["files"] = folder.export(self.folder, self.files.values())
            folder.describe(self.folder, description)
        self._sweep(rejected["rows"])
        return Result(request.output, rows, rejected["rows"], pending, report, description)

    def discard(self) -> None:
        """Remove temporary files; what was committed stays."""
        if self.rows is not None:
            self.rows.discard()
        self.rejected.discard()

    def _commit_rejected(self, made_from: dict[str, Any]) -> dict[str, Any]:
        rows, content_hash = self.rejected.finish_rows()
        if rows:
            self._seal_rejected(made_from["stage"], rows, content_hash)
            self.rejected.commit()
        return {"rows": rows, "content_hash": content_hash if rows else None}

    def _seal_rejected(self, stage: dict[str, Any], rows: int, content_hash: str) -> None:
        schema = self.rejected.schema
        self.rejected.seal(
            {
                "format": FORMAT,
                "schema": {"name": schema.name, "version": schema.version, "hash": schema.hash},
                "stage": stage,
                "rows": rows,
                "content_hash": content_hash,
                "complete": True,
                "pending": 0,
            }
        )

    def _keep_failed(self, request: Request) -> Path:
        rows, content_hash = self.rejected.finish_rows()
        stage = {"name": request.stage.name, "version": request.stage.version}
        self._seal_rejected(stage, rows, content_hash)
        kept = failed_path(self.path)
        with disk_errors(kept):
            self.rejected.temporary.replace(kept)
        return kept

    def _sweep(self, rejected_rows: int) -> None:
        failed_path(self.path).unlink(missing_ok=True)
        if not rejected_rows:
            rejected_path(self.path).unlink(missing_ok=True)
        if self.folder is None:
            return
        if self.media_folder is not None:
            folder.sweep(self.media_folder, set(self.files))
        else:
            own = {folder.DESCRIPTION, rejected_path(self.path).name}
            folder.sweep(self.folder, set(self.files) | own)


def _reason(row: dict[str, Any]) -> str:
    return shortened(f"{row['source']} row {row['row']}: {row['reason']}: {row['message']}")


def failed_path(path: Path) -> Path:
    """Where the rejected rows of a failed run are kept: `<name>.failed.parquet`."""
    return path.with_name(f"{path.name.removesuffix('.parquet')}.failed.parquet")


@contextmanager
def scratch_folder(output: Path) -> Iterator[Path]:
    """A hidden folder beside `output`, gone at the end; those of dead runs are swept first."""
    with disk_errors(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        folder.sweep_dead(output.parent)
        if output.is_dir():
            folder.sweep_dead(output)
        scratch = output.parent / f".{output.name}.{getpid()}.scratch"
        scratch.mkdir(exist_ok=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


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
    """Whether the output takes the place of an input, or its folder, swept at the end, holds it."""
    given, output = resolved(path), resolved(request.output)
    if request.stage.folder:
        return given.is_relative_to(output)
    return output in (given, given / FOLDER_ARTIFACT)


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
