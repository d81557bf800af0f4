"""Read rating files of any published layout.

Reads rating files: the layouts of `docs/layouts.md`, or any table with named columns, raw votes
included. Writes `rating` rows: one opinion score per medium, its place in its file, licence and
source. Identical rows collapse to one; rows of one medium that differ are all rejected.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qbuild.core.engine.stage import Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import format_collapsed, plural
from qbuild.labels.ratings import read_rating_files
from qbuild.labels.ratings.options import RatingOptions


class IngestOptions(RatingOptions):
    """How the files are read; nothing else changes the rows."""


def produce(inputs: Inputs, options: IngestOptions) -> Iterator[Output]:
    """The files' rows; the rows of each dataset are counted."""
    for output in read_rating_files(inputs.files, options, inputs.limit):
        assert output.rows is not None  # noqa: S101 - read_rating_files always gives a table
        output.tally.add_each("dataset", map(str, output.rows.column("dataset").to_pylist()))
        yield output


def finish(_: None, tally: Tally, __: IngestOptions) -> dict[str, Any]:
    """Rows per dataset, collapsed duplicates, and the notes of the layouts."""
    return {
        "datasets": tally.of("dataset"),
        "collapsed": tally["collapsed"],
        "notes": list(tally.of("note")),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [f"{name}: {plural(rows, 'rating')}" for name, rows in report["datasets"].items()]
    lines += format_collapsed(report["collapsed"], "identical duplicate")
    return "\n".join([*lines, *report["notes"]])


STAGE = Stage(
    name="ingest-ratings",
    version=1,
    options=IngestOptions,
    reads=Reads(schema=None),
    writes="rating",
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild ingest-ratings ratings.csv -o ratings.parquet --dataset study",
)
