"""Write pairs that ask for the quality level.

Reads `level` artifacts; writes `instruction` rows of task `scoring`, one per medium.
Forms: vqa2 (VQA² stage 2, UGC), q-align (Q-Align section 3.4, images and videos, quality or
aesthetics, one of nine phrasings chosen by seed and row), q-sit (Q-SiT section III-C, images, with
the evaluator prefix). The answer uses the form's own word for the level, not the word in the
`level` row: released models know no other words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.canonical import row_seed
from qbuild.core.engine.stage import Batch, Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import UsageError
from qbuild.core.plural import format_collapsed, plural
from qbuild.core.renamed import Renamed
from qbuild.core.rows.rejections import merge_rejections, reject_rows
from qbuild.quality.media_types import media_kind
from qbuild.quality.published_text import (
    LEVEL_WORDS,
    Q_ALIGN_QUESTIONS,
    Q_SIT_PREFIX,
    Q_SIT_QUESTION,
    VQA2_QUESTION,
    WordCase,
    level_answer,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from qbuild.core.rows.duplicates import Duplicates


# `preset` of 0.1.0, also of `streaming-qa`
WORD_CASES = Renamed("word_case", {"paper": "capitalised", "release": "lower"})


class ScoringOptions(Options):
    """Which system's pairs are written."""

    form: Literal["vqa2", "q-align", "q-sit"] = Field(
        default="vqa2", description="System whose questions and answers are used."
    )
    word_case: WordCase = Field(
        default="lower",
        description="Case of the level words of vqa2: high, as the scorer reads them, or High.",
    )
    aspect: Literal["quality", "aesthetics"] = Field(
        default="quality", description="What to ask for; aesthetics with q-align only."
    )
    kind: Literal["auto", "image", "video"] = Field(
        default="auto", description="Kind of the media; auto infers it from the file name."
    )
    seed: int = Field(default=0, description="Chooses the phrasing of each q-align question.")


def prepare(inputs: Inputs, options: ScoringOptions) -> Duplicates:
    """The duplicates among the rows; UsageError for options that exclude each other."""
    from qbuild.core.rows.duplicates import find_duplicates

    if options.aspect == "aesthetics" and options.form != "q-align":
        what = f"form {options.form} asks for quality only"
        raise UsageError("--aspect", what, "expected --form q-align")
    if options.word_case == "capitalised" and options.form != "vqa2":
        what = f"form {options.form} has words in lower case only"
        raise UsageError("--word-case capitalised", what, "expected --form vqa2")
    return find_duplicates(inputs, "media_id")


def transform(batch: Batch, duplicates: Duplicates, options: ScoringOptions) -> Output:
    """A pair for each row whose medium the form can ask about."""
    import numpy as np
    import pyarrow as pa

    unique = duplicates.deduplicate(batch)
    kinds = media_kinds(unique.rows, options.kind)
    askable = ("image",) if options.form == "q-sit" else ("image", "video")
    usable = np.array([kind in askable for kind in kinds], dtype=bool)
    others = np.flatnonzero(~usable)
    unusable = _reject_kinds(unique.rows.take(pa.array(others)), [kinds[at] for at in others])
    rejected = merge_rejections(
        [unique.rejections("media_id"), (unique.positions[others], unusable)]
    )
    kept = [str(kinds[at]) for at in np.flatnonzero(usable)]
    tally = Tally(collapsed=unique.collapsed)
    tally.add_each("kind", kept)
    rows = _pairs(unique.rows.filter(pa.array(usable)), kept, options)
    return Output(rows=rows, rejected=rejected, tally=tally)


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
    return "; ".join([line, *format_collapsed(report["collapsed"])])


def media_kinds(rows: pa.Table, kind: str) -> list[str | None]:
    """`image` or `video` for each row by the suffix of its path, or None; or `kind` for all."""
    paths: list[Any] = rows.column("path").to_pylist()
    return [media_kind(path) if kind == "auto" else kind for path in paths]


def _reject_kinds(rows: pa.Table, kinds: list[str | None]) -> pa.Table:
    import pyarrow as pa

    tables = [
        reject_rows([row], "unknown-kind", ["neither an image nor a video by its name"], "path")
        if kind is None
        else reject_rows([row], "not-an-image", ["Q-SiT asks about images only"], "path")
        for row, kind in zip(rows.to_pylist(), kinds, strict=True)
    ]
    return pa.concat_tables([reject_rows([], "", []), *tables])


def _pairs(rows: pa.Table, kinds: list[str], options: ScoringOptions) -> pa.Table:
    from qbuild.quality.instruction import Pairs, instruction_table

    ids: list[Any] = rows.column("media_id").to_pylist()
    levels: list[Any] = rows.column("level").to_pylist()
    vocabulary = LEVEL_WORDS["vqa2" if options.form == "vqa2" else "itu"]
    words = [vocabulary[level - 1] for level in levels]
    pairs = Pairs(
        task="scoring",
        stage="scoring-qa",
        kinds=kinds,
        words=words,
        questions=[question(m, kind, options) for m, kind in zip(ids, kinds, strict=True)],
        answers=[
            level_answer(word, kind, options.word_case, options.aspect)
            for kind, word in zip(kinds, words, strict=True)
        ],
        medium_first=options.form == "vqa2",
    )
    return instruction_table(rows, pairs)


def question(media_id: str, kind: str, options: ScoringOptions) -> str:
    """The question that the form asks about a medium."""
    if options.form == "vqa2":
        return VQA2_QUESTION.format(kind=kind)
    if options.form == "q-sit":
        return Q_SIT_PREFIX + Q_SIT_QUESTION.format(aspect=options.aspect, kind=kind)
    chosen = Q_ALIGN_QUESTIONS[row_seed(options.seed, media_id) % len(Q_ALIGN_QUESTIONS)]
    picture = "picture" if kind == "image" else kind
    return chosen.format(aspect=options.aspect, kind=kind, picture=picture)


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
    renamed={"preset": WORD_CASES},
    example="qbuild scoring-qa levels.parquet -o pairs.parquet --form q-align",
)
