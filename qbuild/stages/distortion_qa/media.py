"""The known distortions of each medium, as sets encoded in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qbuild.core.engine.stage import Inputs
from qbuild.core.rows.string_hash import string_hashes
from qbuild.quality.arrays import Ints, Keys, Mask
from qbuild.quality.distortions import DISTORTIONS, SPATIAL
from qbuild.stages.distortion_qa.questions import IMPLIES

COLUMNS = ["media_id", "kind", "distortions", "others", "judged"]
CODES = np.arange(len(DISTORTIONS))
_BITS = 1 << CODES
_OF_KIND = {"image": int(_BITS[: len(SPATIAL)].sum()), "video": int(_BITS.sum())}
_IMPLIED = np.array(
    [sum(1 << DISTORTIONS.index(n) for n in IMPLIES.get(name, ())) for name in DISTORTIONS]
)


@dataclass(frozen=True)
class Media:
    """The distortions of each medium; a set is a number, bit i for DISTORTIONS[i]."""

    present: Ints  # [rows]
    absent: Ints  # [rows], judged and not present
    severities: NDArray[np.int8]  # [rows, 13], 0 where unknown
    outside: Mask  # [rows], whether the medium has labels outside the thirteen


def read_media(rows: pa.Table) -> Media:
    """The distortions of the media of some rows."""
    count = len(rows)
    owner, items = _flat(rows, "distortions")
    codes = _codes(pc.struct_field(items, "name"))
    severities = np.zeros((count, len(DISTORTIONS)), dtype=np.int8)
    strengths = pc.fill_null(pc.struct_field(items, "severity"), 0)
    severities[owner, codes] = strengths.to_numpy(zero_copy_only=False)
    present = np.zeros(count, dtype=np.int64)
    np.bitwise_or.at(present, owner, _BITS[codes])
    judged = np.zeros(count, dtype=np.int64)
    owner, items = _flat(rows, "judged")
    np.bitwise_or.at(judged, owner, _BITS[_codes(items)])
    kinds: list[Any] = rows.column("kind").to_pylist()
    possible = np.array([_OF_KIND[kind] for kind in kinds], dtype=np.int64)
    judged_for_all = rows.column("judged").is_null().to_numpy()
    judged = np.where(judged_for_all, possible, judged)
    implied = np.zeros(count, dtype=np.int64)
    for code in CODES:
        implied |= np.where(present >> code & 1, _IMPLIED[code], 0)
    others = pc.list_value_length(rows.column("others")).to_numpy() > 0
    return Media(present, judged & possible & ~present & ~implied, severities, others)


def read_all_media(inputs: Inputs) -> tuple[Media, Keys]:
    """The distortions of the media of all inputs, and hashes of their ids."""
    parts, hashes = [], [np.empty(0, dtype=np.uint64)]
    for batch in inputs.scan(COLUMNS):
        parts.append(read_media(batch.rows))
        hashes.append(string_hashes(batch.rows.column("media_id").combine_chunks()))
    if not parts:
        empty = np.empty(0, dtype=np.int64)
        no_severities = np.empty((0, len(DISTORTIONS)), dtype=np.int8)
        parts.append(Media(empty, empty, no_severities, empty.astype(bool)))
    columns = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("present", "absent", "severities", "outside")
    )
    return Media(*columns), np.concatenate(hashes)


def _flat(rows: pa.Table, column: str) -> tuple[Ints, Any]:
    """The items of a list column, and the row of each."""
    lists = rows.column(column).combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return np.repeat(np.arange(len(rows)), lengths), pc.list_flatten(lists)


def _codes(names: Any) -> Ints:
    indices = pc.index_in(names, value_set=pa.array(DISTORTIONS, names.type))
    codes: Ints = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def take_media(media: Media, rows: Ints) -> Media:
    """The media of these rows."""
    return Media(
        media.present[rows], media.absent[rows], media.severities[rows], media.outside[rows]
    )


def sets_of(flags: Mask) -> Ints:
    """Mask `[rows, 13]` as sets."""
    sets: Ints = (flags * _BITS).sum(axis=1).astype(np.int64)
    return sets
