"""Read artifacts: Parquet files with a description in their footer.

Every row group holds exactly `ROW_GROUP_ROWS` rows (the last may hold fewer), each column in one
chunk, so the bytes do not depend on how rows arrived. The description is canonical JSON under the
key `qbuild` of the footer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from qbuild.core.artifact.content_hash import ContentHash, canonical_block
from qbuild.core.artifact.description import ARTIFACT_KEYS, KEY, Description
from qbuild.core.artifact.output_folder import FOLDER_ARTIFACT
from qbuild.core.errors import InputError, SchemaError
from qbuild.core.resources import data_dir
from qbuild.core.schema import Schema, load_schema

UNREADABLE = (OSError, pa.ArrowException, UnicodeDecodeError)  # UnicodeDecodeError: in column names


@dataclass(frozen=True)
class Artifact:
    """An artifact: its path, its description and its schema."""

    path: Path
    description: Description
    schema: Schema
    narrowed: bool = False  # read as another schema, which has a subset of its columns

    @classmethod
    def open(cls, path: Path) -> Self:
        """The artifact at `path`, or in that folder; only the footer is read.

        Raises InputError without a readable Parquet file, SchemaError for one that is not an
        artifact or has another version of its schema.
        """
        path = artifact_file(path)
        description = read_description(path)
        if description is None:
            raise SchemaError(
                str(path),
                "a Parquet file without a description of qbuild",
                "expected an artifact that a stage wrote",
                "Import it with `qbuild ingest-ratings` or `qbuild import-qa`.",
            )
        schema = _schema_of(path, description)
        if description.row_schema is None or description.row_schema.hash != schema.hash:
            raise SchemaError(
                str(path),
                f"written with another version of schema {schema.name}",
                f"expected version {schema.version} of this qbuild",
                f"Run `qbuild {description.stage.name}` again.",
            )
        return cls(path, description, schema)

    def read_as(self, schema: str) -> Self:
        """The same artifact, read as another schema with a subset of its columns."""
        return replace(self, schema=load_schema(schema), narrowed=True)

    @cached_property
    def _file(self) -> pq.ParquetFile:
        file = _open_parquet(self.path, list(self.schema.dictionary_columns))
        empty = file.schema_arrow.empty_table()
        # single columns may be read later without a cast: check all columns and types now
        empty = empty.select(self.schema.arrow.names) if self.narrowed else empty
        self.schema.cast(empty, str(self.path))
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
            names = columns or (self.schema.arrow.names if self.narrowed else None)
            # one thread: computing and writing use the other cores meanwhile
            table = self._file.read_row_group(index, columns=names, use_threads=False)
            table.validate(full=True)  # text in Parquet may be invalid UTF-8; 1 ms per row group
        except UNREADABLE as error:
            raise _unreadable(self.path, error) from error
        return table if columns is not None else self.schema.cast(table, str(self.path))

    def batches(self, rows: int, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """All rows in order, in tables of at most `rows` rows, each from one row group."""
        for index in range(self.groups):
            yield from slice_rows(self.group(index, columns), rows)

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """All rows."""
        groups = [self.group(i, columns) for i in range(self.groups)]
        if groups:
            return pa.concat_tables(groups)
        empty = self.schema.arrow.empty_table()
        return empty if columns is None else empty.select(columns)

    def content_hash(self) -> str:
        """The hash of the rows in the file; the description holds that of the rows written."""
        content = ContentHash(self.schema.name)
        for index in range(self.groups):
            content.update(canonical_block(self.group(index), self.schema))
        return content.digest()


def artifact_file(path: Path) -> Path:
    """`path` itself, or the artifact in that folder; InputError where none exists."""
    file = path / FOLDER_ARTIFACT if path.is_dir() else path
    if not file.exists():
        what = f"the folder holds no {FOLDER_ARTIFACT}" if path.is_dir() else "no such file"
        raise InputError(str(path), what, "expected an artifact", "Check the path.")
    return file


def rejected_path(path: Path) -> Path:
    """The file of the rejected rows of the artifact at `path`: `<name>.rejected.parquet`."""
    return path.with_name(f"{path.name.removesuffix('.parquet')}.rejected.parquet")


def read_description(path: Path) -> Description | None:
    """The description in a Parquet file's footer; None where it has none."""
    value = (_open_parquet(path, []).metadata.metadata or {}).get(KEY)
    if value is None:
        return None
    return Description.parse(value, str(path), ARTIFACT_KEYS)


def is_artifact(path: Path) -> bool:
    """Whether `path` is a readable Parquet file that carries a description."""
    if path.is_dir():
        return (path / FOLDER_ARTIFACT).is_file()
    with path.open("rb") as stream:
        if stream.read(4) != b"PAR1":
            return False
    return read_description(path) is not None


def slice_rows(table: pa.Table, rows: int) -> Iterator[pa.Table]:
    """`table` in slices of at most `rows` rows, without a copy."""
    for start in range(0, table.num_rows, rows):
        yield table.slice(start, rows)


def _schema_of(path: Path, description: Description) -> Schema:
    name = description.schema_name
    known = [file.stem for file in data_dir("schemas").glob("*.json")]
    if name not in known:
        raise SchemaError(
            str(path),
            f"an artifact of schema {name!r}, which this qbuild does not know",
            f"expected one of {', '.join(sorted(known))}",
            "Read it with the version of qbuild that wrote it.",
        )
    return load_schema(name)


def _open_parquet(path: Path, dictionaries: list[str]) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, read_dictionary=dictionaries)
    except KeyError:  # a dictionary column is missing; the cast reports which
        return _open_parquet(path, [])
    except FileNotFoundError as error:
        raise InputError(str(path), "no such file", "expected a Parquet file") from error
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        str(path),
        f"cannot be read as Parquet ({error})",
        "expected a complete Parquet file",
        "It may be truncated; make or copy it again.",
    )
