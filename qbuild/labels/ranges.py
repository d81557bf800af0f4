"""What the levels of a row depend on beyond the row: its dataset's range, and its duplicates.

One pass over the ratings keeps 8 bytes of score and 8 of id a row; full rows are read again only
where two ids agree.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.errors import InputError, QbuildError, raise_all
from qbuild.core.ids import string_hashes
from qbuild.core.levels import Range, agreement, trimmed_range
from qbuild.core.rejects import refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qbuild.core.levels import Closed
    from qbuild.core.stage import Batch, Inputs

_PLACE = ("source_file", "source_row")
_KEEP, _COLLAPSED, _CONFLICT = 0, 1, 2


@dataclass
class LevelState:
    """Ranges by dataset and the fate of duplicate rows, for every batch."""

    datasets: list[str]
    edges: NDArray[np.float64]  # (6, datasets)
    fates: NDArray[np.int8] | None  # (rows of all inputs), None where no id stands twice
    sampled: str  # why the ratings are a sample of a set, or ""
    scores: list[NDArray[np.float64]] = field(default_factory=list, repr=False)  # for the figures

    def __getstate__(self) -> dict[str, Any]:
        """Without the scores, which no worker needs."""
        return {**self.__dict__, "scores": []}

    def without_duplicates(self, batch: Batch) -> tuple[pa.Table, pa.Table | None, Counter[str]]:
        """The rows to keep, the conflicting ones as rejected rows, and counts of both."""
        if self.fates is None:
            return batch.rows, None, Counter()
        fates = self.fates[batch.start : batch.start + len(batch.rows)]
        if not fates.any():
            return batch.rows, None, Counter()
        codes = self.codes(batch.rows)
        conflicts = batch.rows.filter(pa.array(fates == _CONFLICT))
        tally = self.count("collapsed", codes[fates == _COLLAPSED])
        tally += self.count("rejected", codes[fates == _CONFLICT])
        rejected = self._conflicts(conflicts) if len(conflicts) else None
        return batch.rows.filter(pa.array(fates == _KEEP)), rejected, tally

    def codes(self, rows: pa.Table) -> NDArray[np.int64]:
        """The position of each row's dataset in `datasets`."""
        return dataset_codes(rows.column("dataset"), self.datasets)

    def count(self, what: str, codes: NDArray[np.int64]) -> Counter[str]:
        """How many of these rows lie in each dataset, under `<what>:<dataset>`."""
        counts = np.bincount(codes, minlength=len(self.datasets)).tolist()
        return Counter({f"{what}:{d}": n for d, n in zip(self.datasets, counts, strict=True) if n})

    def count_levels(self, codes: NDArray[np.int64], level: NDArray[np.int8]) -> Counter[str]:
        """How many rows of each dataset lie in each level, under `level<i>:<dataset>`."""
        counts = np.bincount(codes * 6 + level, minlength=6 * len(self.datasets)).reshape(-1, 6)
        return Counter(
            {
                f"level{level}:{dataset}": int(counts[at, level])
                for at, dataset in enumerate(self.datasets)
                for level in range(1, 6)
                if counts[at, level]
            }
        )

    def out_of_range(self, rows: pa.Table) -> pa.Table:
        """Rows outside their dataset's range, as rejected rows."""
        records = rows.to_pylist()
        edges = self.edges[:, self.codes(rows)]
        messages = [
            f"mos {row['mos']!r} lies outside [{low:g}, {high:g}] of {row['dataset']}"
            for row, low, high in zip(records, edges[0], edges[5], strict=True)
        ]
        return refused(records, "outside-range", messages, "mos")

    def figures(
        self, tally: Counter[str], words: tuple[str, ...], closed: Closed, *, inside: bool
    ) -> list[dict[str, Any]]:
        """The figures of each dataset; `inside` leaves out the scores that were rejected."""
        found = []
        for at, dataset in enumerate(self.datasets):
            edges, scores = self.edges[:, at], np.sort(self.scores[at])
            if inside:
                scores = scores[(scores >= edges[0]) & (scores <= edges[5])]
            srcc, plcc = agreement(scores, edges, closed) if len(scores) else (None, None)
            errors = tally[f"errors:{dataset}"]
            found.append(
                {
                    "dataset": dataset,
                    "rows": len(scores),
                    "low": float(edges[0]),
                    "high": float(edges[5]),
                    "srcc": srcc,
                    "plcc": plcc,
                    "levels": {w: tally[f"level{i}:{dataset}"] for i, w in enumerate(words, 1)},
                    "clamped": tally[f"clamped:{dataset}"],
                    "rejected": tally[f"rejected:{dataset}"],
                    "collapsed": tally[f"collapsed:{dataset}"],
                    "flip_share": tally[f"flips:{dataset}"] / errors if errors else None,
                }
            )
        return found

    def _conflicts(self, rows: pa.Table) -> pa.Table:
        records = rows.to_pylist()
        messages = [
            f"{row['media_id']} stands elsewhere with other values; rows that disagree are all"
            " rejected"
            for row in records
        ]
        return refused(records, "conflict", messages, "media_id")


def gather(inputs: Inputs, rule: tuple[str, tuple[str, ...]]) -> LevelState:
    """The state of a run over these ratings; InputError for a dataset without a range."""
    datasets, scores, hashes, lows, highs = _first_pass(inputs, declared=rule[0] == "declared")
    fates = _fates(inputs, hashes)
    del hashes
    if fates is not None:
        datasets, scores = _kept_scores(inputs, fates, datasets)
    problems: list[QbuildError] = []
    edges = np.empty((6, len(datasets)))
    for at, dataset in enumerate(datasets):
        try:
            found = _range(dataset, scores[at], rule, lows.get(dataset), highs.get(dataset))
            edges[:, at] = found.edges
        except QbuildError as error:
            problems.append(error)
    raise_all(problems)
    return LevelState(datasets, edges, fates, _sampled(inputs), scores)


def dataset_codes(column: Any, datasets: list[str]) -> NDArray[np.int64]:
    """The position in `datasets` of each row's dataset; new names are added at the end."""
    found = []
    for chunk in column.chunks:
        array = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        names = array.dictionary.to_pylist()
        used = set(pc.unique(array.indices).to_pylist())
        table = np.zeros(max(len(names), 1), dtype=np.int64)
        for code in sorted(used):
            if names[code] not in datasets:
                datasets.append(names[code])
            table[code] = datasets.index(names[code])
        found.append(table[array.indices.to_numpy(zero_copy_only=False)])
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _first_pass(
    inputs: Inputs, *, declared: bool
) -> tuple[list[str], list[Any], Any, dict[str, Any], dict[str, Any]]:
    columns = ["media_id", "dataset", "mos"] + (["scale_low", "scale_high"] if declared else [])
    datasets: list[str] = []
    parts: list[list[NDArray[np.float64]]] = []
    hashes: list[NDArray[np.uint64]] = []
    scales: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for batch in inputs.scan(columns):
        codes = dataset_codes(batch.rows.column("dataset"), datasets)
        parts += [[] for _ in range(len(datasets) - len(parts))]
        mos = batch.rows.column("mos").to_numpy()
        for code in np.unique(codes).tolist():
            own = codes == code
            parts[code].append(mos[own])
            if declared:
                _note_scale(scales, datasets[code], batch.rows.filter(pa.array(own)))
        hashes += [string_hashes(chunk) for chunk in batch.rows.column("media_id").chunks]
    scores = [np.concatenate(part) for part in parts]
    together = np.concatenate(hashes) if hashes else np.empty(0, dtype=np.uint64)
    return datasets, scores, together, *scales


def _note_scale(scales: tuple[dict[str, Any], ...], dataset: str, rows: pa.Table) -> None:
    for known, column in zip(scales, ("scale_low", "scale_high"), strict=True):
        known.setdefault(dataset, set()).update(pc.unique(rows.column(column)).to_pylist())


def _range(
    dataset: str,
    scores: NDArray[np.float64],
    rule: tuple[str, tuple[str, ...]],
    lows: set[float | None] | None,
    highs: set[float | None] | None,
) -> Range:
    name, numbers = rule
    if name == "fixed":
        return Range(float(numbers[0]), float(numbers[1]))
    if name == "declared":
        found = _declared(dataset, lows or {None}, highs or {None})
    elif name == "trimmed":
        found = trimmed_range(np.sort(scores), Decimal(numbers[0]))
    else:
        found = Range(float(scores.min()), float(scores.max()))
    if not found.low < found.high:
        raise InputError(
            dataset,
            f"has no range: every score is {found.low:g}",
            "expected scores that differ",
            "Leave the dataset out, or name a range with --range LOW:HIGH.",
        )
    return found


def _declared(dataset: str, lows: set[float | None], highs: set[float | None]) -> Range:
    if len(lows) == len(highs) == 1:
        low, high = next(iter(lows)), next(iter(highs))
        if low is not None and high is not None:
            return Range(low, high)
    ends = sorted(str(x) for x in lows | highs)
    raise InputError(
        dataset,
        f"declares no single scale (scale_low and scale_high hold {', '.join(ends)})",
        "expected one declared scale a dataset",
        "Name a range with --range LOW:HIGH.",
    )


def _fates(inputs: Inputs, hashes: NDArray[np.uint64]) -> NDArray[np.int8] | None:
    """Which rows collapse or conflict; None where no two ids have one hash."""
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return None
    suspects = np.flatnonzero(np.isin(hashes, twice))
    fates = np.zeros(len(hashes), dtype=np.int8)
    places: dict[str, list[tuple[int, str]]] = {}
    for batch in inputs.scan():
        inside = suspects[(suspects >= batch.start) & (suspects < batch.start + len(batch.rows))]
        for at, row in zip(
            inside.tolist(), batch.rows.take(inside - batch.start).to_pylist(), strict=True
        ):
            what = repr([value for name, value in row.items() if name not in _PLACE])
            places.setdefault(row["media_id"], []).append((at, what))
    for rows in places.values():
        same = len({what for _, what in rows}) == 1
        later = rows[1:] if same else rows if len(rows) > 1 else []
        for at, _ in later:
            fates[at] = _COLLAPSED if same else _CONFLICT
    return fates if fates.any() else None


def _kept_scores(
    inputs: Inputs, fates: NDArray[np.int8], datasets: list[str]
) -> tuple[list[str], list[NDArray[np.float64]]]:
    """Datasets that keep a row, and the scores of their kept rows."""
    parts: list[list[NDArray[np.float64]]] = [[] for _ in datasets]
    for batch in inputs.scan(["dataset", "mos"]):
        kept = fates[batch.start : batch.start + len(batch.rows)] == _KEEP
        codes = dataset_codes(batch.rows.column("dataset"), datasets)[kept]
        mos = batch.rows.column("mos").to_numpy()[kept]
        for code in np.unique(codes).tolist():
            parts[code].append(mos[codes == code])
    empty = [dataset for dataset, part in zip(datasets, parts, strict=True) if not part]
    raise_all(
        InputError(dataset, "no usable row: all its rows conflict", "expected one score a medium")
        for dataset in empty
    )
    return datasets, [np.concatenate(part) for part in parts]


def _sampled(inputs: Inputs) -> str:
    if inputs.limit is not None:
        return f"--limit {inputs.limit}"
    for description in inputs.descriptions:
        if description.get("limit") is not None:
            return f"an input was made with --limit {description['limit']}"
        if description["stage"]["name"] == "sample":
            return "an input was sampled"
    return ""
