"""Artifacts: Parquet files that describe themselves, written whole or not at all.

Every row group holds exactly `ROW_GROUP_ROWS` rows (the last one fewer), each column in one
chunk, so the bytes do not depend on how rows arrived. The description is one canonical JSON value
under the key `qbuild`. An artifact is written to a temporary name, synced, then renamed.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from qbuild.core.canonical import canonical_json
from qbuild.core.content import ROW_GROUP_ROWS, ContentHash, first_appearance
from qbuild.core.data import data_dir
from qbuild.core.description import OF_ARTIFACT, parsed
from qbuild.core.errors import DiskError, InputError, SchemaError
from qbuild.core.schema import Schema, load_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = b"qbuild"
UNREADABLE = (OSError, pa.ArrowException, UnicodeDecodeError)  # the last for names of columns
FOLDER_ARTIFACT = "artifact.parquet"


@dataclass(frozen=True)
class Artifact:
    """A readable artifact: its place, its description and its schema."""

    path: Path
    description: dict[str, Any]
    schema: Schema

    @classmethod
    def open(cls, path: Path) -> Self:
        """The artifact at `path`, or in that folder; only its footer is read.

        Raises InputError where there is no readable Parquet file, SchemaError where it is none
        of ours or was written under another version of its schema.
        """
        path = artifact_file(path)
        description = read_description(path)
        if description is None:
            raise SchemaError(
                str(path),
                "a Parquet file without qbuild's description",
                "expected an artifact that a stage wrote",
                "Bring it in with `qbuild ingest-ratings` or `qbuild import-qa`.",
            )
        schema = _schema_of(path, description)
        if description["schema"]["hash"] != schema.hash:
            raise SchemaError(
                str(path),
                f"written under another form of schema {schema.name}",
                f"expected version {schema.version} of it as this qbuild has it",
                f"Run `qbuild {description['stage']['name']}` again.",
            )
        return cls(path, description, schema)

    @cached_property
    def _file(self) -> pq.ParquetFile:
        file = _open_parquet(self.path, list(self.schema.dictionary_columns))
        # some columns alone may be read later, uncast: all must be there, of their types
        self.schema.cast(file.schema_arrow.empty_table(), str(self.path))
        return file

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self._file.metadata.num_rows)

    @property
    def groups(self) -> int:
        """Number of row groups."""
        return int(self._file.num_row_groups)

    def group_rows(self, index: int) -> int:
        """Number of rows of row group `index`."""
        return int(self._file.metadata.row_group(index).num_rows)

    def group(self, index: int, columns: list[str] | None = None) -> pa.Table:
        """Row group `index`, cast to the schema; low-cardinality columns dictionary-encoded."""
        try:
            table = self._file.read_row_group(index, columns=columns)
            table.validate(full=True)  # Parquet carries any bytes as text; 1 ms a row group
        except UNREADABLE as error:
            raise _unreadable(self.path, error) from error
        return table if columns is not None else self.schema.cast(table, str(self.path))

    def batches(self, rows: int, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """All rows in order, at most `rows` at a time, never across a row group."""
        for index in range(self.groups):
            yield from cut(self.group(index, columns), rows)

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """All rows at once."""
        groups = [self.group(i, columns) for i in range(self.groups)]
        if groups:
            return pa.concat_tables(groups)
        empty = self.schema.arrow.empty_table()
        return empty if columns is None else empty.select(columns)

    def content_hash(self) -> str:
        """The hash of the rows as they are now; the description says what it was when written."""
        content = ContentHash(self.schema.name)
        for index in range(self.groups):
            content.update(_canonical(self.group(index), self.schema))
        return content.digest()


class ArtifactWriter:
    """Writes one artifact beside its final place; `commit` puts it there, `discard` forgets it."""

    def __init__(self, path: Path, schema: Schema, told_as: Path | None = None) -> None:
        self.path, self.schema = path, schema
        self._told_as = told_as or path  # the place that an error names
        self.temporary = temporary_name(path)
        self._content = ContentHash(schema.name)
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._rows = 0
        self._writer: pq.ParquetWriter | None = None
        self._hasher = ThreadPoolExecutor(1)  # hashing takes half as long as encoding: overlap
        self._hashed: Future[None] | None = None

    @property
    def rows(self) -> int:
        """Rows taken so far."""
        return self._rows + self._waiting_rows

    def add(self, table: pa.Table) -> None:
        """Take rows of any number, in the schema's form; full row groups are written at once."""
        if table.num_rows == 0:
            return
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        if self._waiting_rows < ROW_GROUP_ROWS:
            return
        together = pa.concat_tables(self._waiting)
        full = self._waiting_rows - self._waiting_rows % ROW_GROUP_ROWS
        for start in range(0, full, ROW_GROUP_ROWS):
            self._write(together.slice(start, ROW_GROUP_ROWS))
        rest = together.slice(full)
        self._waiting = [rest] if rest.num_rows else []
        self._waiting_rows = rest.num_rows

    def finish_rows(self) -> tuple[int, str]:
        """Write what waits; the number of rows and their content hash."""
        if self._waiting:
            self._write(pa.concat_tables(self._waiting))
            self._waiting, self._waiting_rows = [], 0
        self._wait_for_hash()
        self._hasher.shutdown()
        return self._content.rows, self._content.digest()

    def seal(self, description: dict[str, Any]) -> None:
        """Write the description, close and sync the temporary file."""
        with disk_errors(self._told_as):
            writer = self._open()
            writer.add_key_value_metadata({KEY.decode(): canonical_json(description)})
            writer.close()
            sync(self.temporary)

    def commit(self) -> None:
        """Rename the sealed file to its place, durably."""
        with disk_errors(self._told_as):
            self.temporary.replace(self.path)
            sync(self.path.parent)

    def discard(self) -> None:
        """Remove the temporary file, if any; never raises for a file that is not there."""
        self._hasher.shutdown(cancel_futures=True)
        if self._writer is not None:
            # The disk may be full: what could not be flushed is thrown away with the rest.
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
        self.temporary.unlink(missing_ok=True)

    def _write(self, block: pa.Table) -> None:
        block = _canonical(block, self.schema)
        self._wait_for_hash()
        self._hashed = self._hasher.submit(self._content.update, block)
        self._rows += block.num_rows
        with disk_errors(self._told_as):
            self._open().write_table(block, row_group_size=ROW_GROUP_ROWS)

    def _wait_for_hash(self) -> None:
        if self._hashed is not None:
            self._hashed.result()

    def _open(self) -> pq.ParquetWriter:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self.temporary, _written_schema(self.schema), **writer_settings(self.schema)
            )
        return self._writer


def writer_settings(schema: Schema) -> dict[str, Any]:
    """How every artifact is encoded: dictionaries for low-cardinality columns only, snappy."""
    return {
        "compression": "snappy",
        "use_dictionary": list(schema.dictionary_columns),
        "store_schema": False,
        "version": "2.6",
        "data_page_version": "1.0",
    }


def artifact_file(path: Path) -> Path:
    """`path` itself, or the artifact in that folder; InputError where there is neither."""
    found = path / FOLDER_ARTIFACT if path.is_dir() else path
    if not found.exists():
        what = f"holds no {FOLDER_ARTIFACT}" if path.is_dir() else "no such file"
        raise InputError(str(path), what, "expected an artifact", "Check the path.")
    return found


def rejected_path(path: Path) -> Path:
    """Where the rejected rows of the artifact at `path` lie: `<name>.rejected.parquet`."""
    return path.with_name(f"{path.name.removesuffix('.parquet')}.rejected.parquet")


def read_description(path: Path) -> dict[str, Any] | None:
    """The description in a Parquet file's footer; None for a Parquet file that has none."""
    value = (_open_parquet(path, []).metadata.metadata or {}).get(KEY)
    if value is None:
        return None
    return parsed(value, str(path), OF_ARTIFACT)


def is_artifact(path: Path) -> bool:
    """Whether `path` is a readable Parquet file that carries a description."""
    if path.is_dir():
        return (path / FOLDER_ARTIFACT).is_file()
    with path.open("rb") as stream:
        if stream.read(4) != b"PAR1":
            return False
    return read_description(path) is not None


def cut(table: pa.Table, rows: int) -> Iterator[pa.Table]:
    """`table` in pieces of at most `rows` rows, without a copy."""
    for start in range(0, table.num_rows, rows):
        yield table.slice(start, rows)


def temporary_name(path: Path) -> Path:
    """A hidden name beside `path` that says whose it is, so that dead runs' files can be swept."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def sync(path: Path) -> None:
    """Make a file or folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class disk_errors:  # noqa: N801 - reads as a statement: `with disk_errors(path):`
    """Turns a failure to write `path` into a DiskError that says what to do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise DiskError(
                str(self.path),
                f"cannot be written: {_reason(error)}",
                "expected a folder with room and with permission to write",
                "Free some space or choose another output; what stood there is untouched.",
            ) from error


def _reason(error: OSError) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{error.filename} is no folder"
    return os.strerror(error.errno) if error.errno else str(error)  # pyarrow words its own way


def _schema_of(path: Path, description: dict[str, Any]) -> Schema:
    name = (description["schema"] or {}).get("name", "")
    known = [file.stem for file in data_dir("schemas").glob("*.json")]
    if name not in known:
        raise SchemaError(
            str(path),
            f"an artifact of schema {name!r}, which this qbuild does not know",
            f"expected one of {', '.join(sorted(known))}",
            "Read it with the version of qbuild that wrote it.",
        )
    return load_schema(name)


def _written_schema(schema: Schema) -> pa.Schema:
    fields = [
        pa.field(f.name, pa.dictionary(pa.int32(), pa.string()), f.nullable)
        if f.name in schema.dictionary_columns
        else f
        for f in schema.arrow
    ]
    return pa.schema(fields)


def _canonical(block: pa.Table, schema: Schema) -> pa.Table:
    columns = []
    for field, column in zip(_written_schema(schema), block.columns, strict=True):
        array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        if isinstance(array, pa.ChunkedArray):  # several chunks of one dictionary column
            array = array.chunk(0) if array.num_chunks == 1 else pa.concat_arrays(array.chunks)
        if pa.types.is_dictionary(field.type) and array.null_count == len(array):
            array = pa.nulls(len(array), field.type)
        elif pa.types.is_dictionary(field.type):
            plain = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
            array = first_appearance(plain)
        columns.append(array)
    return pa.Table.from_arrays(columns, schema=_written_schema(schema))


def _open_parquet(path: Path, dictionaries: list[str]) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, read_dictionary=dictionaries)
    except KeyError:  # a column to read encoded is not there; casting says which
        return _open_parquet(path, [])
    except FileNotFoundError as error:
        raise InputError(str(path), "no such file", "expected a Parquet file") from error
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        str(path),
        f"cannot be read as Parquet ({error})",
        "expected a whole Parquet file",
        "It may be truncated: make it or copy it again.",
    )
