"""Finds the elements of an Arrow array that fail a node of a schema, with vectorised kernels.

Each check first tests the whole array cheaply (its smallest value, its shortest string), and single
elements only where that does not suffice. Values under a null, or outside the window of a slice,
may be anything: they can cost time but never change the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qbuild.core.schema.compile import Node

if TYPE_CHECKING:
    Array = pa.Array[Any]  # cannot be subscribed when run

Mask = NDArray[np.bool_]  # one flag per element, True where it fails
Failing = Mask | None  # None: nothing fails

BLOCK_ROWS = 65_536  # a block's columns stay in the cache from one check to the next


def failing_rows(table: pa.Table, root: Node, skip: frozenset[str] = frozenset()) -> Mask:
    """True for each row of a table (already of the schema's types) that fails; `[rows]`."""
    if table.column(0).num_chunks > 1 + table.num_rows // 4096:
        table = table.combine_chunks()
    masks = [_failing_in_block(block, root, skip) for block in table.to_batches(BLOCK_ROWS)]
    return np.concatenate(masks) if masks else np.zeros(0, np.bool_)


def _failing_in_block(block: pa.RecordBatch, root: Node, skip: frozenset[str]) -> Mask:
    whole = pa.StructArray.from_arrays(block.columns, names=block.schema.names)
    if skip:
        parts = [
            failing(block.column(i), node)
            for i, (name, node) in enumerate(root.fields)
            if name not in skip
        ]
        mask = _any_of([*parts, _branches(whole, root)])
    else:
        mask = failing(whole, root)
    return np.zeros(block.num_rows, np.bool_) if mask is None else mask


def failing(array: Array, node: Node) -> Failing:
    """The elements of `array` that fail `node`."""
    if isinstance(array, pa.DictionaryArray):
        return _encoded(array, node)
    valid = _valid(array)
    constrained = bool(node.allowed or node.any_of or node.one_of)
    if array.null_count == len(array) and node.nulls and not constrained:
        return None
    # values at nulls may fail; `valid` excludes them
    inside = _CHECKS[node.kind](array, node) if node.values else np.ones(len(array), np.bool_)
    if inside is not None and valid is not None:
        inside = inside & valid
    missing = None if valid is None or node.nulls else ~valid
    return _any_of([inside, missing, _not_allowed(array, node), _branches(array, node)])


def _encoded(array: pa.DictionaryArray[Any, Any], node: Node) -> Failing:
    """Check the values of a dictionary once; only values in use matter."""
    values = cast("Array", array.dictionary)
    if len(values) > len(array) // 2:
        return failing(cast("Array", array.cast(values.type)), node)
    wrong = None if len(values) == 0 else failing(values, node)
    if wrong is not None:
        wrong = _numpy(pa.array(wrong).take(array.indices).fill_null(False))
    if array.null_count == 0:
        return wrong
    null_fails = failing(pa.nulls(1, values.type), node) is not None
    return _any_of([wrong, ~cast("Mask", _valid(array)) if null_fails else None])


def _struct(array: Array, node: Node) -> Failing:
    names = {field.name: i for i, field in enumerate(array.type)}
    struct = cast("pa.StructArray", array)
    return _any_of([failing(struct.field(names[name]), child) for name, child in node.fields])


def _list(array: Array, node: Node) -> Failing:
    listed = cast("pa.ListArray[Any]", array)
    offsets = _numpy(cast("Array", listed.offsets))
    sizes = _outside(np.diff(offsets), node.min_size, node.max_size)
    if node.items is None:
        return sizes
    window = listed.values.slice(offsets[0], offsets[-1] - offsets[0])
    wrong = failing(window, node.items)
    if wrong is None:
        return sizes
    # empty lists share an offset with the next list, which holds the element
    owners = np.searchsorted(offsets, np.flatnonzero(wrong) + offsets[0], side="right") - 1
    owned = np.zeros(len(array), np.bool_)
    owned[owners] = True
    return _any_of([sizes, owned])


def _string(array: Array, node: Node) -> Failing:
    return _any_of([_invalid_utf8(array), _length(array, node), _mismatches(array, node)])


def _invalid_utf8(array: Array) -> Failing:
    """Strings that are not valid UTF-8."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return np.array([not _is_text(value) for value in array.cast(pa.binary()).to_pylist()])
    return None


def _is_text(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _length(array: Array, node: Node) -> Failing:
    """Compare byte lengths where they suffice: a code point takes one to four bytes."""
    if node.min_size == 0 and node.max_size is None:
        return None
    sizes = np.diff(numbers(array, np.dtype(np.int32), len(array) + 1))
    short = 1 if node.min_size == 1 else 4 * node.min_size
    if _outside(sizes, 0 if node.min_size == 0 else short, node.max_size) is None:
        return None
    points = pc.utf8_length(array).fill_null(node.min_size)
    return _outside(_numpy(points), node.min_size, node.max_size)


def _mismatches(array: Array, node: Node) -> Failing:
    if node.pattern is None:
        return None
    matched = pc.match_substring_regex(array, node.pattern)
    return None if matched.false_count == 0 else ~_numpy(matched.fill_null(True))


def _integer(array: Array, node: Node) -> Failing:
    if node.low is None and node.high is None:
        return None
    values = numbers(array, np.dtype(array.type.to_pandas_dtype()), len(array))
    return None if _all_within(values, node) else ~_within(values, node)


def _number(array: Array, node: Node) -> Failing:
    """Values out of the range or not finite; NaN also makes the minimum and maximum NaN."""
    values = numbers(array, np.dtype(np.float64), len(array))
    if _all_within(values, node):
        return None
    good: Mask = _within(values, node) & np.isfinite(values)
    return ~good


def _boolean(array: Array, node: Node) -> Failing:  # noqa: ARG001
    return None


_CHECKS: dict[str, Callable[[Array, Node], Failing]] = {
    "object": _struct,
    "array": _list,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def _all_within(values: NDArray[Any], node: Node) -> bool:
    if len(values) == 0:
        return True
    ends = np.array([values.min(), values.max()])
    return bool(_within(ends, node).all() and np.isfinite(ends).all())


def _within(values: NDArray[Any], node: Node) -> Mask:
    good = np.ones(len(values), np.bool_)
    if node.low is not None:
        good &= values > node.low if node.low_open else values >= node.low
    if node.high is not None:
        good &= values < node.high if node.high_open else values <= node.high
    return good


def _outside(sizes: NDArray[Any], min_size: int, max_size: int | None) -> Failing:
    """Sizes below `min_size` or above `max_size`."""
    short = sizes < min_size if min_size and len(sizes) and sizes.min() < min_size else None
    long = (
        sizes > max_size if max_size is not None and len(sizes) and sizes.max() > max_size else None
    )
    return _any_of([short, long])


def _not_allowed(array: Array, node: Node) -> Failing:
    """Values, and nulls, that `enum` or `const` does not list."""
    listed = [pc.is_in(array, value_set=values) for values in node.allowed]
    return _any_of(None if known.false_count == 0 else ~_numpy(known) for known in listed)


def _branches(array: Array, node: Node) -> Failing:
    none = _count_passed(array, node.any_of) == 0 if node.any_of else None
    not_one = _count_passed(array, node.one_of) != 1 if node.one_of else None
    return _any_of([none, not_one])


def _count_passed(array: Array, branches: Iterable[Node]) -> NDArray[np.int16]:
    """How many of the branches each element passes."""
    count = np.zeros(len(array), np.int16)
    for branch in branches:
        wrong = failing(array, branch)
        count += 1 if wrong is None else ~wrong
    return count


def _any_of(parts: Iterable[Failing]) -> Failing:
    """The elements that fail in any of the parts."""
    masks: list[Mask] = [mask for mask in parts if mask is not None]
    return cast("Mask", np.logical_or.reduce(masks)) if masks else None


def _valid(array: Array) -> Failing:
    """True where an element is not null; None where none is null."""
    return None if array.null_count == 0 else _numpy(cast("Array", array.is_valid()))


def _numpy(array: Array) -> NDArray[Any]:
    return array.to_numpy(zero_copy_only=False)


def numbers(array: Array, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
    """The array's numbers (values, or offsets of strings), including those at nulls."""
    buffer = array.buffers()[1]
    if buffer is None or len(array) == 0:
        return np.zeros(0, dtype)
    return np.frombuffer(memoryview(buffer), dtype, count, array.offset * dtype.itemsize)
