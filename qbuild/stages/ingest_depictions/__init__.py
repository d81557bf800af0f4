"""Read depictions of quality, and report on the annotations.

Reads tables (CSV, TSV, JSON, JSONL, Parquet, Excel) with a row per medium and annotator or a row
per depiction, Label Studio exports, and `depiction` artifacts. `level` artifacts among the inputs
replace level and score of the files. Writes a `depiction` row for each text.
Annotators are written as pseudonyms. The report compares annotations with the rules of VQA²
(appendix B): attributes, temporal descriptions, degree words and tone by level, media per day,
agreement. None of these rejects a row. See docs/depictions.md.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from qbuild.core.engine.stage import Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.labels.depictions import read_depiction_files
from qbuild.labels.depictions.options import DepictionOptions
from qbuild.labels.tables.options import reject_file_options
from qbuild.stages.ingest_depictions.level_lookup import LevelLookup
from qbuild.stages.ingest_depictions.report import Report
from qbuild.stages.ingest_depictions.report_text import format_report

if TYPE_CHECKING:
    from qbuild.core.rows.duplicates import Deduplicator

State = tuple[Report, LevelLookup, "Deduplicator"]
CHUNK_ROWS = 1_000  # rows as Python values take ten times the memory of a table


class IngestOptions(DepictionOptions):
    """How the files are read; nothing else changes the rows."""


def produce(inputs: Inputs, options: IngestOptions) -> Generator[Output, None, State]:
    """The unique depictions of all inputs, with the level of the `level` artifacts."""
    import pyarrow as pa

    from qbuild.core.rows.duplicates import Deduplicator
    from qbuild.core.schema import load_schema

    if not inputs.files:
        reject_file_options(options, DepictionOptions, "ingest-depictions")
    report, levels, unique = Report(), LevelLookup.load(inputs), Deduplicator()
    for batch in inputs.scan():
        for chunk in batch.rows.to_batches(max_chunksize=CHUNK_ROWS):
            rows = [
                levels.join(row)
                for row in chunk.to_pylist()
                if unique.is_first(row["depiction_id"])
            ]
            for row in rows:
                report.add(row)
            yield Output(rows=pa.Table.from_pylist(rows, schema=load_schema("depiction").arrow))
    return report, levels, unique


def finish(state: State, tally: Tally, _: IngestOptions) -> dict[str, Any]:
    """The figures of all and of each annotator, rows left out, and levels that differ."""
    report, levels, unique = state
    return {
        **report.figures(),
        "collapsed": tally["collapsed"] + unique.collapsed,
        "cancelled": tally["cancelled"],
        "levels_joined": levels.joined,
        "levels_at_odds": levels.other_level,
        "notes": list(tally.of("note")),
        "warnings": levels.warnings(),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    return format_report(report)


STAGE = Stage(
    name="ingest-depictions",
    version=1,
    options=IngestOptions,
    reads=Reads(schema="depiction", from_files=read_depiction_files, side_inputs=("level",)),
    writes="depiction",
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild ingest-depictions depictions.csv -o depictions.parquet",
)
