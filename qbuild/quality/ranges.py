"""The range of each dataset and the duplicates among the rows, on which the levels depend.

One pass over the ratings keeps 20 bytes per row: score, hash of the id, dataset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qbuild.core.engine.prefetch import prefetch
from qbuild.core.engine.stage import Batch, Inputs
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, QbuildError, raise_all
from qbuild.core.rows.duplicates import Duplicates, find_duplicates
from qbuild.core.rows.rejections import reject_rows
from qbuild.core.rows.string_hash import string_hashes
from qbuild.quality.arrays import Floats, Ints, Keys
from qbuild.quality.levels import Closed, Range, level_agreement, trimmed_range

if TYPE_CHECKING:
    from qbuild.core.rows.rejections import PlacedRejections

_NONE = "none"
Scales = set[tuple[float | None, float | None]]
Rule = tuple[str, tuple[str, ...]]  # observed, declared, trimmed or fixed, and its numbers


@dataclass
class LevelState:
    """Ranges by dataset and the duplicates among the rows, for every batch."""

    datasets: list[str]
    edges: Floats  # (6, datasets)
    duplicates: Duplicates
    sampled: str  # why the ratings are a sample of a set, or ""
    scores: list[Floats] = field(default_factory=list, repr=False)  # by dataset, for the report

    def __getstate__(self) -> dict[str, Any]:
        """Without the scores, which no worker needs."""
        return {**self.__dict__, "scores": []}

    def deduplicate(self, batch: Batch) -> tuple[pa.Table, Ints, list[PlacedRejections], Tally]:
        """The rows to keep, their positions in the batch, the conflicting rows, counts."""
        unique = self.duplicates.deduplicate(batch)
        rejections: list[PlacedRejections] = []
        tally = Tally(collapsed=unique.collapsed)
        if len(unique.conflicts):
            rejections.append(unique.rejections("media_id"))
            self.count(tally, "rejected", self.codes(unique.conflicting))
        return unique.rows, unique.positions, rejections, tally

    def edges_of(self, codes: Ints) -> Floats:
        """The edges of each row, (6, rows); (6, 1) where all rows are of one dataset."""
        same = len(codes) > 0 and bool((codes == codes[0]).all())
        return self.edges[:, codes[:1]] if same else self.edges[:, codes]

    def codes(self, rows: pa.Table) -> Ints:
        """The position of each row's dataset in `datasets`."""
        return dataset_codes(rows.column("dataset"), self.datasets)

    def count(self, tally: Tally, kind: str, codes: Ints) -> None:
        """Count how many of these rows are of each dataset."""
        counts = np.bincount(codes, minlength=len(self.datasets)).tolist()
        for dataset, count in zip(self.datasets, counts, strict=True):
            tally.add(kind, dataset, count=count)

    def count_levels(self, tally: Tally, codes: Ints, level: NDArray[np.int8]) -> None:
        """Count how many rows of each dataset are in each level."""
        counts = np.bincount(codes * 6 + level, minlength=6 * len(self.datasets)).reshape(-1, 6)
        for dataset, of_levels in zip(self.datasets, counts.tolist(), strict=True):
            for number in range(1, 6):
                tally.add("level", dataset, str(number), count=of_levels[number])

    def reject_outside(self, rows: pa.Table) -> pa.Table:
        """Rows outside their dataset's range, as rejected rows."""
        records = rows.to_pylist()
        edges = self.edges[:, self.codes(rows)]
        messages = [
            f"mos {row['mos']!r} lies outside [{low:g}, {high:g}] of {row['dataset']}"
            for row, low, high in zip(records, edges[0], edges[5], strict=True)
        ]
        return reject_rows(records, "outside-range", messages, "mos")

    def figures(
        self, tally: Tally, words: tuple[str, ...], closed: Closed, *, inside: bool
    ) -> list[dict[str, Any]]:
        """The report of each dataset; `inside` leaves out the scores that were rejected."""
        figures = []
        for at, dataset in enumerate(self.datasets):
            edges, scores = self.edges[:, at], np.sort(self.scores[at])
            if inside:
                scores = scores[(scores >= edges[0]) & (scores <= edges[5])]
            srcc, plcc = level_agreement(scores, edges, closed) if len(scores) else (None, None)
            errors = tally["errors", dataset]
            figures.append(
                {
                    "dataset": dataset,
                    "rows": len(scores),
                    "low": float(edges[0]),
                    "high": float(edges[5]),
                    "srcc": srcc,
                    "plcc": plcc,
                    "levels": {w: tally["level", dataset, str(i)] for i, w in enumerate(words, 1)},
                    "clamped": tally["clamped", dataset],
                    "rejected": tally["rejected", dataset],
                    "flip_share": tally["flips", dataset] / errors if errors else None,
                }
            )
        return figures


def prepare_levels(inputs: Inputs, rule: Rule) -> LevelState:
    """The state of a run over these ratings; InputError for a dataset without a range."""
    ratings = _read_ratings(inputs, declared=rule[0] == "declared")
    duplicates = find_duplicates(inputs, "media_id", ratings.hashes)
    ratings.hashes = np.empty(0, dtype=np.uint64)
    scores = ratings.by_dataset(duplicates)
    edges = np.empty((6, len(scores)))
    problems: list[QbuildError] = []
    for at, dataset in enumerate(ratings.datasets):
        try:
            edges[:, at] = _range(dataset, scores[at], rule, ratings.scales.get(dataset)).edges
        except QbuildError as error:
            problems.append(error)
    raise_all(problems)
    return LevelState(ratings.datasets, edges, duplicates, _sampled(inputs), scores)


def dataset_codes(column: Any, datasets: list[str]) -> Ints:
    """The position in `datasets` of each row's dataset; new names are appended."""
    positions = {name: at for at, name in enumerate(datasets)}
    codes = []
    for chunk in column.chunks:
        array = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        names = array.dictionary.to_pylist()
        table = np.zeros(max(len(names), 1), dtype=np.int64)
        for code in pc.unique(array.indices).to_pylist():
            if names[code] not in positions:
                positions[names[code]] = len(datasets)
                datasets.append(names[code])
            table[code] = positions[names[code]]
        codes.append(table[array.indices.to_numpy(zero_copy_only=False)])
    return np.concatenate(codes) if codes else np.empty(0, dtype=np.int64)


@dataclass
class _Ratings:
    """Of every row 20 bytes: its dataset's position, its score and the hash of its id."""

    datasets: list[str]
    scales: dict[str, Scales]
    codes: NDArray[np.int32]
    mos: Floats
    hashes: Keys

    def by_dataset(self, duplicates: Duplicates) -> list[Floats]:
        """The scores of the rows kept, per dataset; InputError for a dataset that keeps none."""
        codes = self.codes
        if duplicates.row_status is not None:
            codes = np.where(duplicates.kept(len(codes)), codes, -1)
        scores = [self.mos[codes == code] for code in range(len(self.datasets))]
        raise_all(
            InputError(
                dataset,
                "no usable row: all conflict",
                "expected one score per medium",
                "Correct the ratings, or leave the dataset out.",
            )
            for dataset, kept in zip(self.datasets, scores, strict=True)
            if not len(kept)
        )
        return scores


def _read_ratings(inputs: Inputs, *, declared: bool) -> _Ratings:
    columns = ["media_id", "dataset", "mos"] + (["scale_low", "scale_high"] if declared else [])
    count = inputs.rows
    codes, hashes = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.uint64)
    ratings = _Ratings([], {}, codes, np.empty(count), hashes)
    for batch in prefetch(inputs.scan(columns)):
        window = slice(batch.start, batch.start + len(batch.rows))
        ratings.codes[window] = dataset_codes(batch.rows.column("dataset"), ratings.datasets)
        _check_scores(batch)
        ratings.mos[window] = batch.rows.column("mos").to_numpy()
        ratings.hashes[window] = string_hashes(batch.rows.column("media_id").combine_chunks())
        if declared:
            scales = batch.rows.select(["dataset", "scale_low", "scale_high"])
            for row in scales.group_by(scales.column_names).aggregate([]).to_pylist():
                ends = (row["scale_low"], row["scale_high"])
                ratings.scales.setdefault(row["dataset"], set()).add(ends)
    return ratings


def _check_scores(batch: Batch) -> None:
    """Raise an InputError for rows without a score, which session logs may have."""
    scores = batch.rows.column("mos")
    if not scores.null_count:
        return
    media: list[Any] = batch.rows.filter(scores.is_null()).column("media_id").to_pylist()
    raise_all(
        InputError(
            medium,
            "has no score",
            "expected a mos in every row",
            "Give logs that come with scores, or leave it out.",
        )
        for medium in media
    )


def _range(dataset: str, scores: Floats, rule: Rule, scales: Scales | None) -> Range:
    name, numbers = rule
    if name == "fixed":
        return Range(float(numbers[0]), float(numbers[1]))
    if name == "declared":
        range_ = _declared_range(dataset, scales)
    elif name == "trimmed":
        range_ = trimmed_range(np.sort(scores), Decimal(numbers[0]))
    else:
        range_ = Range(float(scores.min()), float(scores.max()))
    if not isfinite(range_.high - range_.low):
        raise InputError(
            dataset,
            f"its scores from {range_.low:g} to {range_.high:g} span more than a number can hold",
            "expected scores on one scale",
            "Correct the scores, or name a range with --range LOW:HIGH.",
        )
    if not range_.low < range_.high:
        what = f"its {name} range is empty ({range_.low:g} to {range_.high:g})"
        raise InputError(
            dataset,
            f"all scores are equal ({range_.low:g})" if name == "observed" else what,
            "levels need a range",
            "Leave the dataset out, or name a range with --range LOW:HIGH.",
        )
    return range_


def _declared_range(dataset: str, scales: Scales | None) -> Range:
    if scales is not None and len(scales) == 1:
        low, high = next(iter(scales))
        if low is not None and high is not None:
            return Range(low, high)
    listed = ", ".join(sorted(_format_scale(low, high) for low, high in scales or ()))
    several = f"declares no single scale (scale_low:scale_high are {listed})"
    raise InputError(
        dataset,
        "declares no scale" if listed in ("", _NONE) else several,
        "expected one declared scale per dataset",
        "Name a range with --range LOW:HIGH.",
    )


def _format_scale(*ends: float | None) -> str:
    if ends == (None, None):
        return _NONE
    return ":".join(_NONE if end is None else f"{end:g}" for end in ends)


def _sampled(inputs: Inputs) -> str:
    """Why the ratings are a sample of a set, or `""`."""
    if inputs.limit is not None:
        return f"--limit {inputs.limit}"
    for description in (artifact.description for artifact in inputs.artifacts):
        if description.limit is not None:
            return f"an input was made with --limit {description.limit}"
        if description.stage.name == "sample":
            return "an input was sampled"
    return ""
