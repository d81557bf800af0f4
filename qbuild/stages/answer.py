"""Answer questions about pictures and videos with a model.

Reads `instruction` artifacts with their media, which lie in an artifact's own folder or below
`--media-root`; writes a `prediction` row a sample, with its `sample_id` and the model's `answer`.
What is asked is the last user turn; the turns before it, system turn and answers as they stand in
the artifact, are the conversation so far. Answers are greedy. Source: VQA² supplement C.2, the
frame for understanding. See docs/scoring.md.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.engine.stage import Inputs, Output, Reads, Stage
from qbuild.core.plural import plural
from qbuild.core.renamed import Renamed
from qbuild.stages.model_stage import Asked, ModelOptions, ModelRuntime, Run, computing, model_hash

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from qbuild.backends.protocol import Answered, Prompt
    from qbuild.core.engine.tally import Tally
    from qbuild.core.media_roots import MediaRoots

SHOWN = 3
Row = dict[str, Any]


class AnswerOptions(ModelOptions):
    """Which model answers, and how it is asked."""

    video_prompt: Literal["understanding", "training", "scoring", "none"] = Field(
        default="understanding", description="Words around a video (VQA², supplement C.2)."
    )
    max_new_tokens: int = Field(default=256, ge=1, description="Longest answer, in tokens.")


def produce(inputs: Inputs, options: AnswerOptions) -> Generator[Output, None, Run]:
    """The prediction rows, in the order of the samples."""
    from qbuild.backends.protocol import Answering
    from qbuild.backends.registry import load_backend
    from qbuild.stages.model_stage import outputs, replies

    backend = load_backend(options.backend, options.model)
    how = Answering(
        options.video_prompt, options.max_new_tokens, computing(options, inputs.runtime)
    )
    run = Run(backend.model)

    def row_of(asked: Asked[Prompt], answered: Answered) -> Row:
        if len(run.first) < SHOWN:
            run.first.append({"path": asked.row["path"], "answer": answered.answer})
        known = {name: asked.row[name] for name in ("media_id", "path", "sample_id")}
        by = {"backend": options.backend, "model": backend.model}
        return {**known, **by, "answer": answered.answer}

    answered = replies(_asked(inputs, run), lambda prompts: backend.answer(prompts, how), run)
    yield from outputs(answered, row_of, run)
    return run


def _asked(inputs: Inputs, run: Run) -> Iterator[Asked[Prompt]]:
    """Each sample once."""
    roots = _roots_by_row(inputs)
    seen: set[str] = set()
    for batch in inputs.scan():
        for number, row in enumerate(batch.rows.to_pylist(), batch.start + 1):
            own = next(roots)
            if row["sample_id"] in seen:
                run.collapsed += 1
                continue
            seen.add(row["sample_id"])
            yield _question(number, row, own)


def _roots_by_row(inputs: Inputs) -> Iterator[MediaRoots]:
    """For each row of the inputs where the media of its artifact lie."""
    from qbuild.core.media_roots import MediaRoots

    roots = MediaRoots.parse(inputs.media_roots)
    for path, (_, rows) in zip(inputs.paths, inputs.lengths, strict=True):
        yield from repeat(roots.next_to(path), rows)


def _question(number: int, row: Row, roots: MediaRoots) -> Asked[Prompt]:
    """What a row asks, or why a model cannot be asked it."""
    from qbuild.backends.conversation import turns_of
    from qbuild.backends.protocol import Prompt
    from qbuild.core.errors import InputError

    said = turns_of(row)
    system = said.pop(0)[1] if said and said[0][0] == "system" else None
    if said and said[-1][0] == "assistant":
        said.pop()
    kept = _kept(row)
    fault = _fault(row, said)
    if fault is not None:
        return Asked(number, kept, None, fault)
    try:
        media = tuple(roots.locate(one["media_id"], one["path"]) for one in row["media"])
    except InputError as error:
        return Asked(number, kept, None, ("outside-root", error.what))
    texts = [text for _, text in said]
    before = tuple(zip(texts[:-1:2], texts[1:-1:2], strict=True))
    return Asked(number, kept, Prompt(row["sample_id"], media, texts[-1], system, before))


def _fault(row: Row, said: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    if not row["media"]:
        return "no-medium", "a sample without picture or video; expected one"
    if any(one["start_s"] is not None or one["end_s"] is not None for one in row["media"]):
        return "part-of-video", "a part of a video by time; expected a whole one, cut before"
    if not said or said[0][0] != "user":
        return "no-question", "no user's turn before an answer; expected a question"
    return None


def _kept(row: Row) -> Row:
    """What names a sample among the rejected rows."""
    from qbuild.core.canonical import dataset_of

    shown = row["media"][0] if row["media"] else {"media_id": "", "path": row["sample_id"]}
    return {
        "sample_id": row["sample_id"],
        "media_id": shown["media_id"],
        "dataset": dataset_of(shown["media_id"]) or row["task"],
        "path": shown["path"],
    }


def finish(run: Run, _: Tally, __: AnswerOptions) -> dict[str, Any]:
    """How many samples; under `run`, told and not kept, the first answers and the speed."""
    counts = {"model": run.model, "answers": run.rows, "collapsed": run.collapsed}
    return {**counts, "run": run.told()}


def render(report: dict[str, Any]) -> str:
    """The first answers and the speed."""
    from qbuild.core.errors import one_line, shorten

    run = report["run"]
    lines = [f"{row['path']}: {shorten(one_line(row['answer']))}" for row in run["first"]]
    told = f"{plural(report['answers'], 'answer')} by {report['model']}"
    return "\n".join([*lines, f"{told}: {run['seconds']:.1f} s, {run['rows_per_s']:.3g} a second"])


STAGE = Stage(
    name="answer",
    version=1,
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
