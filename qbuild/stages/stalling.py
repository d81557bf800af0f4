"""Write streaming sessions with their stalls.

Reads session logs: the layouts of `docs/sessions.md`, files or folders. Writes `stall` rows: the
stalls on the media and on the wall clock, initial buffering told apart, the 0/1 sequence as run
lengths, the summary. Time rules: docs/stalls.md. Source: VQA² section 3.3 (what both formats say).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from qbuild.core.engine.stage import Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

_RATE = re.compile(r"(?:\d+(?:\.\d+)?|\d+/\d+)", re.ASCII)


class StallingOptions(Options):
    """How logs are read, and what the sequence shows."""

    layout: str = Field(default="auto", description="Layout of the session logs, or auto.")
    dataset: str = Field(
        default="", description="Name of the dataset; else the layout's own, else the input's stem."
    )
    fps: str = Field(
        default="", description="Frame rate of logs that have none: 25, 23.976 or 24000/1001."
    )
    clock: Literal["media", "wall"] = Field(
        default="media", description="Clock of plain event lists that do not name it."
    )
    initial: Literal["ones", "none"] = Field(
        default="ones", description="Initial buffering in the sequence: ones, or left out."
    )
    licence: str = Field(default="", description="Licence of the logs.")
    source: str = Field(default="", description="Where the sessions come from.")

    @field_validator("fps")
    @classmethod
    def _rate(cls, text: str) -> str:
        if text and (not _RATE.fullmatch(text) or text.endswith("/0") or Fraction(text) <= 0):
            raise ValueError("expected a positive rate such as 25 or 24000/1001")
        return text


def produce(inputs: Inputs, options: StallingOptions) -> Iterator[Output]:
    """The sessions of all logs, those refused beside them."""
    from qbuild.labels.sessions.read import Asked, read_settled, refused_rows, stall_rows

    asked = Asked(**options.model_dump())
    found = read_settled(inputs.files, asked, inputs.limit)
    tally = Tally(collapsed=found.collapsed)
    tally.add_each("note", {note for session in found.sessions for note in session.notes})
    yield Output(rejected=refused_rows(found.refused), tally=tally)
    for rows in stall_rows(found, asked):
        yield Output(rows=rows, tally=_counts(rows))


def finish(_: None, tally: Tally, __: StallingOptions) -> dict[str, Any]:
    """Sessions by what stalls they have, and what was mended."""
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
    if report["collapsed"]:
        lines.append(f"{plural(report['collapsed'], 'identical session')} collapsed")
    notes = [f"{plural(n, 'session')}: {note}" for note, n in report["notes"].items()]
    return "\n".join([*lines, *notes])


def _counts(rows: Any) -> Tally:
    counts = rows.column("stall_count").to_pylist()
    buffering = rows.column("initial_buffering_s").to_pylist()
    tally = Tally(stalls=sum(counts))
    for count, seconds in zip(counts, buffering, strict=True):
        tally.add("kind", "stalls" if count else "buffering only" if seconds else "none")
    return tally


STAGE = Stage(
    name="stalling",
    version=1,
    options=StallingOptions,
    reads=Reads(schema=None),
    writes="stall",
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild stalling sessions -o stalls.parquet",
)
