"""The pairs of a batch of sessions, and the sessions of which no pair can be written."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.engine.stage import Batch, Output
from qbuild.core.engine.tally import Tally
from qbuild.core.rows.rejections import merge_rejections, reject_rows
from qbuild.quality.arrays import Floats, Ints
from qbuild.quality.instruction import Pairs, instruction_table
from qbuild.quality.published_text import LEVEL_WORDS, VQA2_QUESTION, level_answer
from qbuild.quality.stall_text import sequence_text, summary_text
from qbuild.quality.stalls import PLAYBACK
from qbuild.stages.streaming_qa.levels import LABELS, SessionLevels
from qbuild.stages.streaming_qa.options import StreamingOptions

if TYPE_CHECKING:
    from qbuild.core.rows.rejections import PlacedRejections

KIND = "video"
_MAX_FRAMES = 2**31 - 1  # what num_frames of a medium can hold


def write_pairs(batch: Batch, sessions: SessionLevels, options: StreamingOptions) -> Output:
    """A pair in each format for every usable session of the batch."""
    unique = sessions.duplicates.deduplicate(batch)
    level_rows = sessions.level_rows[batch.start + unique.positions]
    rejections = [unique.rejections("media_id")]
    rejections += _reject_unusable(unique.rows, unique.positions, level_rows, sessions.levels)
    rejected = np.concatenate([positions for positions, _ in rejections])
    usable = ~np.isin(unique.positions, rejected)
    rows = unique.rows.filter(pa.array(usable))
    return Output(
        rows=_pairs(rows, sessions.levels.take(pa.array(level_rows[usable])), options),
        rejected=merge_rejections(rejections),
        tally=Tally(sessions=len(rows), collapsed=unique.collapsed),
    )


def _reject_unusable(
    rows: pa.Table, positions: Ints, level_rows: Ints, levels: pa.Table
) -> list[PlacedRejections]:
    """The sessions of which no pair can be written, with the first reason of each."""
    frames = rows.column("num_frames").to_numpy()
    sums_differ = "runs and num_frames, or events and stall_count, do not add up"
    split_differs = _split_differs(rows, level_rows, levels)
    faults: list[tuple[str, str | None, Any, str]] = [
        ("no-level", "media_id", level_rows < 0, "no level artifact has a row of this session"),
        ("split-conflict", "split", split_differs, "its level has another split"),
        ("no-frame", "num_frames", frames == 0, "the session has no frame"),
        ("inconsistent", None, _is_inconsistent(rows), sums_differ),
    ]
    rejections: list[PlacedRejections] = []
    left = np.ones(len(rows), dtype=bool)
    for reason, column, bad, message in faults:
        here = left & bad
        if here.any():
            records = rows.filter(pa.array(here)).to_pylist()
            table = reject_rows(records, reason, [message] * len(records), column)
            rejections.append((positions[here], table))
            left &= ~bad
    return rejections


def _split_differs(rows: pa.Table, level_rows: Ints, levels: pa.Table) -> Any:
    """Whether the splits of a session and of its level are both known and differ."""
    own = rows.column("split").cast(pa.string())
    other = levels.column("split").take(pa.array(level_rows, mask=level_rows < 0))
    return pc.fill_null(pc.not_equal(own, other), False).to_numpy()


def _is_inconsistent(rows: pa.Table) -> Any:
    """Whether the sequence or the number of stalls contradicts the counts in the row."""
    runs, borders = _flatten(rows, "runs")
    total = np.diff(np.concatenate(([0], np.cumsum(runs.to_numpy())))[borders])
    frames = rows.column("num_frames").to_numpy()
    stalls, stall_count = np.diff(_playback_stalls(rows)[1]), rows.column("stall_count").to_numpy()
    return (total != frames) | (frames > _MAX_FRAMES) | (stalls != stall_count)


def _pairs(rows: pa.Table, levels: pa.Table, options: StreamingOptions) -> pa.Table:
    """The pairs of sessions, each with its level in the same row of `levels`."""
    writers = {"sequence": _sequences, "summary": _summaries}
    by_format = [writers[name](rows, options) for name in options.formats]
    texts = [text for of_session in zip(*by_format, strict=True) for text in of_session]
    repeated = pa.array(np.repeat(np.arange(len(rows)), len(by_format)))
    media = _media(rows, levels).take(repeated)
    level_numbers: list[Any] = media.column("level").to_pylist()
    words = [LEVEL_WORDS["vqa2"][level - 1] for level in level_numbers]
    question = VQA2_QUESTION.format(kind=KIND)
    pairs = Pairs(
        task="streaming",
        stage="streaming-qa",
        kinds=[KIND] * len(texts),
        words=words,
        questions=[f"{text}\n{question}" for text in texts],
        answers=[level_answer(word, KIND, options.word_case) for word in words],
        medium_first=True,
    )
    return instruction_table(media, pairs)


def _media(rows: pa.Table, levels: pa.Table) -> pa.Table:
    """What the pairs hold of each session and its level."""
    rates = [rows.column(name).cast(pa.float64()) for name in ("fps_num", "fps_den")]
    columns = {
        "media_id": rows.column("media_id"),
        "path": rows.column("path"),
        "fps": pc.divide(*rates),
        "num_frames": rows.column("num_frames"),
        "split": pc.coalesce(rows.column("split").cast(pa.string()), levels.column("split")),
        "source": levels.column("source"),
        **{name: levels.column(name) for name in LABELS},
    }
    return pa.table(columns)


def _sequences(rows: pa.Table, options: StreamingOptions) -> list[str]:
    values, borders = _flatten(rows, "runs")
    runs, step = values.to_numpy(), options.every_nth_frame
    return [sequence_text(runs[first:end], step) for first, end in pairwise(borders)]


def _summaries(rows: pa.Table, options: StreamingOptions) -> list[str]:
    durations, borders = _playback_stalls(rows)
    lengths = [durations[first:end].tolist() for first, end in pairwise(borders)]
    names = ("stall_share", "initial_buffering_s", "tail_s")
    columns = [rows.column(name).to_numpy().tolist() for name in names]
    return [
        summary_text(stalls, share, buffering, tail, options.decimals)
        for stalls, share, buffering, tail in zip(lengths, *columns, strict=True)
    ]


def _playback_stalls(rows: pa.Table) -> tuple[Floats, Ints]:
    """Durations of the playback stalls, flat, and the borders between sessions."""
    events, borders = _flatten(rows, "events")
    playback = pc.equal(pc.struct_field(events, "kind"), PLAYBACK).to_numpy(zero_copy_only=False)
    playback = playback.astype(bool)  # without events the array has no type
    durations = pc.struct_field(events, "duration_s").to_numpy(zero_copy_only=False)
    return durations[playback], np.concatenate(([0], np.cumsum(playback)))[borders]


def _flatten(rows: pa.Table, column: str) -> tuple[Any, Ints]:
    """The values of a list column of all sessions, and the borders between sessions."""
    lists = rows.column(column)
    lengths = pc.list_value_length(lists).to_numpy()
    borders: Ints = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return pc.list_flatten(lists).combine_chunks(), borders
