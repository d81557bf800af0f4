"""Predictions and opinion scores brought together: one row a model and medium."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from qbuild.core.canonical import canonical_json, dataset_of
from qbuild.core.errors import InputError, UsageError
from qbuild.core.rows.rejections import reject_rows
from qbuild.quality.level_scores import score_from_logits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qbuild.core.engine.stage import Inputs
    from qbuild.stages.evaluate.options import EvaluateOptions

    Floats = NDArray[np.float64]

# where a prediction was read, and for which question it was asked, is not what it says
_BESIDE_THE_POINT = ("source_file", "source_row", "sample_id")
_NORM = (0.0, 100.0)
_UNKNOWN = (np.nan, np.nan)


@dataclass(frozen=True)
class Opinion:
    """The opinion score of a medium; `low` and `high` bound its scale, NaN where undeclared."""

    media_id: str
    dataset: str
    path: str
    mos: float
    low: float
    high: float


@dataclass
class Opinions:
    """Opinion scores by id, by path and by file name; `at_odds` are ids whose scores disagree."""

    by_id: dict[str, Opinion]
    at_odds: set[str]
    by_path: dict[str, list[str]]
    by_name: dict[str, list[str]]

    @classmethod
    def of(cls, found: Iterable[Opinion]) -> Opinions:
        """The scores without repeats; media whose scores disagree are left out."""
        by_id: dict[str, Opinion] = {}
        at_odds: set[str] = set()
        for one in found:
            known = by_id.setdefault(one.media_id, one)
            if known.mos != one.mos:
                at_odds.add(one.media_id)
        for media_id in at_odds:
            del by_id[media_id]
        by_path: dict[str, list[str]] = {}
        by_name: dict[str, list[str]] = {}
        for media_id, one in by_id.items():
            by_path.setdefault(one.path, []).append(media_id)
            by_name.setdefault(PurePosixPath(one.path).name, []).append(media_id)
        return cls(by_id, at_odds, by_path, by_name)

    def find(self, media_id: str, path: str, match: str) -> tuple[Opinion | None, str, str]:
        """The score of a medium, how it was found (id, path, name), or why it was not."""
        if media_id in self.at_odds:
            return None, "", f"the opinion scores of {media_id} disagree"
        if media_id in self.by_id:
            return self.by_id[media_id], "id", ""
        if match == "id":
            return None, "", f"no opinion score has the media id {media_id}"
        for how, known, key in (
            ("path", self.by_path, path),
            ("name", self.by_name, PurePosixPath(path).name),
        ):
            ids = known.get(key, [])
            if len(ids) == 1:
                return self.by_id[ids[0]], how, ""
            if ids:
                return None, "", f"{len(ids)} opinion scores have the {how} {key}"
        return None, "", f"no opinion score has the path or file name {path}"


@dataclass
class Pool:
    """The rows compared, in order of model and medium, and what was not compared.

    `predicted` are scores as predicted; `unit` says which lie on [0, 1]. `hashes` and `own_ids` are
    what else a medium is known by.
    """

    models: NDArray[Any]
    datasets: NDArray[Any]
    media: NDArray[Any]
    predicted: Floats
    unit: NDArray[np.bool_]
    opinions: Floats
    low: Floats
    high: Floats
    known_as: list[tuple[str, ...]]
    rejected: pa.Table | None
    predictions: int
    collapsed: int
    matched: dict[str, int]
    unpredicted: dict[str, int]  # opinion scores without a prediction, by dataset
    at_odds: list[str]


def gather(inputs: Inputs, options: EvaluateOptions) -> Pool:
    """Every prediction with its opinion score, repeats collapsed, the others rejected.

    Raises InputError or UsageError where there are no opinion scores at all.
    """
    rows = _placed(inputs)
    given = list(_given(inputs, options.scale))
    if not given and options.scale == "norm":
        what = "no level artifact is given"
        raise UsageError("--scale", what, "expected levels, whose mos_norm is meant")
    opinions = Opinions.of(given or _beside_predictions(rows))
    if not opinions.by_id:
        raise InputError(
            "evaluate",
            "no opinion score is given",
            "expected a rating or level artifact beside the predictions, or scores in their file",
            "Make one with `qbuild ingest-ratings` or `qbuild mos-to-levels`.",
        )
    kept, refusals, collapsed = _without_repeats([row for row in rows if _says(row)])
    unscored = "the row holds neither a score nor logits"
    refusals += [(row, "no-score", unscored) for row in rows if not _says(row)]
    matched: list[tuple[dict[str, Any], Opinion, float, bool, str]] = []
    for row in kept:
        opinion, how, why = opinions.find(row["media_id"], row["path"], options.match)
        value, unit = _predicted(row, options.temperature)
        if opinion is None or value is None:
            refusals.append((row, "no-opinion", why))
        else:
            matched.append((row, opinion, value, unit, how))
    matched, twice = _one_each(matched)
    return _pool(matched, opinions, [*refusals, *twice], len(rows), collapsed)


def _placed(inputs: Inputs) -> list[dict[str, Any]]:
    """The predictions; those that no file holds are told by their artifact and row in it."""
    rows = [row for batch in inputs.scan() for row in batch.rows.to_pylist()]
    places = ((name, number) for name, count in inputs.lengths for number in range(1, count + 1))
    for row, (name, number) in zip(rows, places, strict=False):  # fewer rows with a limit
        if row["source_file"] is None or row["source_row"] is None:
            row |= {"source_file": name, "source_row": number}
    return rows


def _given(inputs: Inputs, scale: str) -> Iterable[Opinion]:
    """The opinion scores of the artifacts beside the predictions."""
    for schema in ("rating", "level"):
        if scale == "norm" and schema == "rating":
            continue
        value = "mos_norm" if scale == "norm" else "mos"
        for table in inputs.beside(schema):
            names = ["media_id", "dataset", "path", value, "scale_low", "scale_high"]
            columns: list[list[Any]] = [table.column(name).to_pylist() for name in names]
            for media_id, dataset, path, mos, low, high in zip(*columns, strict=True):
                declared = low is not None and high is not None
                ends = _NORM if scale == "norm" else (low, high) if declared else _UNKNOWN
                yield Opinion(media_id, dataset, path, mos, *ends)


def _beside_predictions(rows: list[dict[str, Any]]) -> Iterable[Opinion]:
    """The opinion scores that stood in the prediction files themselves."""
    for row in rows:
        if row["mos"] is not None:
            media_id = row["media_id"]
            yield Opinion(media_id, dataset_of(media_id), row["path"], row["mos"], *_UNKNOWN)


def _predicted(row: dict[str, Any], temperature: float) -> tuple[float | None, bool]:
    """The predicted score and whether it lies on [0, 1]; a temperature asked for reads logits."""
    logits = row["logits"]
    if logits is not None and (temperature or (row["score"] is None and row["raw_score"] is None)):
        return float(
            score_from_logits(logits, temperature=temperature or row["temperature"] or 1.0)
        ), True
    if row["score"] is not None:
        return row["score"], True
    return row["raw_score"], False


def _says(row: dict[str, Any]) -> bool:
    """Whether a score can be had of the row at all."""
    return any(row[name] is not None for name in ("score", "raw_score", "logits"))


_Refusal = tuple[dict[str, Any], str, str]


def _without_repeats(
    rows: list[dict[str, Any]],
) -> tuple[list[dict[str, Any]], list[_Refusal], int]:
    """Rows of one model and medium once; the refusals of those that disagree; how many collapse."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["media_id"]), []).append(row)
    kept, refusals, collapsed = [], [], 0
    for (_, media_id), same in groups.items():
        said = {_said(row) for row in same} if len(same) > 1 else {""}
        if len(said) == 1:
            kept.append(same[0])
            collapsed += len(same) - 1
        else:
            why = f"{media_id} is predicted elsewhere with other values; all of them are rejected"
            refusals += [(row, "conflict", why) for row in same]
    return kept, refusals, collapsed


def _said(row: dict[str, Any]) -> str:
    return canonical_json(
        {name: value for name, value in row.items() if name not in _BESIDE_THE_POINT}
    )


def _one_each(matched: list[Any]) -> tuple[list[Any], list[_Refusal]]:
    """The matches in order of model and medium, without opinion scores that one model meets twice.

    The order of the inputs decides nothing: figures and intervals are those of the set of rows.
    """
    met = Counter((row["model"], opinion.media_id) for row, opinion, *_ in matched)
    once = [one for one in matched if met[one[0]["model"], one[1].media_id] == 1]
    twice = [
        (row, "conflict", f"another prediction has the opinion score of {opinion.media_id} too")
        for row, opinion, *_ in matched
        if met[row["model"], opinion.media_id] > 1
    ]
    return sorted(once, key=lambda one: (one[0]["model"], one[1].media_id)), twice


def _pool(
    matched: list[Any], opinions: Opinions, refusals: list[_Refusal], rows: int, collapsed: int
) -> Pool:
    found = [opinion for _, opinion, *_ in matched]
    predicted = {opinion.media_id for opinion in found}
    unpredicted = Counter(
        one.dataset for media_id, one in opinions.by_id.items() if media_id not in predicted
    )
    return Pool(
        models=np.array([row["model"] for row, *_ in matched], dtype=object),
        datasets=np.array([opinion.dataset for opinion in found], dtype=object),
        media=np.array([opinion.media_id for opinion in found], dtype=object),
        predicted=np.array([value for _, _, value, _, _ in matched], dtype=np.float64),
        unit=np.array([unit for _, _, _, unit, _ in matched], dtype=np.bool_),
        opinions=np.array([opinion.mos for opinion in found], dtype=np.float64),
        low=np.array([opinion.low for opinion in found], dtype=np.float64),
        high=np.array([opinion.high for opinion in found], dtype=np.float64),
        known_as=[tuple(filter(None, (row["media_id"], row["sha256"]))) for row, *_ in matched],
        rejected=_refused(refusals),
        predictions=rows,
        collapsed=collapsed,
        matched=dict(sorted(Counter(how for *_, how in matched).items())),
        unpredicted=dict(sorted(unpredicted.items())),
        at_odds=sorted(opinions.at_odds),
    )


def _refused(refusals: list[_Refusal]) -> pa.Table | None:
    """The rejected rows, by file and row, in whatever order the inputs came."""
    tables = [
        reject_rows([row], reason, [why], "media_id")
        for row, reason, why in sorted(
            refusals, key=lambda one: (one[0]["source_file"], one[0]["source_row"], one[1])
        )
    ]
    return pa.concat_tables(tables) if tables else None
