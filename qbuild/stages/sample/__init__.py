"""Choose rows; keep or flatten the score distribution.

Reads `level` artifacts, after the levels are cut, so that no observed range moves; writes `level`
rows in the order of the input. `keep` takes each level of each dataset in proportion (VQA² section
3.1); `flatten` takes rows so that each dataset's scores have a given mean and deviation (Q-SiT
Table III) and reports where that is not possible. Media that are used elsewhere are excluded first
(VQA² section 5.2): those named by --exclude, and those of `instruction` artifacts among the inputs.
See docs/sampling.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import format_collapsed
from qbuild.core.rows.rejections import merge_rejections
from qbuild.stages.sample.options import SampleOptions, check_combinations

if TYPE_CHECKING:
    from qbuild.stages.sample.choose import Selection


def prepare(inputs: Inputs, options: SampleOptions) -> Selection:
    """The rows to take, decided before the first one is written."""
    from qbuild.stages.sample.choose import choose_rows

    check_combinations(inputs, options)
    return choose_rows(inputs, options)


def transform(batch: Batch, selection: Selection, options: SampleOptions) -> Output:  # noqa: ARG001
    """The batch's rows that are taken, unchanged."""
    import pyarrow as pa

    unique = selection.duplicates.deduplicate(batch)
    return Output(
        rows=unique.rows.filter(pa.array(selection.taken[batch.start + unique.positions])),
        rejected=merge_rejections([unique.rejections("media_id")]),
        tally=Tally(collapsed=unique.collapsed),
    )


def finish(selection: Selection, tally: Tally, options: SampleOptions) -> dict[str, Any]:  # noqa: ARG001
    """Before and after for each dataset, what each source excluded, missed targets."""
    return {**selection.report, "collapsed": tally["collapsed"]}


def render(report: dict[str, Any]) -> str:
    """Figures and two histograms per dataset, at most 80 columns."""
    from qbuild.quality.plots.histogram import format_histograms

    lines = []
    for figures in report["datasets"]:
        before, after = figures["before"], figures["after"]
        lines += [
            f"{figures['dataset']}: {before['rows']:,} rows → {after['rows']:,}"
            + (f", {figures['excluded']:,} excluded" if figures["excluded"] else ""),
            f"  mean {_change(before, after, 'mean')}  SD {_change(before, after, 'std')}"
            + _target(figures["target"]),
            f"  levels {_counts(before)} → {_counts(after)}",
            format_histograms(before["bins"], after["bins"], figures["low"], figures["high"]),
        ]
    lines += [
        f"{one['source']}: {one['media']:,} media, {one['by_id']:,} rows excluded by id,"
        f" {one['by_content']:,} more by content"
        + (f", {one['by_source']:,} as sources of these media" if "by_source" in one else "")
        for one in report["excluded"]
    ]
    return "\n".join(lines + format_collapsed(report["collapsed"]))


def _change(before: dict[str, Any], after: dict[str, Any], name: str) -> str:
    return " → ".join(
        "-" if value is None else f"{value:.2f}" for value in (before[name], after[name])
    )


def _counts(figures: dict[str, Any]) -> str:
    return " ".join(f"{count:,}" for count in figures["levels"].values())


def _target(target: dict[str, Any] | None) -> str:
    if target is None:
        return ""
    return f"  target {target['mean']:g}, {target['std']:g} {'met' if target['met'] else 'MISSED'}"


STAGE = Stage(
    name="sample",
    version=2,
    options=SampleOptions,
    reads=Reads(schema="level", side_inputs=("instruction",)),
    writes="level",
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild sample levels.parquet -o sample.parquet --method keep --size 6",
    reads_media=True,
)
