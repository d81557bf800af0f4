"""What is known of each medium's distortions, as sets in one number each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from qbuild.core.rows.string_hash import string_hashes
from qbuild.quality.distortions import DISTORTIONS, SPATIAL
from qbuild.stages.distortion_qa.questions import BRINGS

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from qbuild.core.engine.stage import Inputs

    Ints = NDArray[np.int64]
    Keys = NDArray[np.uint64]
    Flags = NDArray[np.bool_]

COLUMNS = ["media_id", "kind", "distortions", "others", "judged"]
CODES = np.arange(len(DISTORTIONS))
_BITS = 1 << CODES
_OF_KIND = {"image": int(_BITS[: len(SPATIAL)].sum()), "video": int(_BITS.sum())}
_BRINGS = np.array(
    [sum(1 << DISTORTIONS.index(n) for n in BRINGS.get(name, ())) for name in DISTORTIONS]
)


@dataclass(frozen=True)
class Media:
    """What is known of each medium; a set of distortions is a number, bit i for DISTORTIONS[i]."""

    present: Ints  # [rows]
    absent: Ints  # [rows], looked for and not there
    severities: NDArray[np.int8]  # [rows, 13], 0 where unknown
    outside: Flags  # [rows], whether there are labels outside the thirteen


def read_media(rows: pa.Table) -> Media:
    """What some rows say of their media."""
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
    all_of_it = rows.column("judged").is_null().to_numpy()
    judged = np.where(all_of_it, possible, judged)
    brought = np.zeros(count, dtype=np.int64)
    for code in CODES:
        brought |= np.where(present >> code & 1, _BRINGS[code], 0)
    others = pc.list_value_length(rows.column("others")).to_numpy() > 0
    return Media(present, judged & possible & ~present & ~brought, severities, others)


def gather(inputs: Inputs) -> tuple[Media, Keys]:
    """The media of all inputs, and hashes of their ids."""
    parts, hashes = [], [np.empty(0, dtype=np.uint64)]
    for batch in inputs.scan(COLUMNS):
        parts.append(read_media(batch.rows))
        hashes.append(string_hashes(batch.rows.column("media_id").combine_chunks()))
    if not parts:
        none = np.empty(0, dtype=np.int64)
        no_severity = np.empty((0, len(DISTORTIONS)), dtype=np.int8)
        parts.append(Media(none, none, no_severity, none.astype(bool)))
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
    import pyarrow as pa

    found = pc.index_in(names, value_set=pa.array(DISTORTIONS, names.type))
    codes: Ints = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def part_of(media: Media, rows: Ints) -> Media:
    """These rows of the media."""
    return Media(
        media.present[rows], media.absent[rows], media.severities[rows], media.outside[rows]
    )


def sets_of(flags: Flags) -> Ints:
    """Flags `[rows, 13]` as sets."""
    found: Ints = (flags * _BITS).sum(axis=1).astype(np.int64)
    return found
