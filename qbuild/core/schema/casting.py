"""Casts tables to a schema's columns, order and types, or reports every misfit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.errors import SchemaError, raise_all, suggest
from qbuild.core.schema.checks import BLOCK_ROWS, numbers
from qbuild.core.schema.compile import Node

if TYPE_CHECKING:
    from qbuild.core.schema.checks import Array

    Column = pa.ChunkedArray[Any]  # cannot be subscribed when run

ENCODED = pa.dictionary(pa.int32(), pa.string())
_SMALL = np.iinfo(np.int32).max
_LISTS = (
    pa.ListType,
    pa.LargeListType,
    pa.FixedSizeListType,
    pa.ListViewType,
    pa.LargeListViewType,
)
# the bits of -0.0, read as an integer
_MINUS_ZERO = np.iinfo(np.int64).min


def cast_table(
    table: pa.Table, root: Node, schema: str, encoded: Collection[str], where: str
) -> pa.Table:
    """The table with the schema's columns, order and types; columns in `encoded` stay encoded."""
    raise_all(_misfits(table, root, schema, where))
    columns, problems = [], []
    for name, node in root.fields:
        given = table.column(name) if name in table.column_names else None
        try:
            columns.append(_column(given, node, table.num_rows, name in encoded))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            what = f"column {name!r} does not fit {node.arrow}: {error}"
            problems.append(SchemaError(where, what, f"what {schema!r} declares"))
    raise_all(problems)
    return pa.table(columns, names=[name for name, _ in root.fields])


def fits(table: pa.Table, root: Node, encoded: Collection[str]) -> bool:
    """Whether the table has the schema's columns, order and types."""
    if table.column_names != [name for name, _ in root.fields]:
        return False
    return all(
        field.type == node.arrow or (field.name in encoded and field.type == ENCODED)
        for field, (_, node) in zip(table.schema, root.fields, strict=True)
    )


def _misfits(table: pa.Table, root: Node, schema: str, where: str) -> Iterator[SchemaError]:
    counts = Counter(table.column_names)
    for name in [name for name, count in counts.items() if count > 1]:
        yield SchemaError(where, f"column {name!r} appears {counts[name]} times", "once")
    fields = [(field.name, field.type) for field in table.schema]
    yield from _struct_misfits(fields, root, "", schema, where)


def _struct_misfits(
    fields: Iterable[tuple[str, pa.DataType]], node: Node, path: str, schema: str, where: str
) -> Iterator[SchemaError]:
    given, known = dict(fields), dict(node.fields)
    for name in [name for name in given if name not in known]:
        hint = suggest(name, known.keys() - given.keys() or known)
        yield SchemaError(where, f"extra column '{path}{name}'", f"those of {schema!r}", hint)
    for name, child in known.items():
        if name in given:
            yield from _type_misfits(given[name], child, f"{path}{name}", schema, where)
        elif not child.nulls:
            hint = suggest(name, given.keys() - known.keys() or given)
            yield SchemaError(where, f"no column '{path}{name}'", f"{schema!r} requires it", hint)


def _type_misfits(
    given: pa.DataType, node: Node, path: str, schema: str, where: str
) -> Iterator[SchemaError]:
    if isinstance(given, pa.DictionaryType):
        given = given.value_type
    if node.kind == "object" and isinstance(given, pa.StructType):
        fields = [(given.field(i).name, given.field(i).type) for i in range(given.num_fields)]
        yield from _struct_misfits(fields, node, f"{path}.", schema, where)
    elif node.kind == "array" and node.items is not None and isinstance(given, _LISTS):
        inner = cast("pa.ListType[Any]", given).value_type
        yield from _type_misfits(inner, node.items, f"{path}[]", schema, where)
    elif not pa.types.is_null(given) and not _is_kind(given, node.kind):
        expected = f"{node.arrow}, as {schema!r} declares"
        yield SchemaError(where, f"column '{path}' is of type {given}", expected)


def _is_kind(given: pa.DataType, kind: str) -> bool:
    """Whether values of a flat type can be cast to that kind; text is never cast to a number."""
    types = pa.types
    if kind == "string":
        return types.is_string(given) or types.is_large_string(given) or types.is_string_view(given)
    if kind in ("integer", "number"):
        return types.is_integer(given) or types.is_floating(given) or types.is_decimal(given)
    return kind == "boolean" and types.is_boolean(given)


def _column(given: Column | None, node: Node, rows: int, encoded: bool) -> Column:
    if given is None:
        nothing: Array = pa.nulls(rows, node.arrow)  # type: ignore[call-overload]
        return pa.chunked_array([nothing])
    keep = encoded and isinstance(given.type, pa.DictionaryType)
    target = ENCODED if keep else node.arrow
    fitted = given if given.type == target else _cast(given, target)
    if not _holds_numbers(node):
        return fitted
    chunks = [plus_zero(chunk, node) for chunk in fitted.chunks]
    same = all(new is old for new, old in zip(chunks, fitted.chunks, strict=True))
    return fitted if same else pa.chunked_array(chunks)


def _cast(given: Column, target: pa.DataType) -> Column:
    try:
        return cast("Column", pc.cast(given, target))
    except pa.ArrowInvalid:
        if given.get_total_buffer_size() <= _SMALL:
            raise
        # pandas makes large strings, but 32-bit offsets end at 2 GiB: copies of some rows at a
        # time have small offsets
        pieces: list[Array] = [
            pa.concat_arrays([chunk.slice(start, BLOCK_ROWS)])
            for chunk in given.chunks
            for start in range(0, len(chunk), BLOCK_ROWS)
        ]
        return cast("Column", pc.cast(pa.chunked_array(pieces), target))


def _holds_numbers(node: Node) -> bool:
    below = [child for _, child in node.fields] + ([node.items] if node.items else [])
    return node.kind == "number" or any(_holds_numbers(child) for child in below)


def plus_zero(array: Array, node: Node) -> Array:
    """The same array if no float at any depth is -0.0, else one with 0.0 instead."""
    if not _holds_numbers(node) or len(array) == 0:
        return array
    if node.kind == "number":
        bits = numbers(array, np.dtype(np.int64), len(array))
        return pc.add(array, 0.0) if bits.min() == _MINUS_ZERO else array
    if isinstance(array, pa.StructArray):
        return _struct_plus_zero(array, node)
    return _list_plus_zero(cast("pa.ListArray[Any]", array), node)


def _struct_plus_zero(array: pa.StructArray, node: Node) -> Array:
    old: list[Array] = [array.field(i) for i in range(len(node.fields))]
    new = [plus_zero(part, child) for part, (_, child) in zip(old, node.fields, strict=True)]
    if all(after is before for after, before in zip(new, old, strict=True)):
        return array
    missing = array.is_null() if array.null_count else None
    return pa.StructArray.from_arrays(new, fields=list(array.type), mask=missing)


def _list_plus_zero(array: pa.ListArray[Any], node: Node) -> Array:
    if node.items is None:
        return array
    start, stop = array.offsets[0].as_py(), array.offsets[-1].as_py()
    window = array.values.slice(start, stop - start)
    if plus_zero(window, node.items) is window:
        return array
    values = plus_zero(array.values, node.items)
    buffers = array.buffers()[:2]
    return pa.Array.from_buffers(
        array.type, len(array), buffers, offset=array.offset, children=[values]
    )
