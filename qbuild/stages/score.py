"""Score images and videos with a model.

Reads files, folders, or artifacts whose rows name media (with `--media-root`); writes a
`prediction` row for each: the logits of the level words, worst to best, and the resulting score
from 0 to 1; on the usual scale of 1 to 5 it is 1 + 4 · score. The model is loaded once; media are
read in a single pass while it computes. Unreadable media are rejected with a reason. Source:
VQA² supplement C.2 and D, Q-Align section 3.3. See docs/scoring.md.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Literal

from pydantic import Field

from qbuild.backends.protocol import Scored, Scoring
from qbuild.core.canonical import hash_file
from qbuild.core.engine.stage import Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.media_roots import Medium
from qbuild.core.plural import plural
from qbuild.core.renamed import Renamed
from qbuild.core.rows.rejections import RejectedError
from qbuild.core.rows.split_filter import format_left_out
from qbuild.media.files.listing import FileOptions, format_ignored, ignored_report, list_media
from qbuild.media.files.locate import MediaFiles
from qbuild.media.unreadable import file_size, reject_disk_errors
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
from qbuild.stages.probe import NAMED
from qbuild.stages.split_option import SplitOptions, read_splits

MAX_SHOWN = 10


class ScoreOptions(FileOptions, SplitOptions, ModelOptions):
    """The model and its prompt."""

    video_prompt: Literal["scoring", "training", "understanding", "none"] = Field(
        default="scoring", description="Text around a video (VQA², supplement C.2)."
    )
    words: str = Field(
        default="auto",
        min_length=1,
        description="Levels to choose from: vqa2 (low … high), vqa2-capitalised (Low … High), itu, "
        "or words separated by commas; auto: those that the model was trained on.",
    )
    weights: str = Field(
        default="",
        description="Weights of the levels: paper (0 … 1), release (.2 … 1), or numbers separated "
        "by commas, worst to best; evenly from 0 to 1 by default.",
    )
    temperature: float = Field(
        default=1.0, gt=0, description="Divisor of the logits before the softmax."
    )


def produce(inputs: Inputs, options: ScoreOptions) -> Generator[Output, None, RunStats]:
    """The prediction rows, in the order of the inputs."""
    backend, computing = open_model(options, inputs.runtime)
    how = Scoring(
        options.video_prompt, options.words, options.weights, options.temperature, computing
    )
    stats = RunStats(backend.model)

    def to_row(request: Request[Medium], scored: Scored) -> Row:
        if len(stats.first) < MAX_SHOWN:
            stats.first.append({"path": request.row["path"], "score": scored.score})
        return {
            "media_id": request.row["media_id"],
            "path": request.row["path"],
            "backend": options.backend,
            "model": backend.model,
            "words": list(scored.words) or None,
            "logits": list(scored.logits) or None,
            "temperature": options.temperature if scored.logits else None,
            "score": scored.score,
            "sha256": request.row["sha256"],
        }

    requests = _requests(inputs, options, stats)
    yield from predict(requests, lambda media: backend.score(media, how), to_row, stats)
    return stats


def _requests(inputs: Inputs, options: ScoreOptions, stats: RunStats) -> Iterator[Request[Medium]]:
    """Each medium once, with the hash of its file."""
    media = MediaFiles.of(inputs, options.dataset)
    for number, row in first_rows(inputs, "media_id", read_splits(inputs, options), stats):
        try:
            file = media.find(number, row)
            file_size(file)
            with reject_disk_errors(file):
                row["sha256"] = hash_file(file).removeprefix("sha256:")
        except RejectedError as error:
            yield Request(number, row, None, error.rejection)
        else:
            yield Request(number, row, Medium(row["media_id"], row["path"], file))


def finish(stats: RunStats, tally: Tally, _: ScoreOptions) -> dict[str, Any]:
    """The number of media; under `run`, which is not stored, the first scores and the speed."""
    counts = {"model": stats.model, "media": stats.rows, "collapsed": stats.collapsed}
    return {**counts, **stats.other_splits(), **ignored_report(tally), "run": stats.as_dict()}


def render(report: dict[str, Any]) -> str:
    """The first scores, from 0 to 1 and from 1 to 5, and the speed."""
    run = report["run"]
    lines = [
        f"{row['score']:.4f}  {1 + 4 * row['score']:.3f} of 5  {row['path']}"
        for row in run["first"]
    ]
    if report["media"] > len(lines):
        lines.append(f"… {report['media'] - len(lines):,} more")
    scored = f"{plural(report['media'], 'medium', 'media')} scored by {report['model']}"
    speed = f"{run['seconds']:.1f} s, {run['rows_per_s']:.3g} per second"
    left_out = format_left_out(report.get("left_out", {}))
    lines += [f"{scored}: {speed}", *filter(None, [left_out]), *format_ignored(report)]
    return "\n".join(lines)


STAGE = Stage(
    name="score",
    version=2,
    options=ScoreOptions,
    reads=Reads(schema="file", from_files=list_media, compatible=NAMED, accepts_empty=True),
    writes="prediction",
    runtime=ModelRuntime,
    prompts=model_hash,
    produce=produce,
    finish=finish,
    render=render,
    renamed={"frame": Renamed("video_prompt")},
    example="qbuild score photos -o predictions.parquet --model checkpoint",
    reads_media=True,
)
