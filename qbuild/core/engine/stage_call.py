"""Calls a stage on batches, casts its rows to their schema and checks them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from qbuild.core.artifact import output_folder
from qbuild.core.artifact.output_folder import File
from qbuild.core.engine.stage import Batch, Options, Output, Stage
from qbuild.core.errors import QbuildError, SchemaError, StageError, raise_all
from qbuild.core.schema import Schema, load_schema


@dataclass(frozen=True)
class StageCall:
    """A stage with its options and prepared state, and the folder for its files."""

    stage: Stage[Any, Any]
    options: Options
    state: Any
    media_folder: Path | None

    def apply(self, batch: Batch) -> Output:
        """The output for a batch; its rows are checked and its files written."""
        assert self.stage.transform is not None  # noqa: S101 - the runner is chosen by kind
        try:
            output = self.stage.transform(batch, self.state, self.options)
        except (QbuildError, OSError, MemoryError):
            raise
        except Exception as error:
            raise StageError(
                self.stage.name,
                f"failed at row {batch.start + 1} or later ({type(error).__name__}: {error})",
                todo="Run again with --debug for the traceback.",
            ) from error
        return self.accept(output, batch.rows, self.stage.reads.schema)

    def accept(self, output: Output, source: pa.Table | None, reads: str | None) -> Output:
        """`output` with its rows cast and checked, and its files in their folder."""
        rows, rejected = output.rows, output.rejected
        if rows is not None and rows.num_rows and self.stage.writes is not None:
            schema = load_schema(self.stage.writes)
            rows = self._checked(schema, rows, unchanged_columns(rows, source, schema, reads))
        if rejected is not None and rejected.num_rows:
            rejected = self._checked(load_schema("rejected"), rejected, ())
        if output.files and not self.stage.folder:
            raise StageError(self.stage.name, "made a file", "expected rows only")
        files = output.files
        if self.media_folder is not None:
            for file in files:
                output_folder.put(self.media_folder, file)
            files = tuple(File(file.name, b"") for file in files)  # written, so only names are kept
        return replace(output, rows=rows, rejected=rejected, files=files)

    def _checked(self, schema: Schema, rows: pa.Table, skip: tuple[str, ...]) -> pa.Table:
        try:
            rows = schema.cast(rows, self.stage.name)
        except SchemaError as error:
            raise StageError(self.stage.name, f"made rows of a wrong type ({error})") from error
        raise_all(
            StageError(
                self.stage.name,
                f"made a row that violates schema {schema.name}: {v.column}: {v.message}",
                todo="This is a bug of the stage; please report it with its input.",
            )
            for v in schema.check(rows, skip=skip).first
        )
        return rows


def unchanged_columns(
    rows: pa.Table, source: pa.Table | None, schema: Schema, reads: str | None
) -> tuple[str, ...]:
    """Columns that share the memory of the checked input and have the same column schema."""
    if source is None or reads is None:
        return ()
    before = load_schema(reads).document["properties"]
    after = schema.document["properties"]
    return tuple(
        name
        for name in rows.column_names
        if name in source.column_names
        and before.get(name) == after.get(name)
        and _memory(rows.column(name)) == _memory(source.column(name))
    )


def _memory(column: Any) -> list[tuple[int, int, tuple[int, ...]]]:
    return [
        (chunk.offset, len(chunk), tuple(b.address if b else 0 for b in chunk.buffers()))
        for chunk in column.chunks
    ]
