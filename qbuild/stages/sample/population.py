"""The rows that may be sampled: read once, without repeats and without excluded media."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from qbuild.core.canonical import row_seed
from qbuild.core.engine.prefetch import ahead
from qbuild.core.errors import InputError, SchemaError
from qbuild.core.media_roots import MediaRoots, media_of
from qbuild.core.rows.duplicates import Duplicates, find_duplicates
from qbuild.core.rows.string_hash import string_hashes
from qbuild.quality.exclusion import ID_AND_HASH, MediaSet, find_same_content, read_media_sets
from qbuild.quality.plots.histogram import bin_counts
from qbuild.quality.ranges import dataset_codes
from qbuild.quality.sampling import moments, row_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from qbuild.core.engine.stage import Batch, Inputs


@dataclass
class Source:
    """One dataset's rows that may be taken, on the scale asked for, and its figures before."""

    name: str
    places: NDArray[np.int64]  # of the rows that nothing excludes, among all inputs
    scores: NDArray[np.float64]
    levels: NDArray[np.int64]
    keys: NDArray[np.uint64]
    excluded: int
    low: float
    high: float
    before: dict[str, Any]


@dataclass
class Population:
    """The datasets by name, the fate of repeated rows, and what each source excluded."""

    sources: list[Source]
    duplicates: Duplicates
    rows: int  # of all inputs
    excluded: list[dict[str, Any]]
    warnings: list[str]


def population(
    inputs: Inputs, *, scale: str, seed: int, exclude: tuple[str, ...], by_content: bool
) -> Population:
    """All rows that may be taken; InputError where none is left."""
    column = "mos_norm" if scale == "norm" else "mos"
    rows = _gathered(inputs, column, seed)
    duplicates = find_duplicates(inputs, "media_id", rows.hashes)
    usable = duplicates.kept(inputs.rows)
    out, excluded, warnings = _excluded(inputs, exclude, usable, by_content=by_content)
    if not (usable & ~out).any():
        what = "every row is excluded" if usable.any() else "no usable row is left to take"
        raise InputError("sample", what, "expected rows to take", "Exclude less, or add inputs.")
    sources = [
        _source(rows, name, usable & (rows.codes == code), out, fixed=scale == "norm")
        for code, name in enumerate(rows.datasets)
    ]
    return Population(sources, duplicates, inputs.rows, excluded, warnings)


def figures(
    scores: NDArray[np.float64], levels: NDArray[np.int64], low: float, high: float
) -> dict[str, Any]:
    """Rows, mean, sample deviation, rows of each level and of each of ten bins."""
    mean, std = moments(scores)
    counts = np.bincount(levels, minlength=6)[1:].tolist()
    return {
        "rows": len(scores),
        "mean": mean,
        "std": std,
        "levels": {str(level): count for level, count in enumerate(counts, 1)},
        "bins": bin_counts(scores, low, high),
    }


@dataclass
class _Rows:
    """What one pass keeps of every row, 40 bytes; a code is a place among the sorted names."""

    datasets: list[str]
    codes: NDArray[np.int64]
    levels: NDArray[np.int64]
    scores: NDArray[np.float64]
    keys: NDArray[np.uint64]
    hashes: NDArray[np.uint64]


def _gathered(inputs: Inputs, column: str, seed: int) -> _Rows:
    count = inputs.rows
    names: list[str] = []
    codes, levels = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    scores, hashes = np.empty(count), np.empty(count, dtype=np.uint64)
    for batch in ahead(inputs.scan(["media_id", "dataset", "level", column])):
        place = slice(batch.start, batch.start + len(batch.rows))
        codes[place] = dataset_codes(batch.rows.column("dataset"), names)
        scores[place] = batch.rows.column(column).to_numpy()
        levels[place] = _sound_levels(batch, scores[place], column)
        hashes[place] = string_hashes(batch.rows.column("media_id").combine_chunks())
    ordered = sorted(names)  # so that nothing depends on which dataset is met first
    place_of = np.array([ordered.index(name) for name in names], dtype=np.int64)
    keys = row_keys(hashes, row_seed(seed, "sample"))
    return _Rows(ordered, place_of[codes], levels, scores, keys, hashes)


def _sound_levels(batch: Batch, scores: NDArray[np.float64], column: str) -> NDArray[np.int64]:
    """The levels; SchemaError for rows that no stage wrote, before anything is counted on them."""
    levels = batch.rows.column("level").to_numpy().astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(scores) & (levels >= 1) & (levels <= 5)))
    if len(bad):
        raise SchemaError(
            f"row {batch.start + int(bad[0]) + 1}",
            f"{column} {scores[bad[0]]} with level {levels[bad[0]]:g}",
            "expected a finite score and a level from 1 to 5",
            "Make the levels again with `qbuild mos-to-levels`.",
        )
    return levels.astype(np.int64)


def _source(
    rows: _Rows, name: str, mine: NDArray[np.bool_], out: NDArray[np.bool_], *, fixed: bool
) -> Source:
    """One dataset; its range is 0 … 100, or that of its scores where no scale is fixed."""
    scores, places = rows.scores[mine], np.flatnonzero(mine & ~out)
    low, high = 0.0, 100.0
    if not fixed and len(scores):
        low, high = float(scores.min()), float(scores.max())
    return Source(
        name=name,
        places=places,
        scores=rows.scores[places],
        levels=rows.levels[places],
        keys=rows.keys[places],
        excluded=int(np.count_nonzero(mine & out)),
        low=low,
        high=high,
        before=figures(scores, rows.levels[mine], low, high),
    )


# -------------------------------------------------------------------------------- exclusion


def _excluded(
    inputs: Inputs, exclude: tuple[str, ...], usable: NDArray[np.bool_], *, by_content: bool
) -> tuple[NDArray[np.bool_], list[dict[str, Any]], list[str]]:
    """Which rows media used elsewhere take out, how many each source, and what is worth a word."""
    sources = _excluding(inputs, exclude)
    ids = _rows_named(inputs, [source.ids for source in sources], usable)
    contents, warnings = np.zeros_like(ids), list[str]()
    if by_content and sources:
        contents, warnings = _by_content(inputs, sources, usable & ~ids.any(axis=0))
    told = [
        {
            "source": source.name,
            "media": len(source.ids),
            "by_id": int(np.count_nonzero(ids[at])),
            "by_content": int(np.count_nonzero(contents[at])),
        }
        for at, source in enumerate(sources)
    ]
    warnings += [
        f"{one['source']} excluded no row: none of its {one['media']:,} media is in the inputs"
        for one in told
        if not one["by_id"] and not one["by_content"]
    ]
    return np.any(ids | contents, axis=0), told, warnings


def _excluding(inputs: Inputs, exclude: tuple[str, ...]) -> list[MediaSet]:
    pairs = MediaSet("instruction inputs")
    for table in inputs.beside("instruction"):
        pairs.add(media_of(table, ID_AND_HASH))
    return [*read_media_sets(exclude), *([pairs] if pairs.ids else [])]


def _rows_named(
    inputs: Inputs, sets: list[set[str]], usable: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(sets, rows): which of the usable rows has a media id of each set."""
    found = np.zeros((len(sets), len(usable)), np.bool_)
    for batch in inputs.scan(["media_id"]) if sets else ():
        ids = batch.rows.column("media_id").to_pylist()
        for at, names in enumerate(sets):
            found[at, batch.start : batch.start + len(ids)] = [name in names for name in ids]
    return found & usable


def _by_content(
    inputs: Inputs, sources: list[MediaSet], left: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], list[str]]:
    """(sources, rows): of whose media each row's file has the bytes; what could not be seen."""
    roots = MediaRoots.parse(inputs.media_roots)
    same = find_same_content(sources, _candidates(inputs, left), roots)
    unseen = [
        f"{dataset}: {count:,} media not found below the media roots are compared by id alone"
        for dataset, count in sorted(same.missing.items())
    ]
    return _rows_named(inputs, same.ids, left), unseen


def _candidates(inputs: Inputs, left: NDArray[np.bool_]) -> Iterator[tuple[str, str, str]]:
    """Id, dataset and path of each row that is left."""
    for batch in inputs.scan(["media_id", "dataset", "path"]):
        rows = batch.rows.filter(pa.array(left[batch.start : batch.start + len(batch.rows)]))
        for row in rows.to_pylist():
            yield row["media_id"], row["dataset"], row["path"]
