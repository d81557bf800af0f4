"""Duplicates: identical rows collapse to the first, conflicting rows are all rejected.

Rows are duplicates if they have the same id. `find_duplicates` works on the artifacts of a run: one
pass keeps a 64-bit hash of each id; only rows with equal hashes are read again and compared, so
hash collisions cost time but never a row. `deduplicate` works in memory, and `Deduplicator` on
streams whose ids determine the content of their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qbuild.core.engine.prefetch import prefetch
from qbuild.core.rows.rejections import reject_rows
from qbuild.core.rows.string_hash import string_hashes

if TYPE_CHECKING:
    from qbuild.core.engine.stage import Batch, Inputs
    from qbuild.core.rows.rejections import PlacedRejections

T = TypeVar("T")

KEPT, COLLAPSED, CONFLICT = 0, 1, 2  # the status of a row
_PLACE = ("source_file", "source_row")  # the position in a file is not part of the content
_BLOCK_ROWS = 1 << 18
COMPARED_ROWS = 1 << 14  # full rows as Python values: about ten kilobytes each


@dataclass(frozen=True)
class DedupResult:
    """A batch without its duplicates; `positions` and `conflicts` count rows of the batch."""

    rows: pa.Table
    positions: NDArray[np.int64]  # of the rows kept
    conflicts: NDArray[np.int64]
    conflicting: pa.Table
    collapsed: int

    def rejections(self, column: str) -> PlacedRejections:
        """The conflicting rows as rejected rows; `column` holds the id."""
        records = self.conflicting.to_pylist()
        messages = [
            f"{row[column]} has other values in another row; conflicting rows are all rejected"
            for row in records
        ]
        return self.conflicts, reject_rows(records, "conflict", messages, column)


@dataclass(frozen=True)
class Duplicates:
    """The status of every row of the inputs; None where all are kept."""

    row_status: NDArray[np.int8] | None = None

    def kept(self, count: int) -> NDArray[np.bool_]:
        """Whether each of the `count` rows of the inputs is kept."""
        return np.ones(count, np.bool_) if self.row_status is None else self.row_status == KEPT

    def deduplicate(self, batch: Batch) -> DedupResult:
        """The rows of a batch to keep, those that conflict, and how many collapse."""
        rows = batch.rows
        status = None
        if self.row_status is not None:
            status = self.row_status[batch.start : batch.start + len(rows)]
        if status is None or not status.any():
            none = np.empty(0, dtype=np.int64)
            return DedupResult(rows, np.arange(len(rows)), none, rows.slice(0, 0), 0)
        conflicts = np.flatnonzero(status == CONFLICT)
        return DedupResult(
            rows.filter(pa.array(status == KEPT)),
            np.flatnonzero(status == KEPT),
            conflicts,
            rows.take(pa.array(conflicts)),
            int(np.count_nonzero(status == COLLAPSED)),
        )


@dataclass(frozen=True)
class Deduplicated(Generic[T]):
    """Items without their duplicates: the first of each id, and groups whose members conflict."""

    kept: list[T]
    conflicts: list[list[T]]  # every member of each group, in order of its first
    collapsed: int


@dataclass
class Deduplicator:
    """Counts duplicates in a stream whose ids determine the rows, so that none conflict."""

    collapsed: int = 0
    _seen: set[Hashable] = field(default_factory=set)

    def is_first(self, identity: Hashable) -> bool:
        """Whether this id is new; otherwise it is counted as a duplicate."""
        new = identity not in self._seen
        self._seen.add(identity)
        self.collapsed += not new
        return new


def deduplicate(
    items: Iterable[T], id_of: Callable[[T], Hashable], content_of: Callable[[T], object]
) -> Deduplicated[T]:
    """Remove duplicates, keeping the order; `content_of` must exclude the position in a file."""
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(id_of(item), []).append(item)
    kept: list[T] = []
    conflicts: list[list[T]] = []
    collapsed = 0
    for first, *others in groups.values():
        content = content_of(first) if others else None
        if all(content_of(other) == content for other in others):
            kept.append(first)
            collapsed += len(others)
        else:
            conflicts.append([first, *others])
    return Deduplicated(kept, conflicts, collapsed)


def find_duplicates(
    inputs: Inputs, column: str, hashes: NDArray[np.uint64] | None = None
) -> Duplicates:
    """The status of the rows by their ids in `column`.

    `hashes` are those of the ids of all rows in order, where the caller has them already.
    """
    if hashes is None:
        hashes = _hashes(inputs, column)
    ordered = np.sort(hashes)
    duplicated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(duplicated):
        return Duplicates()
    suspects = _positions_of(hashes, duplicated)
    numbers, first, identical = _compare(inputs, column, suspects)
    row_status = np.zeros(len(hashes), dtype=np.int8)
    row_status[suspects] = np.where(identical[numbers], COLLAPSED, CONFLICT)
    row_status[suspects[first[identical]]] = KEPT
    return Duplicates(row_status if row_status.any() else None)


def _compare(
    inputs: Inputs, column: str, suspects: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The number of each suspect's id; of each id its first suspect, and whether all are equal.

    Rows are read in blocks, and only a digest is kept of the content of each id.
    """
    numbers: dict[str, int] = {}
    digests: list[bytes] = []
    first: list[int] = []
    identical: list[bool] = []
    number_of = np.empty(len(suspects), dtype=np.int64)
    for start in range(0, len(suspects), COMPARED_ROWS):
        rows = inputs.rows_at(suspects[start : start + COMPARED_ROWS])
        for at, row in enumerate(rows, start):
            number = number_of[at] = numbers.setdefault(row[column], len(numbers))
            digest = _digest([value for name, value in row.items() if name not in _PLACE])
            if number == len(digests):
                digests.append(digest)
                first.append(at)
                identical.append(True)
            identical[number] &= digests[number] == digest
    return number_of, np.array(first, dtype=np.int64), np.array(identical, dtype=np.bool_)


def _digest(values: list[object]) -> bytes:
    return blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _hashes(inputs: Inputs, column: str) -> NDArray[np.uint64]:
    hashes = np.empty(inputs.rows, dtype=np.uint64)
    for batch in prefetch(inputs.scan([column])):
        window = slice(batch.start, batch.start + len(batch.rows))
        hashes[window] = string_hashes(batch.rows.column(column).combine_chunks())
    return hashes


def _positions_of(values: NDArray[np.uint64], duplicated: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The positions of duplicated values; in blocks, to keep no second copy of all values."""
    positions = []
    for start in range(0, len(values), _BLOCK_ROWS):
        block = values[start : start + _BLOCK_ROWS]
        nearest = np.minimum(duplicated.searchsorted(block), len(duplicated) - 1)
        positions.append(np.flatnonzero(duplicated[nearest] == block) + start)
    return np.concatenate(positions)
