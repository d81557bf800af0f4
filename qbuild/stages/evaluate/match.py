"""Predictions matched with opinion scores: one row per model and medium."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qbuild.core.canonical import canonical_json, dataset_of
from qbuild.core.engine.stage import Inputs
from qbuild.core.errors import InputError, UsageError
from qbuild.core.rows.duplicates import deduplicate
from qbuild.core.rows.rejections import RejectedRow, Rejection, rejected_table
from qbuild.core.rows.split_filter import NONE, SplitFilter, format_split_counts
from qbuild.quality.level_scores import score_from_logits
from qbuild.stages.evaluate.options import EvaluateOptions

Row = dict[str, Any]

# neither the place of a prediction nor its question is part of its content
_NOT_CONTENT = ("source_file", "source_row", "sample_id")
WITH_SOURCES = ("corruption", "clip", "distortion")  # schemas with the source of a medium
_NORM = (0.0, 100.0)
_UNKNOWN = (np.nan, np.nan)


@dataclass(frozen=True)
class Opinion:
    """The opinion score of a medium; `low` and `high` bound its scale, NaN if undeclared."""

    media_id: str
    dataset: str
    path: str
    mos: float
    low: float
    high: float
    split: str | None = None


class Opinions:
    """Opinion scores by id, path and file name, without the media in `conflicting`.

    With `splits`, media with two scores of different splits conflict; a missing split differs from
    none. UsageError for a split that no score has.
    """

    def __init__(self, opinions: Iterable[Opinion], splits: tuple[str, ...] = ()) -> None:
        given = list(opinions)
        known: dict[str, set[str]] = {}
        for one in given:
            known.setdefault(one.media_id, set()).update({one.split} - {None})  # type: ignore[arg-type]
        several = {media_id for media_id, names in known.items() if splits and len(names) > 1}
        unique = deduplicate(given, lambda one: one.media_id, lambda one: one.mos)
        self.by_id = {
            one.media_id: replace(one, split=min(known[one.media_id], default=None))
            for one in unique.kept
            if one.media_id not in several
        }
        self.conflicting = {
            one: f"the opinion scores of {one} are in several splits" for one in several
        }
        self.conflicting |= {
            one.media_id: f"the opinion scores of {one.media_id} conflict"
            for one, *_ in unique.conflicts
        }
        self.splits = SplitFilter(splits)
        self.splits.count(one.split for one in self.by_id.values())
        self.splits.check("the opinion scores")
        self._by_path: dict[str, list[Opinion]] = {}
        self._by_name: dict[str, list[Opinion]] = {}
        for one in self.by_id.values():
            self._by_path.setdefault(one.path, []).append(one)
            self._by_name.setdefault(PurePosixPath(one.path).name, []).append(one)

    def find(self, media_id: str, path: str, match: str) -> tuple[Opinion | None, str]:
        """The score of a medium and how it matched (id, path, name), or None and why not."""
        if media_id in self.conflicting:
            return None, self.conflicting[media_id]
        if media_id in self.by_id:
            return self.by_id[media_id], "id"
        if match == "id":
            return None, f"no opinion score has the media id {media_id}"
        name = PurePosixPath(path).name
        for how, known, key in (("path", self._by_path, path), ("name", self._by_name, name)):
            opinions = known.get(key, [])
            if len(opinions) == 1:
                return opinions[0], how
            if opinions:
                return None, f"{len(opinions)} opinion scores have the {how} {key}"
        return None, f"no opinion score has the path or file name {path}"


# a prediction with its opinion score; `predicted` is on [0, 1] where `on_unit_scale`
MATCH = np.dtype(
    [
        ("model", object), ("dataset", object), ("media_id", object), ("predicted", float),
        ("on_unit_scale", bool), ("mos", float), ("low", float), ("high", float),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class _Match:
    row: Row
    opinion: Opinion
    predicted: float
    on_unit_scale: bool
    how: str

    def as_tuple(self) -> tuple[Any, ...]:
        """The fields of `MATCH`."""
        one = self.opinion
        ids = (self.row["model"], one.dataset, one.media_id)
        return (*ids, self.predicted, self.on_unit_scale, one.mos, one.low, one.high)


@dataclass
class MatchedRows:
    """The rows compared, in order of model and medium, and what was not compared."""

    rows: NDArray[Any]  # of type MATCH
    aliases: list[tuple[str, ...]]  # other ids, hash and source of the medium of each row
    rejected: pa.Table | None
    predictions: int
    collapsed: int
    matched: dict[str, int]  # by how they were matched
    unpredicted: dict[str, int]  # opinion scores without a prediction, by dataset
    conflicting: list[str]  # media whose opinion scores conflict
    left_out: dict[str, int]  # predictions on media of other splits


def match_rows(inputs: Inputs, options: EvaluateOptions) -> MatchedRows:
    """Every prediction with its opinion score; duplicates collapse, the others are rejected.

    Raises InputError or UsageError where there are no opinion scores at all.
    """
    rows = _read_predictions(inputs)
    opinions = _read_opinions(inputs, rows, options)
    no_score = Rejection("no-score", "the row holds neither a score nor logits")
    rejections = [(row, no_score) for row in rows if not _has_score(row)]
    scored = [row for row in rows if _has_score(row)]
    unique = deduplicate(scored, lambda row: (row["model"], row["media_id"]), _content)
    rejections += [
        (row, Rejection("conflict", f"{row['media_id']} has other predictions too; all rejected"))
        for group in unique.conflicts
        for row in group
    ]
    matches: list[_Match] = []
    left_out: Counter[str] = Counter()
    for row in unique.kept:
        opinion, how = opinions.find(row["media_id"], row["path"], options.match)
        if opinion is None:
            rejections.append((row, Rejection("no-opinion", how)))
        elif not opinions.splits.takes(opinion.split):
            left_out[opinion.split or NONE] += 1
        else:
            matches.append(_Match(row, opinion, *_predicted_score(row, options.temperature), how))
    if left_out and not matches:
        raise _nothing_predicted(opinions.splits, left_out)
    matches, shared = _one_per_opinion(matches)
    predicted = {one.opinion.media_id for one in matches}
    unpredicted = Counter(
        one.dataset
        for media_id, one in opinions.by_id.items()
        if media_id not in predicted and opinions.splits.takes(one.split)
    )
    sources = _read_sources(inputs)
    return MatchedRows(
        rows=np.array([one.as_tuple() for one in matches], dtype=MATCH),
        aliases=[_aliases(one, sources) for one in matches],
        rejected=_rejected_table([*rejections, *shared]),
        predictions=len(rows),
        collapsed=unique.collapsed,
        matched=dict(sorted(Counter(one.how for one in matches).items())),
        unpredicted=dict(sorted(unpredicted.items())),
        conflicting=sorted(opinions.conflicting),
        left_out=dict(sorted(left_out.items())),
    )


def _nothing_predicted(splits: SplitFilter, left_out: Counter[str]) -> InputError:
    return InputError(
        f"--split {' '.join(splits.names)}",
        f"no prediction is about its media, only about {format_split_counts(left_out)}",
        f"expected predictions for {format_split_counts(splits.taken)}",
        "Score these media too.",
    )


def _read_predictions(inputs: Inputs) -> list[Row]:
    """The predictions; those without a source file are placed in their artifact."""
    rows: list[Row] = [row for batch in inputs.scan() for row in batch.rows.to_pylist()]
    places = ((one.path.name, row) for one in inputs.artifacts for row in range(1, one.rows + 1))
    for row, (name, number) in zip(rows, places, strict=False):  # fewer rows with a limit
        if row["source_file"] is None or row["source_row"] is None:
            row |= {"source_file": name, "source_row": number}
    return rows


def _read_opinions(inputs: Inputs, rows: list[Row], options: EvaluateOptions) -> Opinions:
    """The opinion scores of the side inputs, else those in the predictions themselves."""
    scale = options.scale
    given = list(_side_opinions(inputs, scale))
    if not given and scale == "norm":
        what = "no level artifact is given"
        raise UsageError("--scale", what, "expected levels, which have a mos_norm")
    opinions = Opinions(given or _own_opinions(rows), options.split)
    if not opinions.by_id:
        raise InputError(
            "evaluate",
            "no opinion score is given",
            "expected a rating or level artifact too, or scores in the prediction files",
            "Make one with `qbuild ingest-ratings` or `qbuild mos-to-levels`.",
        )
    return opinions


def _side_opinions(inputs: Inputs, scale: str) -> Iterator[Opinion]:
    for schema in ("level",) if scale == "norm" else ("rating", "level"):
        value = "mos_norm" if scale == "norm" else "mos"
        for table in inputs.side_inputs(schema):
            names = ["media_id", "dataset", "path", value, "scale_low", "scale_high", "split"]
            columns: list[list[Any]] = [table.column(name).to_pylist() for name in names]
            for media_id, dataset, path, mos, low, high, split in zip(*columns, strict=True):
                declared = low is not None and high is not None
                ends = _NORM if scale == "norm" else (low, high) if declared else _UNKNOWN
                yield Opinion(media_id, dataset, path, mos, ends[0], ends[1], split)


def _own_opinions(rows: list[Row]) -> Iterator[Opinion]:
    for row in rows:
        if row["mos"] is not None:
            media_id = row["media_id"]
            yield Opinion(media_id, dataset_of(media_id), row["path"], row["mos"], *_UNKNOWN)


def _read_sources(inputs: Inputs) -> dict[str, str]:
    """The source of each medium that a side input about made or labelled media names."""
    sources: dict[str, str] = {}
    for schema in WITH_SOURCES:
        for table in inputs.side_inputs(schema):
            rows = table.select(["media_id", "source_media_id"]).to_pylist()
            sources |= {
                row["media_id"]: row["source_media_id"] for row in rows if row["source_media_id"]
            }
    return sources


def _aliases(match: _Match, sources: dict[str, str]) -> tuple[str, ...]:
    """The other id of a medium, the hash of its file, and its source, as far as known."""
    ids = (match.row["media_id"], match.opinion.media_id)
    found = (ids[0], match.row["sha256"], *map(sources.get, ids))
    return tuple(one for one in found if one)


def _has_score(row: Row) -> bool:
    return any(row[name] is not None for name in ("score", "raw_score", "logits"))


def _predicted_score(row: Row, temperature: float) -> tuple[float, bool]:
    """The predicted score, and whether it is on [0, 1]; from logits if a temperature is given."""
    logits = row["logits"]
    if logits is not None and (temperature or (row["score"] is None and row["raw_score"] is None)):
        temperature = temperature or row["temperature"] or 1.0
        return float(score_from_logits(logits, temperature=temperature)), True
    if row["score"] is not None:
        return row["score"], True
    return row["raw_score"], False


def _content(row: Row) -> str:
    return canonical_json({name: row[name] for name in row if name not in _NOT_CONTENT})


def _one_per_opinion(
    matches: list[_Match],
) -> tuple[list[_Match], list[tuple[Row, Rejection]]]:
    """The matches in order of model and medium; those of a model that share a score are rejected.

    Metrics and intervals depend on the set of rows, not on the order of the inputs.
    """
    by_score: dict[tuple[str, str], list[_Match]] = {}
    for one in matches:
        by_score.setdefault((one.row["model"], one.opinion.media_id), []).append(one)
    message = "another prediction has the opinion score of {} too"
    rejections = [
        (one.row, Rejection("conflict", message.format(media_id)))
        for (_, media_id), group in by_score.items()
        for one in (group if len(group) > 1 else [])
    ]
    return [group[0] for _, group in sorted(by_score.items()) if len(group) == 1], rejections


def _rejected_table(rejections: list[tuple[Row, Rejection]]) -> pa.Table | None:
    """The rejected rows sorted by file and row, whatever the order of the inputs."""
    rejected = [
        RejectedRow(
            row["source_file"],
            row["source_row"],
            Rejection(why.reason, why.message, "media_id", row["media_id"]),
            canonical_json(row),
        )
        for row, why in rejections
    ]
    return rejected_table(
        sorted(rejected, key=lambda one: (one.source, one.row, one.rejection.reason))
    )
