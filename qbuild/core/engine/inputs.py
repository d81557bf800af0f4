"""The inputs of a run: artifacts of the schema that a stage reads, or files that it parses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbuild.core.artifact.content_hash import ROW_GROUP_ROWS
from qbuild.core.artifact.description import InputRef
from qbuild.core.artifact.output_folder import FOLDER_ARTIFACT
from qbuild.core.artifact.reader import Artifact, is_artifact, slice_rows
from qbuild.core.canonical import hash_file, hash_value
from qbuild.core.engine.stage import Batch, Reads, Runtime, Stage
from qbuild.core.errors import InputError, QbuildError, SchemaError, UsageError, raise_all
from qbuild.core.media_roots import made_media_folder
from qbuild.core.schema import Schema


@dataclass(frozen=True)
class RunInputs:
    """The inputs of one run; implements `qbuild.core.engine.stage.Inputs`."""

    files: list[Path]
    scratch: Path
    batch_rows: int
    artifacts: list[Artifact] = field(default_factory=list)
    side_artifacts: list[Artifact] = field(default_factory=list)
    media_roots: tuple[str, ...] = ()
    limit: int | None = None
    max_batch_rows: int | None = None
    runtime: Runtime = field(default_factory=Runtime)

    @property
    def rows(self) -> int:
        """Number of rows of a scan."""
        total = sum(artifact.rows for artifact in self.artifacts)
        return total if self.limit is None else min(total, self.limit)

    @property
    def made_media(self) -> dict[str, Path]:
        """The folder of each dataset whose media were made together with an input artifact."""
        folders: dict[str, Path] = {}
        for artifact in self.artifacts:
            folder = made_media_folder(artifact.path)
            if folder is None:
                continue
            for name in _datasets(artifact):
                if folders.setdefault(name, folder) != folder:
                    raise UsageError(
                        str(artifact.path),
                        f"holds media of dataset {name!r}, and so does {folders[name].parent}",
                        "expected the media of a dataset in one folder",
                        "Run the stage on each input.",
                    )
        return folders

    def scan(self, columns: list[str] | None = None) -> Iterator[Batch]:
        """All rows in order, in batches of at most `batch_rows`; or some of their columns.

        Complete rows are checked: SchemaError for those that violate the artifact's own schema.
        """
        return self._scan(columns, self.batch_rows)

    def transform_batches(self) -> Iterator[Batch]:
        """All rows in order, in batches of the size that the stage's `transform` takes."""
        return self._scan(None, min(self.batch_rows, self.max_batch_rows or self.batch_rows))

    def _scan(self, columns: list[str] | None, batch_rows: int) -> Iterator[Batch]:
        for artifact, index, start, rows in self.row_groups():
            group = Batch(artifact.group(index, columns).slice(0, rows), start)
            if columns is None:
                yield from checked_batches(artifact, index, group, batch_rows)
            else:
                yield from slices(group, batch_rows)

    def side_inputs(self, schema: str) -> Iterator[Any]:
        """The rows of the side inputs of a schema, checked."""
        for artifact in self.side_artifacts:
            if artifact.schema.name == schema:
                for start, group in enumerate(artifact.batches(ROW_GROUP_ROWS)):
                    check_rows(artifact.schema, group, str(artifact.path), start * ROW_GROUP_ROWS)
                    yield group

    def rows_at(self, numbers: NDArray[np.int64]) -> list[dict[str, Any]]:
        """The rows of these ascending numbers; only their row groups are read."""
        selected: list[dict[str, Any]] = []
        for artifact, index, start, rows in self.row_groups():
            first, last = numbers.searchsorted([start, start + rows])
            if first < last:
                group = artifact.group(index)
                selected += group.take(numbers[first:last] - start).to_pylist()
        return selected

    def row_groups(self) -> Iterator[tuple[Artifact, int, int, int]]:
        """Artifact, row group, number of its first row over all inputs, rows to read from it."""
        start = 0
        for artifact in self.artifacts:
            for index in range(artifact.groups):
                rows = artifact.group_rows(index)
                if self.limit is not None:
                    rows = min(rows, self.limit - start)
                if rows <= 0:
                    return
                yield artifact, index, start, rows
                start += rows


def _datasets(artifact: Artifact) -> list[str]:
    if "dataset" not in artifact.schema.arrow.names:
        return []
    names = (artifact.group(index, ["dataset"]).column(0) for index in range(artifact.groups))
    return sorted({str(name) for column in names for name in column.unique().to_pylist()})


def slices(group: Batch, rows: int) -> Iterator[Batch]:
    """A batch in slices of at most `rows` rows."""
    start = group.start
    for part in slice_rows(group.rows, rows):
        yield Batch(part, start)
        start += part.num_rows


def checked_batches(
    artifact: Artifact, index: int, group: Batch, rows: int, first: int = 0
) -> Iterator[Batch]:
    """Row group `index`, from its row `first` on, in checked batches of at most `rows` rows."""
    # errors count rows within the file, batches over all inputs
    offset = index * ROW_GROUP_ROWS + first - group.start
    for batch in slices(group, rows):
        check_rows(artifact.schema, batch.rows, str(artifact.path), offset + batch.start)
        yield batch


def check_rows(schema: Schema, rows: Any, where: str, start: int) -> None:
    """Raise a SchemaError for each of the first 20 rows of an input that violate its schema."""
    raise_all(
        SchemaError(
            where,
            f"row {start + violation.row + 1}, column {violation.column}: {violation.message}",
            f"expected a row of schema {schema.name}",
            "Make the artifact again; `qbuild validate` lists all problems.",
        )
        for violation in schema.check(rows).first
    )


def adapt_stage(stage: Stage[Any, Any], paths: list[Path]) -> Stage[Any, Any]:
    """The stage for the schema of its first input, where it reads several; else as it is."""
    if not stage.reads.alternatives or not paths:
        return stage
    try:
        schema = Artifact.open(paths[0]).schema.name if is_artifact(paths[0]) else ""
    except (OSError, QbuildError):  # `open_inputs` reports it
        return stage
    if schema not in stage.reads.alternatives:
        return stage
    reads = replace(stage.reads, schema=schema, alternatives=())
    return replace(stage, reads=reads, writes=schema)


def open_inputs(paths: list[Path], reads: Reads) -> list[Artifact | Path]:
    """For each path, the artifact of the schema that a stage reads, or the file that it parses.

    Raises InputError for missing paths, SchemaError for artifacts of another schema and for plain
    files that the stage cannot read; all problems at once.
    """
    opened: list[Artifact | Path] = []
    problems: list[QbuildError] = []
    for path in paths:
        try:
            _check_path(path, reads)
            if reads.schema is not None and is_artifact(path):
                opened.append(_as_accepted(Artifact.open(path), reads))
            else:
                _check_reads_files(path, reads)
                opened.append(path)
        except QbuildError as error:
            problems.append(error)
    raise_all(problems)
    return opened


def describe_input(source: Artifact | Path) -> InputRef:
    """Name and content hash of an input, for descriptions and fingerprints."""
    if isinstance(source, Artifact):
        path, described = source.path, source.description
        return InputRef(
            name=path.parent.name if path.name == FOLDER_ARTIFACT else path.name,
            hash=str(described.content_hash),
            schema_name=described.schema_name,
            rows=described.rows,
        )
    if source.is_dir():
        names = (path.relative_to(source) for path in source.rglob("*") if path.is_file())
        visible = sorted(name for name in names if not any(p.startswith(".") for p in name.parts))
        hashes = [[_as_utf8(name), _hash_if_readable(source / name)] for name in visible]
        return InputRef(name=source.name, hash=hash_value(hashes))
    return InputRef(name=source.name, hash=hash_file(source))


def _hash_if_readable(path: Path) -> str:
    """A file's hash, or `unreadable`: the stage reports such a file."""
    try:
        return hash_file(path)
    except OSError:
        return "unreadable"


def _as_utf8(path: Path) -> str:
    """A path as text that can be encoded as UTF-8, whatever its bytes on the disk."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _check_path(path: Path, reads: Reads) -> None:
    if not path.exists():
        raise InputError(str(path), "no such file", "expected an input", "Check the path.")
    if not path.is_file() and not path.is_dir():
        what = "is not a file or a folder"
        raise InputError(str(path), what, "expected an input", "Check the path.")
    if path.is_file() and not path.stat().st_size and not reads.accepts_empty:
        expected = "expected at least one row"
        raise InputError(str(path), "the file is empty", expected, "Fetch or make it again.")


def _check_reads_files(path: Path, reads: Reads) -> None:
    if reads.schema is not None and reads.from_files is None:
        raise SchemaError(
            str(path),
            "not an artifact",
            f"expected a Parquet file of schema {reads.schema} that a stage wrote",
            "Make one with the stage before this one.",
        )


def _as_accepted(artifact: Artifact, reads: Reads) -> Artifact:
    accepted = [
        name for name in (reads.schema, *reads.compatible, *reads.side_inputs) if name is not None
    ]
    expected = " or ".join([*accepted, *reads.alternatives])
    if artifact.schema.name not in accepted:
        raise SchemaError(
            str(artifact.path),
            f"an artifact of schema {artifact.schema.name}",
            f"expected schema {expected}",
            f"It was made by `qbuild {artifact.description.stage.name}`.",
        )
    reject_incomplete(artifact)
    if artifact.schema.name in reads.compatible and reads.schema is not None:
        return artifact.read_as(reads.schema)
    return artifact


def reject_incomplete(artifact: Artifact) -> None:
    """Raise an InputError for an artifact with pending rows."""
    if not artifact.description.complete:
        raise InputError(
            str(artifact.path),
            f"incomplete: {artifact.description.pending} rows are pending",
            "expected a complete artifact",
            "Run its stage again.",
        )
