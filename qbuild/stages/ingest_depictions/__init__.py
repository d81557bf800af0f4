"""Read what people wrote about quality, and report on their annotations.

Reads tables (CSV, TSV, JSON, JSONL, Parquet, Excel) with a row a medium and annotator or a row a
depiction, Label Studio exports, and `depiction` artifacts; beside them `level` artifacts, whose
level and score stand in place of those of the files. Writes a `depiction` row for each text.
Annotators are written as pseudonyms. The report holds annotations to the rules of VQA² (appendix
B): attributes, temporal descriptions, degree words and tone by level, media a day, agreement. None
of these rejects a row. See docs/depictions.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.engine.stage import Inputs, Output, Reads, Stage
from qbuild.labels.depictions.options import DepictionOptions, refuse_for_artifacts

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from qbuild.core.engine.tally import Tally
    from qbuild.labels.depictions.read import Once
    from qbuild.stages.ingest_depictions.report import Report
    from qbuild.stages.ingest_depictions.shown_levels import Shown

State = tuple["Report", "Shown", "Once"]
PIECE = 1_000  # rows as Python values take ten times the room of a table


class IngestOptions(DepictionOptions):
    """How the files are read; nothing else changes the rows."""


def read_files(paths: list[Path], options: IngestOptions, limit: int | None) -> Iterator[Output]:
    """The depictions of files, as rows of schema `depiction`."""
    from qbuild.labels.depictions.read import gathered

    yield gathered(paths, options, limit)


def produce(inputs: Inputs, options: IngestOptions) -> Generator[Output, None, State]:
    """The depictions of all inputs, without repetition, with the level of the artifacts beside."""
    import pyarrow as pa

    from qbuild.core.schema import load_schema
    from qbuild.labels.depictions.read import Once
    from qbuild.stages.ingest_depictions.report import Report
    from qbuild.stages.ingest_depictions.shown_levels import Shown

    if not inputs.files:
        refuse_for_artifacts(options, "ingest-depictions")
    report, shown, once = Report(), Shown.of(inputs), Once()
    for batch in inputs.scan():
        for piece in batch.rows.to_batches(max_chunksize=PIECE):
            rows = [shown.join(row) for row in piece.to_pylist() if once.first(row)]
            for row in rows:
                report.add(row)
            yield Output(rows=pa.Table.from_pylist(rows, schema=load_schema("depiction").arrow))
    return report, shown, once


def finish(state: State, tally: Tally, _: IngestOptions) -> dict[str, Any]:
    """The figures of all and of each annotator, what was left out, and what levels disagree."""
    report, shown, once = state
    return {
        **report.figures(),
        "collapsed": tally["collapsed"] + once.collapsed,
        "cancelled": tally["cancelled"],
        "levels_joined": shown.tally["joined"],
        "levels_at_odds": shown.tally["other level"],
        "notes": list(tally.of("note")),
        "warnings": shown.warnings(),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    from qbuild.stages.ingest_depictions.report_text import told

    return told(report)


STAGE = Stage(
    name="ingest-depictions",
    version=1,
    options=IngestOptions,
    reads=Reads(schema="depiction", otherwise=read_files, beside=("level",)),
    writes="depiction",
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild ingest-depictions depictions.csv -o depictions.parquet",
)
