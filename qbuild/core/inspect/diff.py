"""Compares two artifacts of one schema: rows by their ids, column by column.

Comparison is vectorised: ids become integer codes, the rows of the second artifact are sorted like
the first, then values are compared at any depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qbuild.core.errors import SchemaError
from qbuild.core.renamed import RenamedOptions, current_options
from qbuild.core.rows.lookup import key_columns, row_at

if TYPE_CHECKING:
    from qbuild.core.artifact.reader import Artifact

    Rows = NDArray[np.int64]
    Mask = NDArray[np.bool_]

EXAMPLES = 5
_BLOCK = 65_536


@dataclass(frozen=True)
class Pairing:
    """Row numbers: `both_a[i]` and `both_b[i]` have one id; the others are on one side only."""

    both_a: Rows
    both_b: Rows
    removed: Rows
    added: Rows

    @property
    def moved(self) -> bool:
        """Whether common rows are in another order."""
        return bool((np.diff(self.both_b) < 0).any())


def compare(a: Artifact, b: Artifact, renamed: RenamedOptions | None = None) -> dict[str, Any]:
    """Added, removed and changed rows with examples, and differences of the recipes.

    Options in `renamed` are compared under their present names.
    """
    if a.schema.name != b.schema.name:
        raise SchemaError(
            str(b.path),
            f"an artifact of schema {b.schema.name}",
            f"expected schema {a.schema.name}, as {a.path}",
            "Compare artifacts of one schema.",
        )
    key = key_columns(a.schema)
    different: dict[str, Any] = {
        "schema": a.schema.name,
        "key": list(key),
        "rows": {"a": a.rows, "b": b.rows},
        "made_from": compare_recipes(a.description.as_dict(), b.description.as_dict(), renamed),
    }
    if a.description.content_hash == b.description.content_hash:
        nothing: dict[str, Any] = {"added": [], "removed": [], "changed": []}
        counts = {"added": 0, "removed": 0, "changed": 0, "moved": False, "columns": {}}
        return {**different, "same_rows": True, **counts, "examples": nothing}
    return {**different, "same_rows": False, **_rows(a, b, key)}


def compare_recipes(
    a: dict[str, Any], b: dict[str, Any], renamed: RenamedOptions | None = None
) -> dict[str, Any]:
    """Stage, options, inputs and prompts that differ between two descriptions, as pairs.

    Options of different stages are not compared.
    """
    different: dict[str, Any] = {}
    for part in ("stage", "limit", "inputs", "complete"):
        if a.get(part) != b.get(part):
            different[part] = [a.get(part), b.get(part)]
    same_stage = (a.get("stage") or {}).get("name") == (b.get("stage") or {}).get("name")
    for part in ("options", "prompts") if same_stage else ("prompts",):
        one, other = (
            current_options(d.get(part) or {}, (renamed or {}) if part == "options" else {})
            for d in (a, b)
        )
        names = [n for n in sorted({**one, **other}) if one.get(n) != other.get(n)]
        if names:
            different[part] = {name: [one.get(name), other.get(name)] for name in names}
    return different


def _rows(a: Artifact, b: Artifact, key: tuple[str, ...]) -> dict[str, Any]:
    keys_a, keys_b = a.table(list(key)), b.table(list(key))
    pairs = _pair(keys_a, keys_b)
    changed = np.zeros(len(pairs.both_a), dtype=bool)
    columns: dict[str, Mask] = {}
    for name in a.schema.arrow.names:
        if name not in key:
            where = _column_differs(a, b, name, pairs)
            changed |= where
            if where.any():
                columns[name] = where
    first = np.flatnonzero(changed)[:EXAMPLES]
    return {
        "added": len(pairs.added),
        "removed": len(pairs.removed),
        "changed": int(changed.sum()),
        "moved": pairs.moved,
        "columns": {name: int(where.sum()) for name, where in columns.items()},
        "examples": {
            "added": _keys(keys_b, pairs.added),
            "removed": _keys(keys_a, pairs.removed),
            "changed": [_change(a, b, key, pairs, columns, int(at)) for at in first],
        },
    }


def _pair(a: pa.Table, b: pa.Table) -> Pairing:
    """Pair rows by id; the n-th row of an id on one side is paired with its n-th on the other."""
    codes = np.zeros(a.num_rows + b.num_rows, dtype=np.int64)
    for one, other in zip(a.columns, b.columns, strict=True):
        own = _codes([*_plain(one).chunks, *_plain(other).chunks])
        codes = _codes([pa.array(codes * (own.max(initial=0) + 1) + own)])
    left, right = _numbered(codes[: a.num_rows]), _numbered(codes[a.num_rows :])
    width = int(max(left[1].max(initial=0), right[1].max(initial=0))) + 1
    unique_a, unique_b = left[0] * width + left[1], right[0] * width + right[1]
    place = np.full((int(codes.max(initial=0)) + 1) * width, -1, dtype=np.int64)
    place[unique_b] = np.arange(len(unique_b))
    at = place[unique_a]
    paired = np.zeros(len(unique_b), dtype=bool)
    paired[at[at >= 0]] = True
    return Pairing(
        np.flatnonzero(at >= 0), at[at >= 0], np.flatnonzero(at < 0), np.flatnonzero(~paired)
    )


def _codes(chunks: list[Any]) -> Rows:
    """A small integer for each value, equal for equal values."""
    if not chunks:
        return np.zeros(0, dtype=np.int64)
    encoded: Any = pa.chunked_array(chunks).dictionary_encode(null_encoding="encode")
    codes = [part.indices.to_numpy() for part in encoded.chunks]
    return np.concatenate(codes).astype(np.int64)


def _numbered(codes: Rows) -> tuple[Rows, Rows]:
    """The codes, and for each row the number of earlier rows with its code."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))[: len(codes)]
    sizes = np.diff(np.append(starts, len(codes)))
    number = np.empty(len(codes), dtype=np.int64)
    number[order] = np.arange(len(codes)) - np.repeat(starts, sizes)
    return codes, number


def _column_differs(a: Artifact, b: Artifact, name: str, pairs: Pairing) -> Mask:
    one, other = a.table([name]).column(0), b.table([name]).column(0)
    different = [
        differs(
            _at(one, pairs.both_a[start : start + _BLOCK]),
            _at(other, pairs.both_b[start : start + _BLOCK]),
        )
        for start in range(0, len(pairs.both_a), _BLOCK)
    ]
    return np.concatenate(different) if different else np.zeros(0, dtype=bool)


def differs(one: Any, other: Any) -> Mask:
    """True where two arrays of one type have different values, at any depth."""
    different: Mask = _present(one) != _present(other)
    if pa.types.is_struct(one.type):
        for left, right in zip(one.flatten(), other.flatten(), strict=True):
            different |= differs(left, right)
    elif pa.types.is_list(one.type):
        lengths = _lengths(one)
        different |= lengths != _lengths(other)
        same = pa.array(~different)
        inner = differs(pc.list_flatten(one.filter(same)), pc.list_flatten(other.filter(same)))
        ends = np.concatenate(([0], np.cumsum(lengths[~different])))
        counts = np.concatenate(([0], np.cumsum(inner)))
        different[~different] = counts[ends[1:]] > counts[ends[:-1]]
    else:
        unequal = pc.fill_null(pc.not_equal(_plain(one), _plain(other)), False)
        different |= unequal.to_numpy(zero_copy_only=False)
    return different


def _at(column: Any, rows: Rows) -> Any:
    """These rows of a chunked column as one array.

    `ChunkedArray.take` joins all chunks first, and text of more than 2 GiB does not fit in one.
    """
    starts = np.cumsum([0, *(len(chunk) for chunk in column.chunks)])
    chunk_of = np.searchsorted(starts, rows, side="right") - 1
    order = np.argsort(chunk_of, kind="stable")
    pieces = []
    for number in np.unique(chunk_of):
        inside = rows[order][chunk_of[order] == number] - starts[number]
        pieces.append(_plain(column.chunk(int(number)).take(pa.array(inside))))
    whole = pa.concat_arrays(pieces) if len(pieces) > 1 else pieces[0]
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return whole if (np.diff(chunk_of) >= 0).all() else whole.take(pa.array(back))


def _present(array: Any) -> Mask:
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False))


def _lengths(array: Any) -> Rows:
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    return np.asarray(lengths.to_numpy(zero_copy_only=False), dtype=np.int64)


def _plain(array: Any) -> Any:
    """The values, decoded if they are dictionary-encoded."""
    encoded = pa.types.is_dictionary(array.type)
    return array.cast(array.type.value_type) if encoded else array


def _keys(table: pa.Table, rows: Rows) -> list[list[Any]]:
    return [list(table.slice(int(at), 1).to_pylist()[0].values()) for at in rows[:EXAMPLES]]


def _change(
    a: Artifact,
    b: Artifact,
    key: tuple[str, ...],
    pairs: Pairing,
    columns: dict[str, Mask],
    at: int,
) -> dict[str, Any]:
    names = [name for name, where in columns.items() if where[at]]
    old = row_at(a, int(pairs.both_a[at]), [*key, *names])
    new = row_at(b, int(pairs.both_b[at]), names)
    return {
        "key": [old[name] for name in key],
        "columns": {name: [old[name], new[name]] for name in names},
    }
