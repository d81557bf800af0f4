"""Writing artifacts: full row groups, the content hash of the rows, one rename at the end."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.core.artifact.content_hash import (
    ROW_GROUP_ROWS,
    ContentHash,
    canonical_block,
    written_schema,
)
from qbuild.core.artifact.description import KEY
from qbuild.core.schema import Schema
from qbuild.core.scratch import temporary_name


class ArtifactWriter:
    """Writes one artifact to a temporary file; `commit` renames it to `path`, `discard` removes it.

    The temporary file is in `scratch`, on the same disk, or next to `path` in a claimed folder.
    Errors name `error_path`.
    """

    def __init__(
        self,
        path: Path,
        schema: Schema,
        error_path: Path | None = None,
        scratch: Path | None = None,
    ) -> None:
        self.path, self.schema = path, schema
        self._error_path = error_path or path
        self.temporary = temporary_name(path) if scratch is None else scratch / path.name
        self._content = ContentHash(schema.name)
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._rows = 0
        self._writer: pq.ParquetWriter | None = None
        self._hasher = ThreadPoolExecutor(1)  # hashes while pyarrow encodes
        self._hashed: Future[None] | None = None

    @property
    def rows(self) -> int:
        """Rows added so far."""
        return self._rows + self._waiting_rows

    def add(self, table: pa.Table) -> None:
        """Add rows, already cast to the schema; full row groups are written."""
        if table.num_rows == 0:
            return
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        if self._waiting_rows < ROW_GROUP_ROWS:
            return
        table = pa.concat_tables(self._waiting)
        full = self._waiting_rows - self._waiting_rows % ROW_GROUP_ROWS
        for start in range(0, full, ROW_GROUP_ROWS):
            self._write(table.slice(start, ROW_GROUP_ROWS))
        rest = table.slice(full)
        self._waiting = [rest] if rest.num_rows else []
        self._waiting_rows = rest.num_rows

    def finish_rows(self) -> tuple[int, str]:
        """Write the remaining rows; the number of rows and their content hash."""
        if self._waiting:
            self._write(pa.concat_tables(self._waiting))
            self._waiting, self._waiting_rows = [], 0
        self._wait_for_hash()
        self._hasher.shutdown()
        return self._content.rows, self._content.digest()

    def seal(self, description: str) -> None:
        """Write the description (canonical JSON), close and sync the temporary file."""
        with disk_errors(self._error_path):
            writer = self._open()
            writer.add_key_value_metadata({KEY.decode(): description})
            writer.close()
            sync(self.temporary)

    def commit(self) -> None:
        """Rename the sealed file to `path`, durably."""
        with disk_errors(self._error_path):
            self.temporary.replace(self.path)
            sync(self.path.parent)

    def discard(self) -> None:
        """Remove the temporary file, if it exists."""
        self._hasher.shutdown(cancel_futures=True)
        if self._writer is not None:
            # a full disk cannot flush; the file is removed anyway
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
        self.temporary.unlink(missing_ok=True)

    def _write(self, block: pa.Table) -> None:
        block = canonical_block(block, self.schema)
        self._wait_for_hash()
        self._hashed = self._hasher.submit(self._content.update, block)
        self._rows += block.num_rows
        with disk_errors(self._error_path):
            self._open().write_table(block, row_group_size=ROW_GROUP_ROWS)

    def _wait_for_hash(self) -> None:
        if self._hashed is not None:
            self._hashed.result()

    def _open(self) -> pq.ParquetWriter:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self.temporary, written_schema(self.schema), **writer_settings(self.schema)
            )
        return self._writer


def writer_settings(schema: Schema) -> dict[str, Any]:
    """The encoding of every artifact: dictionaries for low-cardinality columns only, snappy."""
    return {
        "compression": "snappy",
        "use_dictionary": list(schema.dictionary_columns),
        "store_schema": False,
        "version": "2.6",
        "data_page_version": "1.0",
    }
