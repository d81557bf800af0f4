"""Write pairs about streaming sessions and their stalls.

Reads `stall` artifacts as its rows and `level` artifacts beside them, joined by `media_id`; writes
canonical `instruction` rows of task `streaming`. A session gives two pairs, its stalls told once
as a sequence of one digit a frame (1 stalled) and once as a summary in words: number of stalls,
duration of each, their share of the total length, initial buffering, time after the last of them.
Then the question and the answer of the UGC pairs. Scores, levels and whether they are synthetic
come from the level row. The medium is the session as it was watched, stalls among its frames: its
number of frames is the length of the sequence. Source: VQA² section 3.3; the sentences are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.engine.stage import Batch, Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import plural
from qbuild.core.renamed import Renamed
from qbuild.quality.published_text import ANSWER, LEVEL_WORDS, VQA2_QUESTION

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from qbuild.core.rows.duplicates import Duplicates
    from qbuild.core.rows.rejections import PlacedRejections

DECIMALS = 2
KIND = "video"
_SAID = ("mos", "mos_norm", "mos_std", "level", "word", "level_probs")  # of a level row
_TAKEN = ("media_id", *_SAID, "source", "split")
_MOST_FRAMES = 2**31 - 1  # what num_frames of a medium can hold


class StreamingOptions(Options):
    """How the stalls are told, and in which words the level."""

    format: Literal["both", "sequence", "summary"] = Field(
        default="both", description="A digit a frame, a summary in words, or a pair of each."
    )
    preset: Literal["paper", "release"] = Field(
        default="paper",
        description="Words as in the paper (High), or as the released scorer reads (high).",
    )
    every_nth_frame: int = Field(
        default=1, ge=1, description="Keep one digit in this many frames; the text says so."
    )
    decimals: int = Field(
        default=DECIMALS, ge=0, le=6, description="Decimals of seconds and percentages at most."
    )

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that are written, in order."""
        return ("sequence", "summary") if self.format == "both" else (self.format,)


@dataclass(frozen=True)
class Joined:
    """What each session is joined with: the fate of its row, and its level's row or -1."""

    duplicates: Duplicates
    levels: pa.Table
    at: NDArray[np.int64]  # [sessions], rows of `levels`


def prepare(inputs: Inputs, options: StreamingOptions) -> Joined:
    """The level of each session; UsageError where an input is missing or an option idle.

    InputError where the level artifacts say different things of one session.
    """
    from qbuild.core.errors import UsageError
    from qbuild.core.rows.duplicates import find_duplicates

    if options.every_nth_frame > 1 and options.format == "summary":
        raise UsageError(
            "--every-nth-frame", "a summary has no sequence", "expected --format sequence"
        )
    if options.decimals != DECIMALS and options.format == "sequence":
        raise UsageError("--decimals", "a sequence has none", "expected --format summary")
    if not inputs.lengths:
        raise UsageError(
            "streaming-qa",
            "no stall artifact is given",
            "expected sessions beside the levels",
            "Make one with `qbuild stalling LOGS -o stalls.parquet`, and give both.",
        )
    levels, at = _joined(inputs)
    return Joined(find_duplicates(inputs, "media_id"), levels, at)


def transform(batch: Batch, joined: Joined, options: StreamingOptions) -> Output:
    """A pair in each format for every session that has a level, session by session."""
    import numpy as np
    import pyarrow as pa

    from qbuild.core.rows.rejections import in_input_order

    found = joined.duplicates.deduplicate(batch)
    at = joined.at[batch.start + found.positions]
    refusals = [found.rejections("media_id")]
    refusals += _unusable(found.rows, found.positions, at, joined.levels)
    refused = np.concatenate([places for places, _ in refusals])
    usable = ~np.isin(found.positions, refused)
    rows = found.rows.filter(pa.array(usable))
    tally = Tally(sessions=len(rows), collapsed=found.collapsed)
    return Output(
        rows=_pairs(rows, joined.levels.take(pa.array(at[usable])), options),
        rejected=in_input_order(refusals),
        tally=tally,
    )


def finish(_: Joined, tally: Tally, options: StreamingOptions) -> dict[str, Any]:
    """How many sessions were told, and in how many pairs of each format."""
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
    collapsed = report["collapsed"]
    return f"{line}; {plural(collapsed, 'identical row')} collapsed" if collapsed else line


# ---------------------------------------------------------------------------------------- levels


def _joined(inputs: Inputs) -> tuple[pa.Table, NDArray[np.int64]]:
    """The levels of the sessions, one row a session, and for each session its row or -1."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from qbuild.core.errors import UsageError

    given = [_plain(table) for table in inputs.beside("level")]
    if not given:
        name = inputs.lengths[0][0]
        raise UsageError(
            "streaming-qa",
            "no level artifact is given",
            "expected the levels of the sessions beside their stalls",
            f"Make one with `qbuild mos-to-levels {name} -o levels.parquet`, and give both.",
        )
    chunks = [c for batch in inputs.scan(["media_id"]) for c in batch.rows.column(0).chunks]
    ids: Any = pa.chunked_array(chunks, pa.string()).combine_chunks()
    wanted = [t.filter(pc.is_in(t.column("media_id"), value_set=ids)) for t in given]
    levels = _one_each(pa.concat_tables(wanted))
    place = pc.index_in(ids, value_set=levels.column("media_id").combine_chunks())
    return levels, pc.fill_null(place, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _plain(levels: pa.Table) -> pa.Table:
    """The columns that are used, text as plain strings: dictionaries of several files differ."""
    import pyarrow as pa

    columns = {}
    for name in _TAKEN:
        column: Any = levels.column(name)
        is_coded = pa.types.is_dictionary(column.type)
        columns[name] = column.cast(pa.string()) if is_coded else column
    return pa.table(columns)


def _one_each(levels: pa.Table) -> pa.Table:
    """The levels without rows that repeat another; InputError where two disagree."""
    import pyarrow as pa

    from qbuild.core.errors import InputError, raise_all

    first: dict[str, dict[str, Any]] = {}
    kept: list[int] = []
    at_odds: dict[str, InputError] = {}
    for number, row in enumerate(levels.to_pylist()):
        known = first.setdefault(row["media_id"], row)
        if known is row:
            kept.append(number)
        elif known != row:
            column = next(name for name in row if row[name] != known[name])
            at_odds.setdefault(
                row["media_id"],
                InputError(
                    row["media_id"],
                    f"has levels that disagree: {column} is {known[column]} and {row[column]}",
                    "expected one level a session",
                    "Give the levels of one run of `qbuild mos-to-levels`.",
                ),
            )
    raise_all(at_odds.values())
    return levels.take(pa.array(kept, pa.int64()))


def _unusable(
    rows: pa.Table, places: NDArray[np.int64], at: NDArray[np.int64], levels: pa.Table
) -> list[PlacedRejections]:
    """The sessions of which no pair can be written, with the first reason of each."""
    import numpy as np
    import pyarrow as pa

    from qbuild.core.rows.rejections import reject_rows

    frames = rows.column("num_frames").to_numpy()
    add_up = "runs and num_frames, or events and stall_count, do not add up"
    faults: list[tuple[str, str | None, Any, str]] = [
        ("no-level", "media_id", at < 0, "no level artifact has a row of this session"),
        ("split-conflict", "split", _other_split(rows, at, levels), "its level has another split"),
        ("no-frame", "num_frames", frames == 0, "the session has no frame"),
        ("inconsistent", None, _inconsistent(rows), add_up),
    ]
    found: list[PlacedRejections] = []
    left = np.ones(len(rows), dtype=bool)
    for reason, column, bad, message in faults:
        here = left & bad
        if here.any():
            records = rows.filter(pa.array(here)).to_pylist()
            table = reject_rows(records, reason, [message] * len(records), column)
            found.append((places[here], table))
            left &= ~bad
    return found


def _other_split(rows: pa.Table, at: NDArray[np.int64], levels: pa.Table) -> Any:
    """Sessions whose own split and whose level's are both known and differ."""
    import pyarrow as pa
    import pyarrow.compute as pc

    own = rows.column("split").cast(pa.string())
    other = levels.column("split").take(pa.array(at, mask=at < 0))
    return pc.fill_null(pc.not_equal(own, other), False).to_numpy()


def _inconsistent(rows: pa.Table) -> Any:
    """Sessions whose sequence or number of stalls is not what the row says it is."""
    import numpy as np

    runs, borders = _flat(rows, "runs")
    added = np.diff(np.concatenate(([0], np.cumsum(runs.to_numpy())))[borders])
    frames = rows.column("num_frames").to_numpy()
    counted, told = np.diff(_stalls(rows)[1]), rows.column("stall_count").to_numpy()
    return (added != frames) | (frames > _MOST_FRAMES) | (counted != told)


# ----------------------------------------------------------------------------------------- pairs


def _pairs(rows: pa.Table, levels: pa.Table, options: StreamingOptions) -> pa.Table:
    """The pairs of sessions, each with its level in the same row of `levels`."""
    import numpy as np
    import pyarrow as pa

    from qbuild.quality.instruction import Pairs, instruction_table

    tell = {"sequence": _sequences, "summary": _summaries}
    told = [tell[name](rows, options) for name in options.formats]
    texts = [text for of_session in zip(*told, strict=True) for text in of_session]
    again = pa.array(np.repeat(np.arange(len(rows)), len(told)))
    media = _media(rows, levels).take(again)
    graded: list[Any] = media.column("level").to_pylist()
    words = [LEVEL_WORDS["vqa2"][level - 1] for level in graded]
    question = VQA2_QUESTION.format(kind=KIND)
    pairs = Pairs(
        task="streaming",
        stage="streaming-qa",
        kinds=[KIND] * len(texts),
        words=words,
        questions=[f"{text}\n{question}" for text in texts],
        answers=[
            ANSWER.format(aspect="quality", kind=KIND, word=spelled(word, options))
            for word in words
        ],
        medium_first=True,
    )
    return instruction_table(media, pairs)


def spelled(word: str, options: StreamingOptions) -> str:
    """A level's word as it stands in the answer; labels keep it as the paper has it."""
    return word.lower() if options.preset == "release" else word


def _media(rows: pa.Table, levels: pa.Table) -> pa.Table:
    """What the pairs carry of each session and its level."""
    import pyarrow as pa
    import pyarrow.compute as pc

    own = rows.column("split").cast(pa.string())
    rate = pc.divide(
        rows.column("fps_num").cast(pa.float64()), rows.column("fps_den").cast(pa.float64())
    )
    columns = {
        "media_id": rows.column("media_id"),
        "path": rows.column("path"),
        "fps": rate,
        "num_frames": rows.column("num_frames"),
        "split": pc.coalesce(own, levels.column("split")),
        "source": levels.column("source"),
        **{name: levels.column(name) for name in _SAID},
    }
    return pa.table(columns)


def _sequences(rows: pa.Table, options: StreamingOptions) -> list[str]:
    from itertools import pairwise

    from qbuild.quality.stall_text import sequence_text

    values, borders = _flat(rows, "runs")
    runs = values.to_numpy()
    return [
        sequence_text(runs[first:end], options.every_nth_frame) for first, end in pairwise(borders)
    ]


def _summaries(rows: pa.Table, options: StreamingOptions) -> list[str]:
    from itertools import pairwise

    from qbuild.quality.stall_text import summary_text

    durations, ends = _stalls(rows)
    each = [durations[first:end].tolist() for first, end in pairwise(ends)]
    shares, bufferings, tails = (
        rows.column(name).to_numpy().tolist()
        for name in ("stall_share", "initial_buffering_s", "tail_s")
    )
    return [
        summary_text(*said, decimals=options.decimals)
        for said in zip(each, shares, bufferings, tails, strict=True)
    ]


def _stalls(rows: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Durations of the playback stalls, flat, and the borders between sessions."""
    import numpy as np
    import pyarrow.compute as pc

    from qbuild.quality.stalls import PLAYBACK

    events, borders = _flat(rows, "events")
    playback = pc.equal(pc.struct_field(events, "kind"), PLAYBACK).to_numpy(zero_copy_only=False)
    playback = playback.astype(bool)  # no events: an array of no type
    durations = pc.struct_field(events, "duration_s").to_numpy(zero_copy_only=False)
    return durations[playback], np.concatenate(([0], np.cumsum(playback)))[borders]


def _flat(rows: pa.Table, column: str) -> tuple[Any, NDArray[np.int64]]:
    """The values of a list column of all sessions, and the borders between sessions."""
    import numpy as np
    import pyarrow.compute as pc

    lists = rows.column(column)
    lengths = pc.list_value_length(lists).to_numpy()
    borders: NDArray[np.int64] = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return pc.list_flatten(lists).combine_chunks(), borders


STAGE = Stage(
    name="streaming-qa",
    version=1,
    options=StreamingOptions,
    reads=Reads(schema="stall", beside=("level",)),
    writes="instruction",
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    renamed={"thin": Renamed("every_nth_frame")},
    example="qbuild streaming-qa stalls.parquet levels.parquet -o pairs.parquet",
)
