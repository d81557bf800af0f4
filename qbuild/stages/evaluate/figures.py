"""The figures of each model: by dataset, over all, and apart for media it was trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from qbuild.core.canonical import row_seed
from qbuild.core.errors import InputError, UsageError, raise_all
from qbuild.core.plural import plural
from qbuild.core.schema import load_schema
from qbuild.quality.bootstrap import bootstrap_metrics
from qbuild.quality.exclusion import read_media_sets
from qbuild.quality.lineage import Overlap, find_overlaps, read_trained_media, unknown_bases
from qbuild.quality.metrics import NAMES, Agreement, measure_agreement, percentile_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qbuild.quality.plots.scatter import Panel
    from qbuild.stages.evaluate.match import Pool
    from qbuild.stages.evaluate.options import EvaluateOptions

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

UNSEEN, TRAINED_ON = "unseen", "trained-on"
NAMED_LEAKS = 20
_NO_SCALE = "the scale of the opinion scores is not declared"


@dataclass(frozen=True)
class Measured:
    """The figures of one model on one dataset, or over all (`dataset` None), for one group."""

    model: str
    dataset: str | None
    group: str | None
    found: Agreement
    samples: dict[str, Floats] = field(repr=False)  # the figures of each resample
    intervals: dict[str, tuple[float, float] | None]

    def as_dict(self) -> dict[str, Any]:
        """The figures as the report holds them."""
        mapping = self.found.mapping
        return {
            "model": self.model,
            "dataset": self.dataset,
            "group": self.group,
            "rows": self.found.rows,
            **{name: self.found.values.get(name) for name in NAMES},
            "intervals": {name: list(ends) for name, ends in self.intervals.items() if ends},
            "mapping": None
            if mapping is None
            else [mapping.b1, mapping.b2, mapping.b3, mapping.b4],
            "undefined": self.found.undefined,
        }


def figures(pool: Pool, options: EvaluateOptions) -> dict[str, Any]:
    """All that was measured, and the leaks; InputError where no figure is defined.

    InputError names each medium that the model was trained on, unless leaks are to be marked.
    """
    leaks = _leaks(pool, options)
    leaked = set().union(*(leak.media for leak in leaks))
    trained = np.array([media_id in leaked for media_id in pool.media], dtype=np.bool_)
    groups: list[tuple[str | None, Mask]] = [(None, np.ones(len(trained), dtype=np.bool_))]
    if trained.any():
        groups += [(UNSEEN, ~trained), (TRAINED_ON, trained)]
    measured = [
        one
        for model in sorted(set(pool.models))
        for group, rows in groups
        for one in _of_model(pool, model, group, rows & (pool.models == model), options)
    ]
    if not any(one.found.values for one in measured):
        raise_all(
            InputError(
                str(one.dataset),
                f"no figure is defined: {next(iter(one.found.undefined.values()))}",
                "expected three rows or more whose predictions and opinion scores differ",
                "Give more of its predictions, or leave the dataset out.",
            )
            for one in measured
            if one.dataset is not None and one.group is None
        )
    return {"measured": measured, "leaks": leaks, "unknown": _unknown(options)}


def metric_table(found: dict[str, Any]) -> pa.Table:
    """The defined figures as rows of schema `metric`: over all, then by dataset, for each model."""
    rows = []
    for one in found["measured"]:
        for name in NAMES:
            if name in one.found.values:
                low, high = one.intervals.get(name) or (None, None)
                rows.append(
                    {
                        "name": name, "value": one.found.values[name], "low": low, "high": high,
                        "rows": one.found.rows, "dataset": one.dataset, "group": one.group,
                        "model": one.model,
                    }
                )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=load_schema("metric").arrow)


def report(pool: Pool, found: dict[str, Any], options: EvaluateOptions) -> dict[str, Any]:
    """Figures over all and by dataset, what was matched and what was not, leaks, warnings.

    The figures over all stand at the top where there is one model.
    """
    measured: list[Measured] = found.get("measured", [])
    over_all = [one for one in measured if one.dataset is None]
    sole = [one for one in over_all if one.group is None]
    top = sole[0].found.values if len(sole) == 1 else {}
    return {
        "rows": len(pool.predicted),
        **{name: top.get(name) for name in NAMES},
        "datasets": [one.as_dict() for one in measured if one.dataset is not None],
        "models": [one.as_dict() for one in over_all],
        "overall": options.overall,
        "scale": options.scale,
        "confidence": options.confidence,
        "predictions": pool.predictions,
        "matched": pool.matched,
        "collapsed": pool.collapsed,
        "unpredicted": pool.unpredicted,
        "conflicting_opinions": len(pool.at_odds),
        "leaks": [
            {
                "source": leak.source,
                "media": len(leak.media),
                "first": sorted(leak.media)[:NAMED_LEAKS],
            }
            for leak in found.get("leaks", [])
        ],
        "warnings": [*_warnings(pool, measured), *found.get("unknown", [])],
    }


def panels(pool: Pool, found: dict[str, Any]) -> list[Panel]:
    """A diagram a model and dataset: its points and its mapping."""
    from qbuild.quality.plots.scatter import Panel

    made = []
    for one in found["measured"]:
        if one.dataset is None or one.group is not None:
            continue
        rows = (pool.models == one.model) & (pool.datasets == one.dataset)
        several = len(set(pool.models)) > 1
        made.append(
            Panel(
                f"{one.dataset}, {one.model}" if several else one.dataset,
                pool.predicted[rows],
                pool.opinions[rows],
                one.found.mapping,
                one.found.values.get("srcc"),
                one.found.values.get("plcc"),
            )
        )
    return made


# ----------------------------------------------------------------------------------------- leaks


def _leaks(pool: Pool, options: EvaluateOptions) -> list[Overlap]:
    tested: dict[str, set[str]] = {}
    for media_id, others in zip(pool.media, pool.known_as, strict=True):
        tested.setdefault(media_id, set()).update(others)
    found = find_overlaps(read_media_sets(options.trained_on, read_trained_media), tested)
    if options.on_leak == "error":
        raise_all(
            InputError(
                media_id,
                f"the model was trained on it, says {leak.source}",
                "expected media that it has never seen",
                "Leave them out with `qbuild sample --exclude`, or give --on-leak flag.",
            )
            for leak in found
            for media_id in sorted(leak.media)
        )
    return found


def _unknown(options: EvaluateOptions) -> list[str]:
    """A warning for each base of a checkpoint of which no one knows what it was trained on."""
    return [
        f"{Path(path).resolve().name}: what its base {base['name']} was trained on is not known, "
        "and media of it are not told"
        for path in options.trained_on
        for base in unknown_bases(Path(path))
    ]


# --------------------------------------------------------------------------------------- figures


def _of_model(
    pool: Pool, model: str, group: str | None, rows: Mask, options: EvaluateOptions
) -> list[Measured]:
    """Over all, then dataset by dataset; nothing where the group has no row of the model."""
    names = sorted(set(pool.datasets[rows]))
    each = [
        _measured(pool, (model, name, group), rows & (pool.datasets == name), options)
        for name in names
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
        return [_measured(pool, (model, None, group), rows, options), *each]
    return [_mean(each, options), *each]


def _measured(
    pool: Pool, named: tuple[str, str | None, str | None], rows: Mask, options: EvaluateOptions
) -> Measured:
    predicted, opinions = pool.predicted[rows], pool.opinions[rows]
    comparable = _comparable(pool, rows)
    found = measure_agreement(predicted, opinions, comparable)
    samples: dict[str, Floats] = {}
    if options.bootstrap and "srcc" in found.values:
        known = comparable if "rmse" in found.values and not isinstance(comparable, str) else None
        seed = row_seed(options.seed, *(part or "" for part in named))
        samples = bootstrap_metrics(
            predicted, opinions, known, found.mapped, options.bootstrap, seed
        )
    return Measured(*named, found, samples, _intervals(samples, options))


def _comparable(pool: Pool, rows: Mask) -> Floats | str:
    """The predictions on the scale of the opinion scores, or why that cannot be told."""
    predicted, low, high = pool.predicted[rows], pool.low[rows], pool.high[rows]
    unit, opinions = pool.unit[rows], pool.opinions[rows]
    if np.isfinite(high[unit] - low[unit]).all():
        return np.where(unit, low + (high - low) * predicted, predicted)
    on_unit = bool(((opinions >= 0) & (opinions <= 1)).all())
    return predicted if on_unit else _NO_SCALE


def _mean(each: list[Measured], options: EvaluateOptions) -> Measured:
    """Means over datasets, weighted by rows; RMSE as the root of the mean square."""
    rows = np.array([one.found.rows for one in each], dtype=np.float64)
    values: dict[str, float] = {}
    lacking: dict[str, str] = {}
    samples: dict[str, Floats] = {}
    for name in NAMES:
        without = [one for one in each if name not in one.found.values]
        squared = name.startswith("rmse")
        if without:
            lacking[name] = f"{without[0].dataset}: {without[0].found.undefined[name]}"
        elif squared and len(each) > 1 and options.scale != "norm":
            lacking[name] = "the datasets have scales of their own"
        else:
            power = 2 if squared else 1
            shares = rows / rows.sum()
            told = np.array([one.found.values[name] for one in each])
            values[name] = float((shares * told**power).sum() ** (1 / power))
            drawn = [one.samples[name] for one in each if name in one.samples]
            if len(drawn) == len(each):
                samples[name] = (shares[:, None] * np.stack(drawn) ** power).sum(axis=0) ** (
                    1 / power
                )
    mapping = each[0].found.mapping if len(each) == 1 else None
    found = Agreement(int(rows.sum()), values, lacking, mapping, None)
    intervals = _intervals(samples, options)
    return Measured(each[0].model, None, each[0].group, found, samples, intervals)


def _intervals(
    samples: dict[str, Floats], options: EvaluateOptions
) -> dict[str, tuple[float, float] | None]:
    return {
        name: percentile_interval(values, options.confidence) for name, values in samples.items()
    }


def _warnings(pool: Pool, measured: list[Measured]) -> list[str]:
    """Why figures are missing, a line a dataset and reason, and what has no prediction."""
    told: list[str] = []
    for one in measured:
        if one.dataset is not None and one.group is None:
            reasons: dict[str, list[str]] = {}
            for name, why in one.found.undefined.items():
                reasons.setdefault(why, []).append(name)
            told += [
                f"{one.dataset}, {one.model}: no {', '.join(names)}: {why}"
                for why, names in reasons.items()
                if why != _NO_SCALE
            ]
    told += [
        f"{dataset}: {plural(count, 'opinion score has', 'opinion scores have')} no prediction"
        for dataset, count in pool.unpredicted.items()
    ]
    if pool.at_odds:
        media = ", ".join(pool.at_odds[:3])
        told.append(
            f"{plural(len(pool.at_odds), 'medium has', 'media have')} opinion scores that disagree"
            f" and left: {media}"
        )
    return told
