"""Write pairs that ask for the quality level.

Reads `level` artifacts; writes canonical `instruction` rows of task `scoring`, one a medium.
Forms: vqa2 (VQA² stage 2, UGC), q-align (Q-Align section 3.4, images and videos, quality or
aesthetics, one of nine phrasings chosen by seed and row), q-sit (Q-SiT section III-C, images, with
the evaluator prefix). The answer's word is the form's own word for the level, whichever words the
levels were cut with: released models know no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.engine.stage import Batch, Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import plural
from qbuild.quality.media_types import IMAGES, VIDEOS
from qbuild.quality.published_text import (
    ANSWER,
    LEVEL_WORDS,
    Q_ALIGN_QUESTIONS,
    Q_SIT_PREFIX,
    Q_SIT_QUESTION,
    VQA2_QUESTION,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from qbuild.core.rows.duplicates import Duplicates


class ScoringOptions(Options):
    """Which system's pairs are written."""

    form: Literal["vqa2", "q-align", "q-sit"] = Field(
        default="vqa2", description="Whose questions and answers."
    )
    preset: Literal["paper", "release"] = Field(
        default="paper",
        description="vqa2: words as in the paper (High), or as the released scorer reads (high).",
    )
    aspect: Literal["quality", "aesthetics"] = Field(
        default="quality", description="What is asked for; aesthetics for q-align alone."
    )
    kind: Literal["auto", "image", "video"] = Field(
        default="auto", description="What the media are; auto reads it off the file name."
    )
    seed: int = Field(default=0, description="Chooses the phrasing of each q-align question.")


def prepare(inputs: Inputs, options: ScoringOptions) -> Duplicates:
    """The rows that stand more than once; UsageError for options that do not go together."""
    from qbuild.core.errors import UsageError
    from qbuild.core.rows.duplicates import find_duplicates

    if options.aspect == "aesthetics" and options.form != "q-align":
        raise UsageError(
            "--aspect", f"form {options.form} asks for quality alone", "expected --form q-align"
        )
    if options.preset == "release" and options.form != "vqa2":
        raise UsageError("--preset", f"form {options.form} has one preset", "expected --form vqa2")
    return find_duplicates(inputs, "media_id")


def transform(batch: Batch, duplicates: Duplicates, options: ScoringOptions) -> Output:
    """A pair for each row whose medium the form can ask about."""
    import numpy as np
    import pyarrow.compute as pc

    from qbuild.core.rows.rejections import in_input_order

    found = duplicates.deduplicate(batch)
    kinds = media_kinds(found.rows, options.kind)
    asked = pc.equal(kinds, "image") if options.form == "q-sit" else pc.is_valid(kinds)
    asked = pc.fill_null(asked, False)
    rows, kept, left_out = found.rows.filter(asked), kinds.filter(asked), pc.invert(asked)
    unasked = found.positions[np.asarray(left_out)]
    rejected = in_input_order(
        [
            found.rejections("media_id"),
            (unasked, _refusals(found.rows.filter(left_out), kinds.filter(left_out))),
        ]
    )
    tally = Tally(collapsed=found.collapsed)
    tally.add_each("kind", kept.to_pylist())
    return Output(rows=_pairs(rows, kept, options), rejected=rejected, tally=tally)


def finish(_: Duplicates, tally: Tally, options: ScoringOptions) -> dict[str, Any]:
    """How many pairs ask about images and about videos."""
    return {
        "form": options.form,
        "images": tally["kind", "image"],
        "videos": tally["kind", "video"],
        "collapsed": tally["collapsed"],
    }


def render(report: dict[str, Any]) -> str:
    """The report as a line."""
    kinds = f"{plural(report['images'], 'image')}, {plural(report['videos'], 'video')}"
    line = f"{report['form']}: {kinds}"
    collapsed = report["collapsed"]
    return f"{line}; {plural(collapsed, 'identical row')} collapsed" if collapsed else line


def media_kinds(rows: pa.Table, kind: str) -> Any:
    """`image` or `video` for each row by the ending of its path, or null; or `kind` for all."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind != "auto":
        return pa.array([kind] * len(rows), pa.string())
    path = pc.utf8_lower(rows.column("path").combine_chunks())
    image = pc.match_substring_regex(path, rf"\.({IMAGES})$")
    video = pc.match_substring_regex(path, rf"\.({VIDEOS})$")
    return pc.if_else(image, "image", pc.if_else(video, "video", pa.scalar(None, pa.string())))


def _refusals(rows: pa.Table, kinds: Any) -> pa.Table:
    import pyarrow as pa

    from qbuild.core.rows.rejections import reject_rows
    from qbuild.core.schema import load_schema

    found = [
        reject_rows([row], "unknown-kind", ["neither an image nor a video by its name"], "path")
        if kind is None
        else reject_rows([row], "not-an-image", ["Q-SiT asks about images alone"], "path")
        for row, kind in zip(rows.to_pylist(), kinds.to_pylist(), strict=True)
    ]
    return pa.concat_tables([load_schema("rejected").arrow.empty_table(), *found])


def _pairs(rows: pa.Table, kinds: Any, options: ScoringOptions) -> pa.Table:
    from qbuild.quality.instruction import Pairs, instruction_table

    ids: list[Any] = rows.column("media_id").to_pylist()
    names: list[Any] = kinds.to_pylist()
    levels: list[Any] = rows.column("level").to_pylist()
    vocabulary = LEVEL_WORDS["vqa2" if options.form == "vqa2" else "itu"]
    words = [vocabulary[level - 1] for level in levels]
    pairs = Pairs(
        task="scoring",
        stage="scoring-qa",
        kinds=names,
        words=words,
        questions=[question(m, kind, options) for m, kind in zip(ids, names, strict=True)],
        answers=[
            ANSWER.format(aspect=options.aspect, kind=kind, word=spelled(word, options))
            for kind, word in zip(names, words, strict=True)
        ],
        medium_first=options.form == "vqa2",
    )
    return instruction_table(rows, pairs)


def question(media_id: str, kind: str, options: ScoringOptions) -> str:
    """The question that the form asks about a medium."""
    from qbuild.core.canonical import row_seed

    if options.form == "vqa2":
        return VQA2_QUESTION.format(kind=kind)
    if options.form == "q-sit":
        return Q_SIT_PREFIX + Q_SIT_QUESTION.format(aspect=options.aspect, kind=kind)
    chosen = Q_ALIGN_QUESTIONS[row_seed(options.seed, media_id) % len(Q_ALIGN_QUESTIONS)]
    picture = "picture" if kind == "image" else kind
    return chosen.format(aspect=options.aspect, kind=kind, picture=picture)


def spelled(word: str, options: ScoringOptions) -> str:
    """A level's word as it stands in the answer; labels keep it as the paper has it."""
    return word.lower() if options.preset == "release" else word


STAGE = Stage(
    name="scoring-qa",
    version=1,
    options=ScoringOptions,
    reads=Reads(schema="level"),
    writes="instruction",
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild scoring-qa levels.parquet -o pairs.parquet --form q-align",
)
