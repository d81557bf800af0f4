"""Write pairs about the distortions of images and videos.

Reads `distortion` rows: label files (docs/distortions.md), or artifacts of `corrupt` and
`motion-clips`. Writes `instruction` rows of task `distortion` with answers, in three forms: whether
one of the thirteen distortions is present, which one of four is present, how severe it is. Answers
are balanced over the whole run; the sentences are qbuild's own, not from the paper. Media without a
suitable question are skipped and counted, not rejected. Source: VQA² section 3.2, stage
1; the form of the answers, figure 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from qbuild.core.canonical import row_seed
from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError
from qbuild.core.plural import format_collapsed, format_counts, plural
from qbuild.core.rows.rejections import merge_rejections
from qbuild.labels.distortions import read_label_files
from qbuild.labels.distortions.options import LabelOptions
from qbuild.labels.tables.options import reject_file_options
from qbuild.quality.distortions import DISTORTIONS
from qbuild.quality.published_text import answer_text, choice_text
from qbuild.stages.distortion_qa.questions import (
    FORMS,
    Question,
    ask_binary,
    ask_severity,
    ask_which,
)

if TYPE_CHECKING:
    from qbuild.stages.distortion_qa.media import Media
    from qbuild.stages.distortion_qa.plan import Plan

_REASON_TEXTS = {
    "outside": "with labels outside the thirteen only",
    "unlabelled": "that were judged for no distortion",
    "unaskable": "that none of the requested forms fits",
    "surplus": "that would unbalance Yes and No",
}


class DistortionOptions(LabelOptions):
    """How labels are read, which questions are asked, and how many."""

    forms: str = Field(
        default=",".join(FORMS), description="Forms of questions: binary, which, severity."
    )
    pairs: int = Field(
        default=1, ge=1, le=len(FORMS), description="Most pairs per medium, each of another form."
    )
    seed: int = Field(default=0, description="Seed of forms, distortions, wordings and positions.")

    @field_validator("forms")
    @classmethod
    def _known_forms(cls, text: str) -> str:
        names = [name.strip() for name in text.split(",")]
        if not set(names) <= set(FORMS) or len(set(names)) < len(names):
            raise ValueError(f"expected some of {', '.join(FORMS)}, each once")
        return ",".join(name for name in FORMS if name in names)


def prepare(inputs: Inputs, options: DistortionOptions) -> Plan:
    """The questions of every medium; InputError if there is no question at all."""
    from qbuild.stages.distortion_qa.plan import ASKED, NOT_ASKED, SKIP_REASONS, make_plan

    if not inputs.files:
        reject_file_options(options, LabelOptions, "distortion-qa")
    plan = make_plan(inputs, tuple(options.forms.split(",")), options.pairs, options.seed)
    skipped = plan.skipped[plan.skipped != ASKED]
    if len(skipped) and (plan.asked == NOT_ASKED).all():
        why = [
            f"{plural(n, 'medium', 'media')} {_REASON_TEXTS[SKIP_REASONS[code]]}"
            for code, n in sorted(Counter(skipped.tolist()).items())
        ]
        raise InputError(
            "distortion-qa",
            f"no question can be asked: {'; '.join(why)}",
            "expected media with one of the thirteen distortions",
            "Check the names of the labels, or request other --forms.",
        )
    return plan


def transform(batch: Batch, plan: Plan, options: DistortionOptions) -> Output:
    """The pairs of each medium, form by form; skipped media are counted."""
    import pyarrow as pa

    from qbuild.stages.distortion_qa.media import read_media

    unique = plan.duplicates.deduplicate(batch)
    numbers = batch.start + unique.positions
    media = read_media(unique.rows)
    questions, owners, tally = _questions(unique.rows, media, numbers, plan, options)
    tally.add("collapsed", count=unique.collapsed)
    rejected = merge_rejections([unique.rejections("media_id")])
    if not questions:
        return Output(rejected=rejected, tally=tally)
    rows = unique.rows.take(pa.array(owners))
    return Output(rows=_pairs(rows, questions), rejected=rejected, tally=tally)


def _questions(
    rows: Any, media: Media, numbers: Any, plan: Plan, options: DistortionOptions
) -> tuple[list[Question], list[int], Tally]:
    """The questions about the rows in order, the row of each, and counts of both."""
    from qbuild.stages.distortion_qa.plan import OUTSIDE, SKIP_REASONS

    questions: list[Question] = []
    owners: list[int] = []
    tally = Tally()
    columns = [rows.column(name).to_pylist() for name in ("media_id", "kind", "others")]
    for at, (medium, kind, others) in enumerate(zip(*columns, strict=True)):
        number = int(numbers[at])
        if reason := int(plan.skipped[number]):
            tally.add("left", SKIP_REASONS[reason])
            tally.add_each("label", others if reason == OUTSIDE else ())
        present = int(media.present[at])
        for name, question in _questions_of(medium, kind, present, number, plan, options.seed):
            is_binary = question.form == "binary"
            tally.add("asked", name, question.answer.lower() if is_binary else question.form)
            tally.add("letter", question.form, question.key)
            questions.append(question)
            owners.append(at)
    return questions, owners, tally


def _questions_of(
    medium: str, kind: str, present: int, number: int, plan: Plan, seed: int
) -> Iterator[tuple[str, Question]]:
    """Distortion and question of each pair of a medium; `present` is the set of its distortions."""
    from qbuild.stages.distortion_qa.plan import NOT_ASKED

    for column, code in enumerate(plan.asked[number].tolist()):
        if code == NOT_ASKED:
            continue
        form, name, right = FORMS[column], DISTORTIONS[code], int(plan.right[number, column])
        drawn = row_seed(seed, medium, form)
        if form == "binary":
            question = ask_binary(name, kind, bool(present >> code & 1), right, drawn)
        elif form == "which":
            wrong = [DISTORTIONS[other] for other in plan.wrong[number].tolist()]
            question = ask_which(name, wrong, kind, right, drawn)
        else:
            question = ask_severity(name, kind, right, bool(plan.falling[number]), drawn)
        yield name, question


def _pairs(rows: Any, questions: list[Question]) -> Any:
    from qbuild.quality.instruction import Pairs, instruction_table

    pairs = Pairs(
        task="distortion",
        stage="distortion-qa",
        kinds=rows.column("kind").to_pylist(),
        words=None,
        questions=[choice_text(q.text, q.options) for q in questions],
        answers=[answer_text(q.key, q.answer) for q in questions],
        medium_first=True,
        options=[list(q.options) for q in questions],
        answer_keys=[q.key for q in questions],
    )
    return instruction_table(rows, pairs)


def finish(_: Plan, tally: Tally, options: DistortionOptions) -> dict[str, Any]:
    """Pairs per form and distortion, right letters per form, skipped media by reason and label."""
    kinds = ("yes", "no", *FORMS[1:])
    counts = {name: {kind: tally["asked", name, kind] for kind in kinds} for name in DISTORTIONS}
    letters = {form: tally.of("letter", form) for form in options.forms.split(",")}
    return {
        "forms": {form: sum(by_letter.values()) for form, by_letter in letters.items()},
        "distortions": {name: by_kind for name, by_kind in counts.items() if any(by_kind.values())},
        "letters": letters,
        "left_out": tally.of("left"),
        "labels_outside": tally.of("label"),
        "collapsed": tally["collapsed"],
        "notes": list(tally.of("note")),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [format_counts(report["forms"])]
    for name, by_kind in report["distortions"].items():
        lines.append(f"    {name}: {format_counts({k: n for k, n in by_kind.items() if n})}")
    for form, by_letter in report["letters"].items():
        lines += [f"right answers, {form}: {format_counts(by_letter)}"] if by_letter else []
    for reason, count in report["left_out"].items():
        lines.append(f"{plural(count, 'medium', 'media')} left out {_REASON_TEXTS[reason]}")
        if reason == "outside":
            lines.append(f"    {format_counts(report['labels_outside'])}")
    return "\n".join([*lines, *format_collapsed(report["collapsed"]), *report["notes"]])


STAGE = Stage(
    name="distortion-qa",
    version=1,
    options=DistortionOptions,
    reads=Reads(
        schema="distortion", from_files=read_label_files, compatible=("corruption", "clip")
    ),
    writes="instruction",
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild distortion-qa attributes.csv -o pairs.parquet --pairs 2",
)
