"""The rows that may be sampled: without duplicates and without excluded media."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from qbuild.core.canonical import row_seed
from qbuild.core.engine.prefetch import prefetch
from qbuild.core.engine.stage import Batch, Inputs
from qbuild.core.errors import InputError, SchemaError
from qbuild.core.media_roots import MediaRoots, media_of, sources_of
from qbuild.core.rows.duplicates import Duplicates, find_duplicates
from qbuild.core.rows.string_hash import string_hashes
from qbuild.quality.arrays import Floats, Ints, Keys, Mask
from qbuild.quality.exclusion import ID_AND_HASH, MediaSet, find_same_content, read_media_sets
from qbuild.quality.plots.histogram import bin_counts
from qbuild.quality.ranges import dataset_codes
from qbuild.quality.sampling import moments, row_keys
from qbuild.stages.sample.options import SampleOptions


@dataclass
class DatasetRows:
    """One dataset's rows that may be taken, with scores on the chosen scale, and its figures."""

    name: str
    positions: Ints  # among all inputs, of the rows that nothing excludes
    scores: Floats
    levels: Ints
    keys: Keys
    excluded: int
    low: float
    high: float
    before: dict[str, Any]


@dataclass
class Population:
    """The datasets by name, the duplicates, and what each source excluded."""

    datasets: list[DatasetRows]
    duplicates: Duplicates
    rows: int  # of all inputs
    excluded: list[dict[str, Any]]
    warnings: list[str]


def read_population(inputs: Inputs, options: SampleOptions) -> Population:
    """All rows that may be taken; InputError where none is left."""
    rows = _read_columns(inputs, options)
    duplicates = find_duplicates(inputs, "media_id", rows.hashes)
    usable = duplicates.kept(inputs.rows)
    excluded, sources, warnings = _exclude(inputs, options, usable)
    if not (usable & ~excluded).any():
        what = "every row is excluded" if usable.any() else "no usable row is left to take"
        raise InputError("sample", what, "expected rows to take", "Exclude less, or add inputs.")
    datasets = [
        _dataset_rows(rows, name, usable & (rows.codes == code), excluded, options.scale)
        for code, name in enumerate(rows.datasets)
    ]
    return Population(datasets, duplicates, inputs.rows, sources, warnings)


def figures(scores: Floats, levels: Ints, low: float, high: float) -> dict[str, Any]:
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
class _Columns:
    """The columns kept of every row, 40 bytes; a code is an index into the sorted names."""

    datasets: list[str]
    codes: Ints
    levels: Ints
    scores: Floats
    keys: Keys
    hashes: Keys


def _read_columns(inputs: Inputs, options: SampleOptions) -> _Columns:
    column = "mos_norm" if options.scale == "norm" else "mos"
    count = inputs.rows
    names: list[str] = []
    codes, levels = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    scores, hashes = np.empty(count), np.empty(count, dtype=np.uint64)
    for batch in prefetch(inputs.scan(["media_id", "dataset", "level", column])):
        window = slice(batch.start, batch.start + len(batch.rows))
        codes[window] = dataset_codes(batch.rows.column("dataset"), names)
        scores[window] = batch.rows.column(column).to_numpy()
        levels[window] = _check_levels(batch, scores[window], column)
        hashes[window] = string_hashes(batch.rows.column("media_id").combine_chunks())
    ordered = sorted(names)  # independent of the order of the inputs
    rank = np.array([ordered.index(name) for name in names], dtype=np.int64)
    keys = row_keys(hashes, row_seed(options.seed, "sample"))
    return _Columns(ordered, rank[codes], levels, scores, keys, hashes)


def _check_levels(batch: Batch, scores: Floats, column: str) -> Ints:
    """The levels of a batch; SchemaError for scores or levels that no stage writes."""
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


def _dataset_rows(rows: _Columns, name: str, own: Mask, excluded: Mask, scale: str) -> DatasetRows:
    """One dataset; its range is 0 … 100, or that of its scores on their own scale."""
    scores, positions = rows.scores[own], np.flatnonzero(own & ~excluded)
    low, high = 0.0, 100.0
    if scale != "norm" and len(scores):
        low, high = float(scores.min()), float(scores.max())
    return DatasetRows(
        name=name,
        positions=positions,
        scores=rows.scores[positions],
        levels=rows.levels[positions],
        keys=rows.keys[positions],
        excluded=int(np.count_nonzero(own & excluded)),
        low=low,
        high=high,
        before=figures(scores, rows.levels[own], low, high),
    )


# -------------------------------------------------------------------------------- exclusion


def _exclude(
    inputs: Inputs, options: SampleOptions, usable: Mask
) -> tuple[Mask, list[dict[str, Any]], list[str]]:
    """Which rows are excluded, how many by each source, and warnings."""
    pairs = MediaSet("instruction inputs")
    for table in inputs.side_inputs("instruction"):
        pairs.add(media_of(table, ID_AND_HASH))
        pairs.sources |= sources_of(table)
    sources = [*read_media_sets(options.exclude), *([pairs] if pairs.ids else [])]
    by_id = _rows_with_ids(inputs, [source.ids for source in sources], usable)
    by_source = _rows_with_ids(inputs, [one.sources - one.ids for one in sources], usable)
    by_content, warnings = np.zeros_like(by_id), list[str]()
    if options.exclude_by == "content" and sources:
        by_content, warnings = _rows_with_content(
            inputs, sources, usable & ~(by_id | by_source).any(axis=0)
        )
    reports = [
        {
            "source": source.name,
            "media": len(source.ids),
            "by_id": int(np.count_nonzero(by_id[at])),
            "by_content": int(np.count_nonzero(by_content[at])),
            **({"by_source": count} if (count := int(np.count_nonzero(by_source[at]))) else {}),
        }
        for at, source in enumerate(sources)
    ]
    warnings += [
        f"{one['source']} excluded no row: none of its {one['media']:,} media is in the inputs"
        for one in reports
        if not one["by_id"] and not one["by_content"] and "by_source" not in one
    ]
    return np.any(by_id | by_source | by_content, axis=0), reports, warnings


def _rows_with_ids(inputs: Inputs, sets: list[set[str]], usable: Mask) -> Mask:
    """(sets, rows): which of the usable rows have a media id of each set."""
    mask = np.zeros((len(sets), len(usable)), np.bool_)
    for batch in inputs.scan(["media_id"]) if sets else ():
        ids = batch.rows.column("media_id").to_pylist()
        for at, names in enumerate(sets):
            mask[at, batch.start : batch.start + len(ids)] = [name in names for name in ids]
    return mask & usable


def _rows_with_content(
    inputs: Inputs, sources: list[MediaSet], left: Mask
) -> tuple[Mask, list[str]]:
    """(sources, rows): which rows have a file with the bytes of a source; warnings."""
    roots = MediaRoots.parse(inputs.media_roots)
    same = find_same_content(sources, _candidates(inputs, left), roots)
    warnings = [
        f"{dataset}: {count:,} media not found below the media roots are compared by id only"
        for dataset, count in sorted(same.missing.items())
    ]
    return _rows_with_ids(inputs, same.ids, left), warnings


def _candidates(inputs: Inputs, left: Mask) -> Iterator[tuple[str, str, str]]:
    """Id, dataset and path of each row that is left."""
    for batch in inputs.scan(["media_id", "dataset", "path"]):
        rows = batch.rows.filter(pa.array(left[batch.start : batch.start + len(batch.rows)]))
        for row in rows.to_pylist():
            yield row["media_id"], row["dataset"], row["path"]
