"""Score pictures and videos with a model.

Reads files, folders, or artifacts whose rows name media (with `--media-root`); writes a
`prediction` row for each: the logits of the level words, worst to best, and the score that they
give, from 0 to 1; on the usual scale of 1 to 5 it is 1 + 4 · score. The model is loaded once; media
are read in a single pass each while it computes. What cannot be read is rejected with its reason.
Source: VQA² supplement C.2 and D, Q-Align section 3.3. See docs/scoring.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.engine.stage import Inputs, Output, Reads, Stage
from qbuild.core.plural import plural
from qbuild.core.renamed import Renamed
from qbuild.media.files.listing import FileOptions, format_ignored, ignored_report, list_media
from qbuild.stages.model_stage import Asked, ModelOptions, ModelRuntime, Run, computing, model_hash
from qbuild.stages.probe import NAMED

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from qbuild.backends.protocol import Scored
    from qbuild.core.engine.tally import Tally
    from qbuild.core.media_roots import Medium

SHOWN = 10


class ScoreOptions(FileOptions, ModelOptions):
    """Which model scores, and how it is asked."""

    video_prompt: Literal["scoring", "training", "understanding", "none"] = Field(
        default="scoring", description="Words around a video (VQA², supplement C.2)."
    )
    words: str = Field(
        default="vqa2",
        min_length=1,
        description="Levels to choose among: vqa2, itu, release, or words with commas.",
    )
    temperature: float = Field(
        default=1.0, gt=0, description="What logits are divided by before the softmax."
    )


def produce(inputs: Inputs, options: ScoreOptions) -> Generator[Output, None, Run]:
    """The prediction rows, in the order of the inputs."""
    from qbuild.backends.protocol import Scoring
    from qbuild.backends.registry import load_backend
    from qbuild.stages.model_stage import outputs, replies

    backend = load_backend(options.backend, options.model)
    how = Scoring(
        options.video_prompt, options.words, options.temperature, computing(options, inputs.runtime)
    )
    run = Run(backend.model)

    def row_of(asked: Asked[Medium], scored: Scored) -> dict[str, Any]:
        if len(run.first) < SHOWN:
            run.first.append({"path": asked.row["path"], "score": scored.score})
        return _row(asked, scored, options, backend.model)

    scored = replies(_asked(inputs, options, run), lambda media: backend.score(media, how), run)
    yield from outputs(scored, row_of, run)
    return run


def _asked(inputs: Inputs, options: ScoreOptions, run: Run) -> Iterator[Asked[Medium]]:
    """Each medium once, with the hash of its file."""
    from qbuild.core.canonical import hash_file
    from qbuild.core.media_roots import Medium
    from qbuild.core.rows.rejections import RejectedError
    from qbuild.media.files.locate import MediaFiles
    from qbuild.media.unreadable import file_size, reject_disk_errors

    media = MediaFiles.of(inputs, options.dataset)
    seen: set[str] = set()
    for batch in inputs.scan():
        for number, row in enumerate(batch.rows.to_pylist(), batch.start + 1):
            if row["media_id"] in seen:
                run.collapsed += 1
                continue
            seen.add(row["media_id"])
            try:
                place = media.find(number, row)
                file_size(place)
                with reject_disk_errors(place):
                    row["sha256"] = hash_file(place).removeprefix("sha256:")
            except RejectedError as error:
                yield Asked(number, row, None, (error.reason, error.message))
            else:
                yield Asked(number, row, Medium(row["media_id"], row["path"], place))


def _row(asked: Asked[Medium], scored: Scored, options: ScoreOptions, model: str) -> dict[str, Any]:
    return {
        "media_id": asked.row["media_id"],
        "path": asked.row["path"],
        "backend": options.backend,
        "model": model,
        "words": list(scored.words) or None,
        "logits": list(scored.logits) or None,
        "temperature": options.temperature if scored.logits else None,
        "score": scored.score,
        "sha256": asked.row["sha256"],
    }


def finish(run: Run, tally: Tally, _: ScoreOptions) -> dict[str, Any]:
    """How many media; under `run`, which is told and not kept, the first scores and the speed."""
    counts = {"model": run.model, "media": run.rows, "collapsed": run.collapsed}
    return {**counts, **ignored_report(tally), "run": run.told()}


def render(report: dict[str, Any]) -> str:
    """The first scores, from 0 to 1 and from 1 to 5, and the speed."""
    run = report["run"]
    lines = [
        f"{row['score']:.4f}  {1 + 4 * row['score']:.3f} of 5  {row['path']}"
        for row in run["first"]
    ]
    if report["media"] > len(lines):
        lines.append(f"… {report['media'] - len(lines):,} more")
    told = f"{plural(report['media'], 'medium', 'media')} scored by {report['model']}"
    speed = f"{run['seconds']:.1f} s, {run['rows_per_s']:.3g} a second"
    return "\n".join([*lines, f"{told}: {speed}", *format_ignored(report)])


STAGE = Stage(
    name="score",
    version=1,
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
