"""Write pairs about streaming sessions and their stalls.

Reads `stall` artifacts and the `level` artifacts of the same sessions, joined by `media_id`; writes
`instruction` rows of task `streaming`. Each session gives two pairs, with its stalls as a sequence
of one digit per frame (1: stalled) and as a summary in words: number of stalls, duration of each,
their share of the total length, initial buffering, time after the last stall. Both end with the
question and the answer of the UGC pairs. Score, level and the mark of synthetic scores come from
the `level` row. The medium is the session as it was watched, stalls included: its number of frames
is the length of the sequence. Source: VQA² section 3.3; the sentences are qbuild's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import UsageError
from qbuild.core.plural import format_collapsed, plural
from qbuild.core.renamed import Renamed
from qbuild.stages.scoring_qa import WORD_CASES
from qbuild.stages.streaming_qa.options import DECIMALS, StreamingOptions

if TYPE_CHECKING:
    from qbuild.stages.streaming_qa.levels import SessionLevels


def prepare(inputs: Inputs, options: StreamingOptions) -> SessionLevels:
    """The level of each session; UsageError for a missing input or an option without effect.

    InputError for level artifacts that conflict.
    """
    from qbuild.stages.streaming_qa.levels import join_levels

    if options.every_nth_frame > 1 and options.format == "summary":
        what = "a summary has no sequence"
        raise UsageError("--every-nth-frame", what, "expected --format sequence")
    if options.decimals != DECIMALS and options.format == "sequence":
        raise UsageError("--decimals", "a sequence has none", "expected --format summary")
    if not inputs.artifacts:
        raise UsageError(
            "streaming-qa",
            "no stall artifact is given",
            "expected sessions and their levels",
            "Make one with `qbuild stalling LOGS -o stalls.parquet`, and give both.",
        )
    return join_levels(inputs)


def transform(batch: Batch, levels: SessionLevels, options: StreamingOptions) -> Output:
    """A pair in each format for every session that has a level, session by session."""
    from qbuild.stages.streaming_qa.pairs import write_pairs

    return write_pairs(batch, levels, options)


def finish(_: SessionLevels, tally: Tally, options: StreamingOptions) -> dict[str, Any]:
    """The number of sessions, and of pairs in each format."""
    sessions = tally["sessions"]
    return {
        "sessions": sessions,
        "formats": dict.fromkeys(options.formats, sessions),
        "collapsed": tally["collapsed"],
    }


def render(report: dict[str, Any]) -> str:
    """The report as a line."""
    each = " and a ".join(report["formats"])
    line = f"{plural(report['sessions'], 'session')}, each with a {each}"
    return "; ".join([line, *format_collapsed(report["collapsed"])])


STAGE = Stage(
    name="streaming-qa",
    version=1,
    options=StreamingOptions,
    reads=Reads(schema="stall", side_inputs=("level",)),
    writes="instruction",
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild streaming-qa stalls.parquet levels.parquet -o pairs.parquet",
    renamed={
        "thin": Renamed("every_nth_frame"),
        "preset": WORD_CASES,
    },
)
