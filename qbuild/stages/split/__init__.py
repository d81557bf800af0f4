"""Divide rows into splits such as train and test.

Reads `level`, `rating`, `stall`, `media`, `distortion`, `depiction` or `instruction` artifacts and
writes rows of the same schema, unchanged but for their `split`. Rows that belong together stay in
one split: rows of one medium, of media with a common source or reference, of equal files, or of one
value of a column (--group-by). The shares are those of the rows, also within each dataset and level
as far as the groups allow. See docs/splits.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import format_collapsed, plural
from qbuild.stages.split.options import SplitStageOptions

if TYPE_CHECKING:
    from qbuild.stages.split.assign import Assignment


def prepare(inputs: Inputs, options: SplitStageOptions) -> Assignment:
    """The split of every row, decided before the first one is written."""
    from qbuild.stages.split.assign import assign_rows

    return assign_rows(inputs, options)


def transform(batch: Batch, assignment: Assignment, options: SplitStageOptions) -> Output:  # noqa: ARG001
    """The batch's rows with their split."""
    import pyarrow as pa

    from qbuild.core.rows.rejections import merge_rejections

    unique = assignment.duplicates.deduplicate(batch)
    codes = pa.array(assignment.codes[batch.start + unique.positions])
    splits = pa.array(assignment.names, pa.string()).take(codes)
    at = unique.rows.column_names.index("split")
    return Output(
        rows=unique.rows.set_column(at, "split", splits),
        rejected=merge_rejections([unique.rejections(assignment.id_column)]),
        tally=Tally(collapsed=unique.collapsed),
    )


def finish(assignment: Assignment, tally: Tally, options: SplitStageOptions) -> dict[str, Any]:  # noqa: ARG001
    """Rows and groups of each split, and the share that they are."""
    return {**assignment.report, "collapsed": tally["collapsed"]}


def render(report: dict[str, Any]) -> str:
    """A line per split, then how rows were grouped."""
    width = max(len(one["split"]) for one in report["splits"])
    lines = []
    for one in report["splits"]:
        line = (
            f"{one['split']:<{width}}  {plural(one['rows'], 'row')}, {one['reached']:.1%}"
            f" (requested {float(one['share']):.1%}), {plural(one['groups'], 'group')}"
        )
        if "levels" in one:
            line += f"; levels {' '.join(f'{count:,}' for count in one['levels'])}"
        lines.append(line)
    largest = report["largest_group"]
    by = ", ".join(f"{name} ({rows:,} rows)" for name, rows in report["grouped_by"].items())
    lines.append(f"{plural(report['groups'], 'group')} by {by}")
    lines.append(f"largest group: {largest['name']}, {plural(largest['rows'], 'row')}")
    if report["replaced"]:
        lines.append(f"{plural(report['replaced'], 'row')} had another split before")
    return "\n".join([*lines, *format_collapsed(report["collapsed"])])


STAGE = Stage(
    name="split",
    version=1,
    options=SplitStageOptions,
    reads=Reads(
        schema="level",
        alternatives=("rating", "stall", "media", "distortion", "depiction", "instruction"),
    ),
    writes="level",
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild split levels.parquet -o split.parquet --shares train=0.5,test=0.5",
    reads_media=True,
)
