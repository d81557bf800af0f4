"""A hash of logical rows, independent of how the table is chunked, sliced or encoded.

Rows are hashed in blocks of `ROW_GROUP_ROWS`. In each block every leaf column feeds its own
SHA-256: a byte for whether no, some or all values are null, the validity bits where some are, then
lengths (lists and strings) or values (numbers; zero where null). A dictionary-encoded column feeds
its codes in order of first appearance and the values of its dictionary. The content hash is the
hash of the schema's name, the number of rows and all leaf digests.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.canonical import hash_value
from qbuild.core.schema import Schema

ROW_GROUP_ROWS = 65_536


class ContentHash:
    """Hashes a table in blocks of `ROW_GROUP_ROWS` rows; the last may be shorter."""

    def __init__(self, schema_name: str) -> None:
        self.schema_name = schema_name
        self.rows = 0
        self._leaves: dict[str, Any] = {}

    def update(self, block: pa.Table) -> None:
        """Add the next block, each column in one chunk."""
        for name, column in zip(block.column_names, block.columns, strict=True):
            for chunk in column.chunks:
                self._feed(name, chunk)
        self.rows += block.num_rows

    def digest(self) -> str:
        """`sha256:…` of all blocks so far."""
        leaves = {path: leaf.hexdigest() for path, leaf in self._leaves.items()}
        return hash_value({"schema": self.schema_name, "rows": self.rows, "leaves": leaves})

    def _feed(self, path: str, array: Any) -> None:
        sink = self._leaves.setdefault(path, hashlib.sha256())
        kind = array.type
        if array.null_count == len(array):
            sink.update(b"\2" + len(array).to_bytes(8, "little"))
            return
        if array.null_count:
            sink.update(b"\0" + np.packbits(_numpy(array.is_valid())).tobytes())
        else:
            sink.update(b"\1")
        if pa.types.is_dictionary(kind):
            sink.update(_numpy(pc.fill_null(array.indices, -1)).tobytes())
            self._feed(f"{path}{{}}", array.dictionary)
        elif pa.types.is_list(kind):
            sink.update(_numpy(pc.fill_null(pc.list_value_length(array), 0)).tobytes())
            self._feed(f"{path}[]", pc.list_flatten(array))
        elif pa.types.is_struct(kind):
            for field, child in zip(kind, array.flatten(), strict=True):
                self._feed(f"{path}.{field.name}", child)
        elif pa.types.is_string(kind):
            _feed_strings(sink, array)
        else:
            zero = pa.scalar(False if pa.types.is_boolean(kind) else 0, type=kind)
            sink.update(np.ascontiguousarray(_numpy(pc.fill_null(array, zero))))


def first_appearance(array: Any) -> Any:
    """The same values; the dictionary holds the used ones, in order of first appearance."""
    if len(array.dictionary) == 1 and array.null_count == 0:
        return array  # the common case: one dataset, one file
    used = pc.unique(array.indices).drop_null()
    new_codes = np.zeros(max(len(array.dictionary), 1), dtype=np.int32)
    new_codes[_numpy(used)] = np.arange(len(used), dtype=np.int32)
    codes = new_codes[_numpy(pc.fill_null(array.indices, 0))]
    mask = _numpy(array.is_null()) if array.null_count else None
    indices = pa.array(codes, type=pa.int32(), mask=mask)
    return pa.DictionaryArray.from_arrays(indices, array.dictionary.take(used))


def written_schema(schema: Schema) -> pa.Schema:
    """The types of a written file: low-cardinality columns as dictionaries."""
    fields = [
        pa.field(f.name, pa.dictionary(pa.int32(), pa.string()), f.nullable)
        if f.name in schema.dictionary_columns
        else f
        for f in schema.arrow
    ]
    return pa.schema(fields)


def canonical_block(block: pa.Table, schema: Schema) -> pa.Table:
    """The block as it is hashed and written: one chunk per column, minimal dictionaries."""
    columns = []
    for field, column in zip(written_schema(schema), block.columns, strict=True):
        array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        if isinstance(array, pa.ChunkedArray):  # several chunks of one dictionary column
            array = array.chunk(0) if array.num_chunks == 1 else pa.concat_arrays(array.chunks)
        if pa.types.is_dictionary(field.type) and array.null_count == len(array):
            array = pa.nulls(len(array), field.type)
        elif pa.types.is_dictionary(field.type):
            plain = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
            array = first_appearance(plain)
        columns.append(array)
    return pa.Table.from_arrays(columns, schema=written_schema(schema))


def _feed_strings(sink: Any, array: Any) -> None:
    filled = pc.fill_null(array, "") if array.null_count else array
    sink.update(_numpy(pc.binary_length(filled)).tobytes())
    offsets, data = filled.buffers()[1], filled.buffers()[2]
    if data is None or len(filled) == 0:
        return
    ends = np.frombuffer(offsets, dtype=np.int32)
    sink.update(memoryview(data)[ends[filled.offset] : ends[filled.offset + len(filled)]])


def _numpy(array: Any) -> Any:
    return array.to_numpy(zero_copy_only=False)
