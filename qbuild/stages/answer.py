"""Answer questions about images and videos with a model.

Reads `instruction` artifacts with their media, which are in an artifact's own folder or below
`--media-root`; writes a `prediction` row per sample, with its `sample_id` and the model's `answer`.
The question is the last user turn; the turns before it, the system turn and answers of the
artifact, are the conversation so far. Answers are greedy. Source: VQA² supplement C.2, the video
prompt for understanding. See docs/scoring.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Iterator, Sequence
from itertools import accumulate
from typing import Any, Literal

from pydantic import Field

from qbuild.backends.conversation import turns_of
from qbuild.backends.protocol import Answered, Answering, Prompt
from qbuild.core.canonical import dataset_of
from qbuild.core.engine.stage import Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, one_line, shorten
from qbuild.core.media_roots import MediaRoots
from qbuild.core.plural import plural
from qbuild.core.renamed import Renamed
from qbuild.core.rows.rejections import Rejection
from qbuild.core.rows.split_filter import format_left_out
from qbuild.stages.model_stage import (
    ModelOptions,
    ModelRuntime,
    Request,
    Row,
    RunStats,
    first_rows,
    model_hash,
    open_model,
    predict,
)
from qbuild.stages.split_option import SplitOptions, read_splits

MAX_SHOWN = 3


class AnswerOptions(SplitOptions, ModelOptions):
    """The model and its prompt."""

    video_prompt: Literal["understanding", "training", "scoring", "none"] = Field(
        default="understanding", description="Text around a video (VQA², supplement C.2)."
    )
    max_new_tokens: int = Field(default=256, ge=1, description="Maximum tokens of an answer.")


def produce(inputs: Inputs, options: AnswerOptions) -> Generator[Output, None, RunStats]:
    """The prediction rows, in the order of the samples."""
    backend, computing = open_model(options, inputs.runtime)
    how = Answering(options.video_prompt, options.max_new_tokens, computing)
    stats = RunStats(backend.model)

    def to_row(request: Request[Prompt], answered: Answered) -> Row:
        if len(stats.first) < MAX_SHOWN:
            stats.first.append({"path": request.row["path"], "answer": answered.answer})
        names = {name: request.row[name] for name in ("media_id", "path", "sample_id")}
        model = {"backend": options.backend, "model": backend.model}
        return {**names, **model, "answer": answered.answer}

    requests = _requests(inputs, options, stats)
    yield from predict(requests, lambda prompts: backend.answer(prompts, how), to_row, stats)
    return stats


def _requests(inputs: Inputs, options: AnswerOptions, stats: RunStats) -> Iterator[Request[Prompt]]:
    """Each sample once."""
    roots = MediaRoots.parse(inputs.media_roots)
    by_artifact = [roots.next_to(artifact.path) for artifact in inputs.artifacts]
    ends = list(accumulate(artifact.rows for artifact in inputs.artifacts))
    for number, row in first_rows(inputs, "sample_id", read_splits(inputs, options), stats):
        yield make_request(number, row, by_artifact[bisect_left(ends, number)])


def make_request(number: int, row: Row, roots: MediaRoots) -> Request[Prompt]:
    """The prompt of a row, or why there is none."""
    turns = turns_of(row)
    system = turns.pop(0)[1] if turns and turns[0][0] == "system" else None
    if turns and turns[-1][0] == "assistant":
        turns.pop()
    names = _names(row)
    rejection = _check_row(row, turns)
    if rejection is not None:
        return Request(number, names, None, rejection)
    try:
        media = tuple(roots.locate(one["media_id"], one["path"]) for one in row["media"])
    except InputError as error:
        return Request(number, names, None, Rejection("outside-root", error.what))
    texts = [text for _, text in turns]
    before = tuple(zip(texts[:-1:2], texts[1:-1:2], strict=True))
    return Request(number, names, Prompt(row["sample_id"], media, texts[-1], system, before))


def _check_row(row: Row, turns: Sequence[tuple[str, str]]) -> Rejection | None:
    if not row["media"]:
        return Rejection("no-medium", "a sample without image or video; expected one")
    if any(one["start_s"] is not None or one["end_s"] is not None for one in row["media"]):
        message = "a part of a video by time; expected a whole one, cut before"
        return Rejection("part-of-video", message)
    if not turns or turns[0][0] != "user":
        return Rejection("no-question", "no user turn before an answer; expected a question")
    return None


def _names(row: Row) -> Row:
    """What identifies a sample among predictions and rejected rows."""
    first = row["media"][0] if row["media"] else {"media_id": "", "path": row["sample_id"]}
    return {
        "sample_id": row["sample_id"],
        "media_id": first["media_id"],
        "dataset": dataset_of(first["media_id"]) or row["task"],
        "path": first["path"],
    }


def finish(stats: RunStats, _: Tally, __: AnswerOptions) -> dict[str, Any]:
    """The number of answers; under `run`, which is not stored, the first ones and the speed."""
    counts = {"model": stats.model, "answers": stats.rows, "collapsed": stats.collapsed}
    return {**counts, **stats.other_splits(), "run": stats.as_dict()}


def render(report: dict[str, Any]) -> str:
    """The first answers and the speed."""
    run = report["run"]
    lines = [f"{row['path']}: {shorten(one_line(row['answer']))}" for row in run["first"]]
    answered = f"{plural(report['answers'], 'answer')} by {report['model']}"
    speed = f"{run['seconds']:.1f} s, {run['rows_per_s']:.3g} per second"
    left_out = format_left_out(report.get("left_out", {}))
    return "\n".join([*lines, f"{answered}: {speed}", *filter(None, [left_out])])


STAGE = Stage(
    name="answer",
    version=2,
    options=AnswerOptions,
    reads=Reads(schema="instruction"),
    writes="prediction",
    runtime=ModelRuntime,
    prompts=model_hash,
    produce=produce,
    finish=finish,
    render=render,
    renamed={"frame": Renamed("video_prompt")},
    example="qbuild answer pairs.parquet -o answers.parquet --model checkpoint \\\n"
    "    --media-root photos",
    reads_media=True,
)
