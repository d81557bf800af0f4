"""Write pairs that lead from a depiction to the level, and pathway feedbacks as pairs.

Reads `depiction` artifacts, and `level` artifacts if any are given; writes `instruction` rows of
task `causal`, one for each overall depiction with a known level (VQA² section 3.4, figure 3): the
question asks for the depiction and the resulting level, the answer is the depiction and the level
sentence. A pathway feedback is itself an answer (Q-SiT section III-B), to a question that asks to
describe and rate; its conclusion is its own. The level of a `level` artifact replaces the one shown
to the annotator. Depictions of other kinds are left out and counted; an overall one without a
level, or with the word of another level, is rejected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qbuild.core.engine.stage import Batch, Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import format_counts, plural
from qbuild.core.rows.rejections import merge_rejections, reject_rows
from qbuild.quality.published_text import CAUSAL_ANSWER, CAUSAL_QUESTION, LEVEL_WORDS

if TYPE_CHECKING:
    import pyarrow as pa

    from qbuild.core.rows.duplicates import Duplicates
    from qbuild.pairs.assignment import Assignment

STOPS = (".", "!", "?")
PATHWAY_QUESTION = "Describe the quality of this {kind} in detail, and then rate it."
# One sentence in standard English, where the published wording is not wanted.
PLAIN_ANSWER = "{depiction} Hence, the quality of this {kind} is {word}."


class CausalOptions(Options):
    """The words of the levels and of the answer, and what aspects are."""

    words: Literal["vqa2", "itu"] = Field(
        default="vqa2", description="Words of the levels: Low … High, or bad … excellent."
    )
    wording: Literal["paper", "plain"] = Field(
        default="paper",
        description="The end of the answer: as published (Hence, The quality …), or in standard "
        "English.",
    )
    aspects: Literal["each", "together"] = Field(
        default="each",
        description="Aspects of a generated video: left out, or together one overall depiction.",
    )


@dataclass(frozen=True)
class State:
    """Level and normalised score of each medium in the side inputs, and duplicate rows.

    `assigned` joins the aspects of a generated video.
    """

    levels: dict[str, tuple[int, float]]
    duplicates: Duplicates
    assigned: Assignment


def prepare(inputs: Inputs, options: CausalOptions) -> State:
    """The levels of the side inputs, the duplicates among the depictions, joined aspects."""
    from qbuild.core.rows.duplicates import find_duplicates
    from qbuild.pairs.assignment import Assignment, join_aspects

    levels: dict[str, tuple[int, float]] = {}
    for rows in inputs.side_inputs("level"):
        columns = (rows.column(name).to_pylist() for name in ("media_id", "level", "mos_norm"))
        levels.update({str(m): (level, norm) for m, level, norm in zip(*columns, strict=True)})
    depictions = (row for batch in inputs.scan() for row in batch.rows.to_pylist())
    joined = join_aspects(depictions) if options.aspects == "together" else None
    return State(levels, find_duplicates(inputs, "depiction_id"), Assignment({}, (), joined))


def transform(batch: Batch, state: State, options: CausalOptions) -> Output:
    """A pair for each overall depiction with a level, and for each pathway feedback."""
    import numpy as np

    once = state.duplicates.deduplicate(batch)
    rows, tally = [], Tally(collapsed=once.collapsed)
    rejected = [once.rejections("depiction_id")]
    for position, given in zip(once.positions, once.rows.to_pylist(), strict=True):
        depiction = state.assigned.join(given)
        if depiction is None:
            continue
        if not _is_used(depiction):
            tally.add("left", depiction["kind"])
            continue
        row = _with_level(depiction, state, tally)
        fault = _find_fault(row)
        if fault is not None:
            row["source_row"] = row["source_row"] or batch.start + int(position) + 1
            reason, message = fault
            rejected.append((np.array([position]), reject_rows([row], reason, [message], "level")))
            continue
        words = LEVEL_WORDS[options.words]
        rows.append({**row, "word": words[row["level"] - 1] if row["level"] else None})
        name = ("pathway",) if row["kind"] == "pathway" else ("level", str(row["level"]))
        tally.add(*name)
    return Output(_pairs(rows, options) if rows else None, merge_rejections(rejected), tally=tally)


def _find_fault(row: dict[str, Any]) -> tuple[str, str] | None:
    """Reason and message where a row is to be rejected."""
    if row["level"] is None and row["kind"] == "pathway":
        return None
    if row["level"] is None:
        return "no-level", "no level of its medium is known; add its level artifact to the inputs"
    words = {words[row["level"] - 1] for words in LEVEL_WORDS.values()}
    if row["word"] is not None and row["word"] not in words:
        expected = " or ".join(sorted(words))
        return "word-of-another-level", f"{row['word']!r} at level {row['level']}; {expected}"
    return None


def _is_used(depiction: Mapping[str, Any]) -> bool:
    """Whether it is an overall one, all aspects of a video together, or a pathway feedback."""
    joined = depiction["kind"] == "aspect" and depiction["aspect"] is None
    return joined or depiction["kind"] in ("overall", "pathway")


def _with_level(depiction: Mapping[str, Any], state: State, tally: Tally) -> dict[str, Any]:
    """The depiction with the level of the side input, where that knows its medium."""
    known = state.levels.get(depiction["media_id"])
    if known is None:
        return dict(depiction)
    tally.add("other-level", count=int(depiction["level"] not in {None, known[0]}))
    return {**depiction, "level": known[0], "mos_norm": known[1], "word": None}


def _pairs(rows: list[dict[str, Any]], options: CausalOptions) -> pa.Table:
    import pyarrow as pa

    from qbuild.quality.instruction import Pairs, instruction_table

    names = ("media_id", "path", "split", "source", "level", "mos_norm")
    table = pa.table({name: [row[name] for row in rows] for name in names})
    media = [row["medium"] for row in rows]
    return instruction_table(
        table,
        Pairs(
            task="causal",
            stage="causal-qa",
            kinds=media,
            words=[row["word"] for row in rows],
            questions=[_question(row) for row in rows],
            answers=[causal_answer(row, options.wording) for row in rows],
            medium_first=True,
            provenance={
                "annotator": [row["annotator"] for row in rows],
                "parents": [[row["depiction_id"], row["media_id"]] for row in rows],
            },
        ),
    )


def _question(row: dict[str, Any]) -> str:
    form = PATHWAY_QUESTION if row["kind"] == "pathway" else CAUSAL_QUESTION
    return form.format(kind=row["medium"])


def causal_answer(row: dict[str, Any], wording: str = "paper") -> str:
    """The depiction, with a full stop where it has none, and the level sentence.

    A pathway feedback has a conclusion of its own, and no level sentence.
    """
    text = row["text"].strip()
    ended = text if text.endswith(STOPS) else f"{text}."
    if wording == "plain":
        ended = ended[:1].upper() + ended[1:]
    if row["kind"] == "pathway":
        return ended
    if wording == "plain":
        return PLAIN_ANSWER.format(depiction=ended, kind=row["medium"], word=row["word"].lower())
    return CAUSAL_ANSWER.format(depiction=ended, kind=row["medium"], word=row["word"])


def finish(_: State, tally: Tally, options: CausalOptions) -> dict[str, Any]:
    """Pairs by level, depictions left out by kind, and levels that differ from the side input."""
    words = LEVEL_WORDS[options.words]
    return {
        "levels": {words[n - 1]: tally["level", str(n)] for n in range(1, 6)},
        "pathway": tally["pathway"],
        "left_out": tally.of("left"),
        "collapsed": tally["collapsed"],
        "other_level": tally["other-level"],
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [format_counts(report["levels"])]
    if report["pathway"]:
        lines.append(plural(report["pathway"], "pathway feedback"))
    if report["left_out"]:
        lines.append(f"depictions of other kinds left out: {format_counts(report['left_out'])}")
    if report["other_level"]:
        count = plural(report["other_level"], "depiction")
        lines.append(f"{count} had another level than the level artifact, which was used")
    return "\n".join(lines)


STAGE = Stage(
    name="causal-qa",
    version=2,
    options=CausalOptions,
    reads=Reads(schema="depiction", side_inputs=("level",)),
    writes="instruction",
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild causal-qa depictions.parquet -o pairs.parquet",
)
