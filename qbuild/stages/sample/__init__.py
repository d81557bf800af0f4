"""Choose which rows to use: keep or flatten the scores.

Reads `level` artifacts, after the levels are cut, so that no observed range moves; writes `level`
rows in the order of the input. `keep` takes each level of each dataset in proportion (VQA² section
3.1); `flatten` takes rows so that each dataset's scores come to a mean and a deviation (Q-SiT
Table III) and says where they cannot. Media that are used elsewhere leave first (VQA² section
5.2): named with --exclude, or by `instruction` artifacts among the inputs. See docs/sampling.md.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_serializer, field_validator

from qbuild.core.engine.stage import Batch, Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qbuild.core.rows.duplicates import Duplicates
    from qbuild.stages.sample.population import Population


class SampleOptions(Options):
    """How many rows, and which."""

    method: Literal["keep", "flatten"] = Field(
        default="keep", description="Keep the distribution of levels, or flatten towards a target."
    )
    size: tuple[str, ...] = Field(
        default=(), description="Rows to take, [DATASET=]N; repeatable; N alone is for the rest."
    )
    share: tuple[str, ...] = Field(
        default=(), description="Share of rows to take instead, [DATASET=]S in (0, 1]; repeatable."
    )
    target: tuple[str, ...] = Field(
        default=(), description="flatten: mean and deviation, [DATASET=]MEAN:SD; repeatable."
    )
    scale: Literal["norm", "raw"] = Field(
        default="norm", description="Scores of the target and report: mos_norm (0-100), or mos."
    )
    exclude: tuple[str, ...] = Field(
        default=(), description="Artifact, or text file of media ids, to leave out; repeatable."
    )
    exclude_by: Literal["id", "content"] = Field(
        default="id", description="content: also files of equal bytes below the media roots."
    )
    seed: int = Field(default=0, description="Chooses among rows that serve equally well.")

    @field_validator("size", "share", "target", "exclude", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """One value as a list of one, numbers as text: a recipe may say `size: 1000`."""
        given = given if isinstance(given, list | tuple) else [given]
        plain = [type(one) in (int, float) for one in given]
        return tuple(
            str(one) if is_plain else one for one, is_plain in zip(given, plain, strict=True)
        )

    @field_validator("size", "share", "target")
    @classmethod
    def _readable(cls, given: tuple[str, ...], info: Any) -> tuple[str, ...]:
        by_dataset(given, _READERS[info.field_name])
        return given

    @field_serializer("exclude", when_used="json")
    def _recorded(self, paths: tuple[str, ...]) -> list[str]:
        """Name and content hash of each: what is excluded decides rows, where it lies does not."""
        from qbuild.quality.exclusion import source_digest

        return [source_digest(path) for path in paths]


def read_size(text: str) -> int:
    """A count of rows; ValueError for anything but a whole number from 1 up."""
    if not re.fullmatch(r"[0-9]{1,15}", text) or not int(text):
        raise ValueError(f"expected [DATASET=]N with a whole number N of at least 1, not {text!r}")
    return int(text)


def read_share(text: str) -> Decimal:
    """A share; ValueError for anything but a number above 0 and up to 1."""
    try:
        share = Decimal(text)
        good = 0 < share <= 1
    except InvalidOperation:
        good = False
    if not good:
        raise ValueError(f"expected [DATASET=]S with S above 0 and up to 1, not {text!r}")
    return share


def read_target(text: str) -> tuple[float, float]:
    """Mean and deviation; ValueError where they are no numbers or the deviation is not above 0."""
    try:
        mean, std = (float(part) for part in text.split(":"))
    except ValueError:
        mean = std = math.nan
    if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
        raise ValueError(f"expected [DATASET=]MEAN:SD with SD above 0, not {text!r}")
    return mean, std


_READERS: dict[str, Any] = {"size": read_size, "share": read_share, "target": read_target}


def by_dataset(given: tuple[str, ...], read: Any) -> dict[str, Any]:
    """The values by dataset, that for all others under `""`; ValueError for one named twice."""
    found: dict[str, Any] = {}
    for text in given:
        dataset, _, value = text.rpartition("=")
        if dataset in found:
            raise ValueError(f"{dataset or 'the value without a dataset'} stands twice")
        found[dataset] = read(value)
    return found


@dataclass
class Chosen:
    """Which rows of the inputs are taken, and what is reported of them."""

    taken: NDArray[np.bool_]
    duplicates: Duplicates
    report: dict[str, Any]


def prepare(inputs: Inputs, options: SampleOptions) -> Chosen:
    """The rows to take, decided before the first is written; the errors of options and inputs."""
    import numpy as np

    from qbuild.stages.sample.choose import flat, kept, sizes
    from qbuild.stages.sample.population import population

    _refuse_combinations(inputs, options)
    all_rows = population(
        inputs,
        scale=options.scale,
        seed=options.seed,
        exclude=options.exclude,
        by_content=options.exclude_by == "content",
    )
    name = "share" if options.share else "size"
    given = by_dataset(getattr(options, name), _READERS[name])
    groups = sizes(all_rows.sources, f"--{name}", given)
    told: list[Any] = [None] * len(all_rows.sources)
    if options.method == "keep":
        masks = kept(all_rows.sources, groups)
    else:
        targets = by_dataset(options.target, read_target)
        masks, told = flat(all_rows.sources, groups, targets, options.seed)
    taken = np.zeros(all_rows.rows, dtype=np.bool_)
    for source, mask in zip(all_rows.sources, masks, strict=True):
        taken[source.places[mask]] = True
    return Chosen(taken, all_rows.duplicates, _report(all_rows, masks, told, options))


def _report(
    all_rows: Population, masks: list[Any], targets: list[Any], options: SampleOptions
) -> dict[str, Any]:
    from qbuild.stages.sample.population import figures

    datasets = [
        {
            "dataset": source.name,
            "excluded": source.excluded,
            "low": source.low,
            "high": source.high,
            "before": source.before,
            "after": figures(source.scores[mask], source.levels[mask], source.low, source.high),
            "target": target,
        }
        for source, mask, target in zip(all_rows.sources, masks, targets, strict=True)
    ]
    missed = [_missed(found) for found in datasets if found["target"] is not None]
    return {
        "method": options.method,
        "scale": options.scale,
        "datasets": datasets,
        "excluded": all_rows.excluded,
        "warnings": [*all_rows.warnings, *filter(None, missed)],
    }


def _missed(found: dict[str, Any]) -> str:
    """What a dataset came to that missed its target, and how many rows could meet it; or `""`."""
    target, after = found["target"], found["after"]
    if target["met"]:
        return ""
    most = target["most_rows"]
    return (
        f"{found['dataset']}: {after['rows']:,} of {found['before']['rows'] - found['excluded']:,}"
        f" rows do not reach mean {target['mean']:g}, SD {target['std']:g}; they come to"
        f" {after['mean']:.2f}, {after['std']:.2f}; "
        + (f"about {most:,} rows could" if most else "no number of rows could")
    )


def _refuse_combinations(inputs: Inputs, options: SampleOptions) -> None:
    from qbuild.core.errors import UsageError

    flatten = options.method == "flatten"
    if options.size and options.share:
        raise UsageError("--share", "stands beside --size", "expected one of the two")
    if options.target and not flatten:
        raise UsageError("--target", "method keep aims at none", "expected --method flatten")
    if flatten and not options.target:
        raise UsageError("--target", "none is given", "expected --target [DATASET=]MEAN:SD")
    if flatten and not (options.size or options.share):
        what = "flatten of all rows would change nothing"
        raise UsageError("--size", what, "expected --size or --share")
    if options.exclude_by == "content" and not inputs.media_roots:
        what = "content can only be compared where the media lie"
        raise UsageError("--exclude-by", what, "expected --media-root [DATASET=]DIR")


def transform(batch: Batch, chosen: Chosen, options: SampleOptions) -> Output:  # noqa: ARG001
    """The batch's rows that are taken, as they are."""
    import pyarrow as pa

    from qbuild.core.rows.rejections import in_input_order

    found = chosen.duplicates.deduplicate(batch)
    return Output(
        rows=found.rows.filter(pa.array(chosen.taken[batch.start + found.positions])),
        rejected=in_input_order([found.rejections("media_id")]),
        tally=Tally(collapsed=found.collapsed),
    )


def finish(chosen: Chosen, tally: Tally, options: SampleOptions) -> dict[str, Any]:  # noqa: ARG001
    """Before and after for each dataset, what each source excluded, targets missed."""
    return {**chosen.report, "collapsed": tally["collapsed"]}


def render(report: dict[str, Any]) -> str:
    """Figures and two histograms a dataset, at most 80 columns."""
    from qbuild.quality.plots.histogram import format_histograms

    lines = []
    for found in report["datasets"]:
        before, after = found["before"], found["after"]
        lines += [
            f"{found['dataset']}: {before['rows']:,} rows → {after['rows']:,}"
            + (f", {found['excluded']:,} excluded" if found["excluded"] else ""),
            f"  mean {_arrow(before, after, 'mean')}  SD {_arrow(before, after, 'std')}"
            + _aim(found["target"]),
            f"  levels {_counts(before)} → {_counts(after)}",
            format_histograms(before["bins"], after["bins"], found["low"], found["high"]),
        ]
    lines += [
        f"{one['source']}: {one['media']:,} media, {one['by_id']:,} rows excluded by id,"
        f" {one['by_content']:,} more by content"
        for one in report["excluded"]
    ]
    if report["collapsed"]:
        lines.append(f"{report['collapsed']:,} identical rows collapsed")
    return "\n".join(lines)


def _arrow(before: dict[str, Any], after: dict[str, Any], name: str) -> str:
    return " → ".join(
        "-" if value is None else f"{value:.2f}" for value in (before[name], after[name])
    )


def _counts(figures: dict[str, Any]) -> str:
    return " ".join(f"{count:,}" for count in figures["levels"].values())


def _aim(target: dict[str, Any] | None) -> str:
    if target is None:
        return ""
    return f"  target {target['mean']:g}, {target['std']:g} {'met' if target['met'] else 'MISSED'}"


STAGE = Stage(
    name="sample",
    version=1,
    options=SampleOptions,
    reads=Reads(schema="level", beside=("instruction",)),
    writes="level",
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild sample levels.parquet -o sample.parquet --method keep --size 20",
    reads_media=True,
)
