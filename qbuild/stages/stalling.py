"""Write streaming sessions with their stalls.

Reads session logs: the layouts of `docs/sessions.md`, files or folders. Writes `stall` rows: the
stalls in media time and in wall-clock time, separately the initial buffering, the 0/1 sequence as
run lengths, and the summary. Time rules: docs/stalls.md. Source: VQA² section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qbuild.core.engine.stage import Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import format_collapsed, plural
from qbuild.core.rows.rejections import rejected_table
from qbuild.labels.sessions.options import SessionOptions


def produce(inputs: Inputs, options: SessionOptions) -> Iterator[Output]:
    """The sessions of all logs, and the rejected ones."""
    from qbuild.labels.sessions.read import read_valid_sessions, stall_tables

    read = read_valid_sessions(inputs.files, options, inputs.limit)
    tally = Tally(collapsed=read.collapsed)
    tally.add_each("note", {note for _, session in read.sessions for note in session.notes})
    yield Output(rejected=rejected_table(read.rejected), tally=tally)
    for rows in stall_tables(read, options):
        yield Output(rows=rows, tally=_count_kinds(rows))


def finish(_: None, tally: Tally, __: SessionOptions) -> dict[str, Any]:
    """Sessions by the kinds of their stalls, and notes on corrected ones."""
    kinds = ("none", "buffering only", "stalls")
    return {
        "sessions": {kind: tally["kind", kind] for kind in kinds},
        "stalls": tally["stalls"],
        "collapsed": tally["collapsed"],
        "notes": tally.of("note"),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    kinds = ", ".join(f"{count:,} with {kind}" for kind, count in report["sessions"].items())
    lines = [f"sessions: {kinds}; {plural(report['stalls'], 'playback stall')}"]
    lines += format_collapsed(report["collapsed"], "identical session")
    notes = [f"{plural(n, 'session')}: {note}" for note, n in report["notes"].items()]
    return "\n".join([*lines, *notes])


def _count_kinds(rows: Any) -> Tally:
    counts = rows.column("stall_count").to_pylist()
    buffering = rows.column("initial_buffering_s").to_pylist()
    tally = Tally(stalls=sum(counts))
    for count, seconds in zip(counts, buffering, strict=True):
        tally.add("kind", "stalls" if count else "buffering only" if seconds else "none")
    return tally


STAGE = Stage(
    name="stalling",
    version=1,
    options=SessionOptions,
    reads=Reads(schema=None),
    writes="stall",
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild stalling sessions.csv -o stalls.parquet",
)
