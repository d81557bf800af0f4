"""The metrics of each model: by dataset, overall, and separately for media it was trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qbuild.core.canonical import row_seed
from qbuild.core.errors import InputError, UsageError, raise_all
from qbuild.core.plural import plural
from qbuild.core.schema import load_schema
from qbuild.quality.arrays import Floats, Mask
from qbuild.quality.bootstrap import bootstrap_metrics
from qbuild.quality.exclusion import read_media_sets
from qbuild.quality.lineage import Overlap, find_overlaps, read_trained_media, unknown_bases
from qbuild.quality.metrics import NAMES, Agreement, measure_agreement, percentile_interval
from qbuild.quality.plots.scatter import Panel
from qbuild.stages.evaluate.match import MatchedRows
from qbuild.stages.evaluate.options import EvaluateOptions

UNSEEN, TRAINED_ON = "unseen", "trained-on"
MAX_LISTED = 20
_NO_SCALE = "the scale of the opinion scores is not declared"


@dataclass(frozen=True)
class Figures:
    """The metrics of one model on one dataset, or overall (`dataset` None), for one group."""

    model: str
    dataset: str | None
    group: str | None
    agreement: Agreement
    samples: dict[str, Floats] = field(repr=False)  # the metrics of each resample
    intervals: dict[str, tuple[float, float] | None]

    def as_dict(self) -> dict[str, Any]:
        """The figures in the form of the report."""
        mapping = self.agreement.mapping
        return {
            "model": self.model,
            "dataset": self.dataset,
            "group": self.group,
            "rows": self.agreement.rows,
            **{name: self.agreement.values.get(name) for name in NAMES},
            "intervals": {name: list(ends) for name, ends in self.intervals.items() if ends},
            "mapping": mapping and [mapping.b1, mapping.b2, mapping.b3, mapping.b4],
            "undefined": self.agreement.undefined,
        }


@dataclass(frozen=True)
class Results:
    """All figures, the media that models were trained on, warnings about unknown bases."""

    figures: list[Figures] = field(default_factory=list)
    leaks: list[Overlap] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def measure(matched: MatchedRows, options: EvaluateOptions) -> Results:
    """All figures; InputError where no metric is defined.

    InputError also for each medium that the model was trained on, unless leaks are flagged.
    """
    rows = matched.rows
    leaks = _find_leaks(matched, options)
    leaked = set().union(*(leak.media for leak in leaks))
    trained = np.array([media_id in leaked for media_id in rows["media_id"]], dtype=np.bool_)
    groups: list[tuple[str | None, Mask]] = [(None, np.ones(len(rows), dtype=np.bool_))]
    if trained.any():
        groups += [(UNSEEN, ~trained), (TRAINED_ON, trained)]
    figures = [
        one
        for model in sorted(set(rows["model"]))
        for group, mask in groups
        for one in _model_figures(rows[mask & (rows["model"] == model)], model, group, options)
    ]
    if not any(one.agreement.values for one in figures):
        raise_all(
            InputError(
                str(one.dataset),
                f"no metric is defined: {next(iter(one.agreement.undefined.values()))}",
                "expected three rows or more whose predictions and opinion scores differ",
                "Give more of its predictions, or leave the dataset out.",
            )
            for one in figures
            if one.dataset is not None and one.group is None
        )
    return Results(figures, leaks, _warn_unknown_bases(options))


def metric_table(results: Results) -> pa.Table:
    """The defined metrics as rows of schema `metric`: for each model overall, then by dataset."""
    rows = []
    for one in results.figures:
        for name in NAMES:
            if name in one.agreement.values:
                low, high = one.intervals.get(name) or (None, None)
                rows.append(
                    {
                        "name": name, "value": one.agreement.values[name], "low": low, "high": high,
                        "rows": one.agreement.rows, "dataset": one.dataset, "group": one.group,
                        "model": one.model,
                    }
                )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=load_schema("metric").arrow)


def make_report(matched: MatchedRows, results: Results, options: EvaluateOptions) -> dict[str, Any]:
    """Metrics overall and by dataset, what was matched and what was not, leaks, warnings.

    With one model its overall metrics are at the top level.
    """
    overall = [one for one in results.figures if one.dataset is None]
    all_rows = [one for one in overall if one.group is None]
    top = all_rows[0].agreement.values if len(all_rows) == 1 else {}
    return {
        "rows": len(matched.rows),
        **{name: top.get(name) for name in NAMES},
        "datasets": [one.as_dict() for one in results.figures if one.dataset is not None],
        "models": [one.as_dict() for one in overall],
        "overall": options.overall,
        "scale": options.scale,
        "confidence": options.confidence,
        "predictions": matched.predictions,
        "matched": matched.matched,
        "collapsed": matched.collapsed,
        "unpredicted": matched.unpredicted,
        **({"left_out": matched.left_out} if matched.left_out else {}),
        "conflicting_opinions": len(matched.conflicting),
        "leaks": [
            {
                "source": leak.source,
                "media": len(leak.media),
                "first": sorted(leak.media)[:MAX_LISTED],
            }
            for leak in results.leaks
        ],
        "warnings": [*_warnings(matched, results.figures), *results.unknown],
    }


def scatter_panels(rows: NDArray[Any], results: Results) -> list[Panel]:
    """A panel per model and dataset, with points and mapping."""
    several = len(set(rows["model"])) > 1
    panels = []
    for one in results.figures:
        if one.dataset is None or one.group is not None:
            continue
        own = rows[(rows["model"] == one.model) & (rows["dataset"] == one.dataset)]
        title = f"{one.dataset}, {one.model}" if several else one.dataset
        metrics = (one.agreement.values.get(name) for name in ("srcc", "plcc"))
        panels.append(Panel(title, own["predicted"], own["mos"], one.agreement.mapping, *metrics))
    return panels


# ----------------------------------------------------------------------------------------- leaks


def _find_leaks(matched: MatchedRows, options: EvaluateOptions) -> list[Overlap]:
    tested: dict[str, set[str]] = {}
    for media_id, aliases in zip(matched.rows["media_id"], matched.aliases, strict=True):
        tested.setdefault(media_id, set()).update(aliases)
    leaks = find_overlaps(read_media_sets(options.trained_on, read_trained_media), tested)
    if options.on_leak == "error":
        raise_all(
            InputError(
                media_id,
                f"the model was trained on it, according to {leak.source}",
                "expected media that it was not trained on",
                "Leave them out with `qbuild sample --exclude`, or give --on-leak flag.",
            )
            for leak in leaks
            for media_id in sorted(leak.media)
        )
    return leaks


def _warn_unknown_bases(options: EvaluateOptions) -> list[str]:
    """A warning for each base of a checkpoint whose training media are unknown."""
    return [
        f"{Path(path).resolve().name}: what its base {base['name']} was trained on is not known, "
        "so its media are not checked"
        for path in options.trained_on
        for base in unknown_bases(Path(path))
    ]


# --------------------------------------------------------------------------------------- figures


def _model_figures(
    rows: NDArray[Any], model: str, group: str | None, options: EvaluateOptions
) -> list[Figures]:
    """Overall, then dataset by dataset; nothing where the group has no row of the model."""
    each = [
        _measure(rows[rows["dataset"] == name], (model, name, group), options)
        for name in sorted(set(rows["dataset"]))
    ]
    if not each:
        return []
    if options.overall == "pooled" and len(each) > 1:
        if options.scale != "norm":
            raise UsageError(
                "--overall",
                "pooled takes rows of several datasets as one set",
                "expected them on one scale: --scale norm, with levels",
            )
        return [_measure(rows, (model, None, group), options), *each]
    return [_mean(each, options), *each]


def _measure(
    rows: NDArray[Any], named: tuple[str, str | None, str | None], options: EvaluateOptions
) -> Figures:
    # contiguous copies: strides could change the last digit of sums
    predicted, opinions = (np.ascontiguousarray(rows[name]) for name in ("predicted", "mos"))
    comparable = _comparable(rows, predicted)
    agreement = measure_agreement(predicted, opinions, comparable)
    samples: dict[str, Floats] = {}
    if options.bootstrap and "srcc" in agreement.values:
        known = comparable if "rmse" in agreement.values else None
        known = None if isinstance(known, str) else known
        seed = row_seed(options.seed, *(part or "" for part in named))
        number = options.bootstrap
        samples = bootstrap_metrics(predicted, opinions, known, agreement.mapped, number, seed)
    return Figures(*named, agreement, samples, _intervals(samples, options))


def _comparable(rows: NDArray[Any], predicted: Floats) -> Floats | str:
    """The predictions on the scale of the opinion scores, or why that is not possible."""
    span, on_unit_scale = rows["high"] - rows["low"], rows["on_unit_scale"]
    if np.isfinite(span[on_unit_scale]).all():
        return np.where(on_unit_scale, rows["low"] + span * predicted, predicted)
    opinions_on_unit_scale = bool(((rows["mos"] >= 0) & (rows["mos"] <= 1)).all())
    return predicted if opinions_on_unit_scale else _NO_SCALE


def _mean(each: list[Figures], options: EvaluateOptions) -> Figures:
    """Means over datasets, weighted by rows; RMSE as the root of the mean square."""
    rows = np.array([one.agreement.rows for one in each], dtype=np.float64)
    weights = rows / rows.sum()
    values: dict[str, float] = {}
    undefined: dict[str, str] = {}
    samples: dict[str, Floats] = {}
    for name in NAMES:
        without = [one for one in each if name not in one.agreement.values]
        power = 2 if name.startswith("rmse") else 1
        if without:
            undefined[name] = f"{without[0].dataset}: {without[0].agreement.undefined[name]}"
        elif power == 2 and len(each) > 1 and options.scale != "norm":
            undefined[name] = "the datasets have different scales"
        else:
            of_datasets = np.array([one.agreement.values[name] for one in each])
            values[name] = float((weights * of_datasets**power).sum() ** (1 / power))
            drawn = [one.samples[name] for one in each if name in one.samples]
            if len(drawn) == len(each):
                means = (weights[:, None] * np.stack(drawn) ** power).sum(axis=0)
                samples[name] = means ** (1 / power)
    mapping = each[0].agreement.mapping if len(each) == 1 else None
    agreement = Agreement(int(rows.sum()), values, undefined, mapping, None)
    intervals = _intervals(samples, options)
    return Figures(each[0].model, None, each[0].group, agreement, samples, intervals)


def _intervals(
    samples: dict[str, Floats], options: EvaluateOptions
) -> dict[str, tuple[float, float] | None]:
    confidence = options.confidence
    return {name: percentile_interval(values, confidence) for name, values in samples.items()}


def _warnings(matched: MatchedRows, figures: list[Figures]) -> list[str]:
    """The reasons of undefined metrics per dataset, and opinion scores that were not compared."""
    warnings: list[str] = []
    for one in figures:
        if one.dataset is not None and one.group is None:
            reasons: dict[str, list[str]] = {}
            for name, why in one.agreement.undefined.items():
                reasons.setdefault(why, []).append(name)
            warnings += [
                f"{one.dataset}, {one.model}: no {', '.join(names)}: {why}"
                for why, names in reasons.items()
                if why != _NO_SCALE
            ]
    warnings += [
        f"{dataset}: {plural(count, 'opinion score has', 'opinion scores have')} no prediction"
        for dataset, count in matched.unpredicted.items()
    ]
    if matched.conflicting:
        media = plural(len(matched.conflicting), "medium has", "media have")
        first = ", ".join(matched.conflicting[:3])
        warnings.append(f"{media} opinion scores that conflict and are left out: {first}")
    return warnings
