"""Rows that stand more than once among all inputs: identical ones collapse, others are rejected.

Rows are the same thing when their ids agree. One pass keeps a 64-bit hash of each id; only rows
whose hashes agree are read again and compared as they are, so a collision of hashes costs a look
and never a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from qbuild.core.engine.prefetch import ahead
from qbuild.core.rows.rejections import reject_rows
from qbuild.core.rows.string_hash import string_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qbuild.core.engine.stage import Batch, Inputs

KEPT, COLLAPSED, CONFLICT = 0, 1, 2
_PLACE = ("source_file", "source_row")  # where a row was read is not what it says
_PIECE = 1 << 18
COMPARED_ROWS = 1 << 14  # whole rows as Python values: some ten kilobytes each


@dataclass(frozen=True)
class Sifted:
    """A batch without its repeated rows; `places` and `conflicts` count rows of the batch."""

    rows: pa.Table
    places: NDArray[np.int64]  # of the rows kept
    conflicts: NDArray[np.int64]
    collapsed: int


@dataclass(frozen=True)
class Repeats:
    """The fate of every row of the inputs; None where no id stands twice."""

    fates: NDArray[np.int8] | None = None

    def sift(self, batch: Batch) -> Sifted:
        """The rows of a batch to keep, the places of those that conflict, how many collapse."""
        rows = batch.rows
        fates = None if self.fates is None else self.fates[batch.start : batch.start + len(rows)]
        if fates is None or not fates.any():
            return Sifted(rows, np.arange(len(rows)), np.empty(0, dtype=np.int64), 0)
        kept = fates == KEPT
        return Sifted(
            rows.filter(pa.array(kept)),
            np.flatnonzero(kept),
            np.flatnonzero(fates == CONFLICT),
            int(np.count_nonzero(fates == COLLAPSED)),
        )


def find_repeats(inputs: Inputs, column: str, hashes: NDArray[np.uint64] | None = None) -> Repeats:
    """What becomes of the rows whose id in `column` stands more than once.

    `hashes` are those of the ids of all rows in order, where the caller has them already.
    """
    if hashes is None:
        hashes = _hashes(inputs, column)
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return Repeats()
    suspects = _where_in(hashes, twice)
    which, first, alike = _compared(inputs, column, suspects)
    fates = np.zeros(len(hashes), dtype=np.int8)
    fates[suspects] = np.where(alike[which], COLLAPSED, CONFLICT)
    fates[suspects[first[alike]]] = KEPT
    return Repeats(fates if fates.any() else None)


def _compared(
    inputs: Inputs, column: str, suspects: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The number of each suspect's id; of each id its first suspect, and whether all say the same.

    A part of the rows is looked at at a time, and of what an id says just a digest is kept.
    """
    numbers: dict[str, int] = {}
    said: list[bytes] = []
    first: list[int] = []
    alike: list[bool] = []
    which = np.empty(len(suspects), dtype=np.int64)
    for start in range(0, len(suspects), COMPARED_ROWS):
        rows = inputs.rows_at(suspects[start : start + COMPARED_ROWS])
        for at, row in enumerate(rows, start):
            number = which[at] = numbers.setdefault(row[column], len(numbers))
            what = _digest([value for name, value in row.items() if name not in _PLACE])
            if number == len(said):
                said.append(what)
                first.append(at)
                alike.append(True)
            alike[number] &= said[number] == what
    return which, np.array(first, dtype=np.int64), np.array(alike, dtype=np.bool_)


def _digest(values: list[object]) -> bytes:
    return blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def conflicting(rows: pa.Table, column: str, source: str = "") -> pa.Table:
    """Rows that disagree with others of their id, as rejected rows."""
    records = rows.to_pylist()
    messages = [
        f"{row[column]} stands elsewhere with other values; rows that disagree are all rejected"
        for row in records
    ]
    return reject_rows(records, "conflict", messages, column, source)


def _hashes(inputs: Inputs, column: str) -> NDArray[np.uint64]:
    hashes = np.empty(inputs.rows, dtype=np.uint64)
    for batch in ahead(inputs.scan([column])):
        place = slice(batch.start, batch.start + len(batch.rows))
        hashes[place] = string_hashes(batch.rows.column(column).combine_chunks())
    return hashes


def _where_in(values: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where a wanted value stands; a piece at a time, to keep no second copy of all values."""
    found = []
    for start in range(0, len(values), _PIECE):
        piece = values[start : start + _PIECE]
        near = np.minimum(wanted.searchsorted(piece), len(wanted) - 1)
        found.append(np.flatnonzero(wanted[near] == piece) + start)
    return np.concatenate(found)
