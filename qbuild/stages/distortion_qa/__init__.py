"""Write pairs that ask what is wrong with a picture or video.

Reads `distortion` rows: label files (docs/distortions.md), or artifacts of `corrupt` and
`motion-clips`. Writes canonical `instruction` rows of task `distortion` with given answers, in
three forms: whether one of the thirteen distortions is there, which one of four is, how severe it
is. Answers are balanced over the whole run (plan.py); the sentences are ours
(questions.py). A medium that nothing can be asked about is left out and counted, which
is no rejection. Source: VQA² section 3.2, stage 1; the form of the answers, figure 2.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import plural
from qbuild.labels.distortions import LabelOptions, read_labels, refuse_for_artifacts
from qbuild.stages.distortion_qa.questions import FORMS, Question

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qbuild.stages.distortion_qa.media import Media
    from qbuild.stages.distortion_qa.plan import Plan

_TOLD = {
    "outside": "with labels outside the thirteen alone",
    "unlabelled": "for which nothing was looked for",
    "unaskable": "that the forms asked for cannot ask about",
    "surplus": "that would tip the balance of Yes and No",
}


class DistortionOptions(LabelOptions):
    """How labels are read, what is asked, and how often."""

    forms: str = Field(
        default=",".join(FORMS), description="Forms of questions: binary, which, severity."
    )
    pairs: int = Field(
        default=1, ge=1, le=len(FORMS), description="Pairs a medium at most, each of another form."
    )
    seed: int = Field(default=0, description="Chooses forms, distortions, wordings and places.")

    @field_validator("forms")
    @classmethod
    def _known_forms(cls, text: str) -> str:
        names = [name.strip() for name in text.split(",")]
        if not set(names) <= set(FORMS) or len(set(names)) < len(names):
            raise ValueError(f"expected some of {', '.join(FORMS)}, each once")
        return ",".join(name for name in FORMS if name in names)


def prepare(inputs: Inputs, options: DistortionOptions) -> Plan:
    """What every medium is asked; InputError where nothing can be asked of any."""
    from qbuild.core.errors import InputError
    from qbuild.stages.distortion_qa import plan as distortion_plan

    if not inputs.files:
        refuse_for_artifacts(options, "distortion-qa")
    plan = distortion_plan.made(
        inputs, tuple(options.forms.split(",")), options.pairs, options.seed
    )
    idle = plan.left_out[plan.left_out != distortion_plan.ASKED]
    if len(idle) and (plan.asked == distortion_plan.NOT_ASKED).all():
        why = [
            f"{plural(n, 'medium', 'media')} {_TOLD[distortion_plan.REASONS[fate]]}"
            for fate, n in sorted(Counter(idle.tolist()).items())
        ]
        raise InputError(
            "distortion-qa",
            f"no question can be asked: {'; '.join(why)}",
            "expected media with one of the thirteen distortions",
            "Check the labels' names, or ask for other --forms.",
        )
    return plan


def transform(batch: Batch, plan: Plan, options: DistortionOptions) -> Output:
    """The pairs of each medium, form by form; media left out are counted."""
    import pyarrow as pa

    from qbuild.core.rows.rejections import in_input_order
    from qbuild.stages.distortion_qa.media import read_media

    found = plan.duplicates.deduplicate(batch)
    at = batch.start + found.positions
    questions, owners, tally = _questions(found.rows, read_media(found.rows), at, plan, options)
    tally.add("collapsed", count=found.collapsed)
    rejected = in_input_order([found.rejections("media_id")])
    if not questions:
        return Output(rejected=rejected, tally=tally)
    rows = found.rows.take(pa.array(owners))
    return Output(rows=_pairs(rows, questions), rejected=rejected, tally=tally)


def _questions(
    rows: Any, media: Media, at: Any, plan: Plan, options: DistortionOptions
) -> tuple[list[Question], list[int], Tally]:
    """The questions about the rows in order, the row of each, and counts of both."""
    from qbuild.stages.distortion_qa.plan import OUTSIDE, REASONS

    questions: list[Question] = []
    owners: list[int] = []
    tally = Tally()
    columns = [rows.column(name).to_pylist() for name in ("media_id", "kind", "others")]
    for own, (medium, kind, others) in enumerate(zip(*columns, strict=True)):
        if fate := int(plan.left_out[at[own]]):
            tally.add("left", REASONS[fate])
            tally.add_each("label", others if fate == OUTSIDE else ())
        has = int(media.present[own])
        for form, name, question in _asked(medium, kind, has, int(at[own]), plan, options.seed):
            _count(tally, form, name, question)
            questions.append(question)
            owners.append(own)
    return questions, owners, tally


def _asked(
    medium: str, kind: str, present: int, at: int, plan: Plan, seed: int
) -> Iterator[tuple[str, str, Question]]:
    """Form, distortion and question of each pair of a medium; `present` is the set of its own."""
    from qbuild.core.canonical import row_seed
    from qbuild.quality.distortions import DISTORTIONS
    from qbuild.stages.distortion_qa import questions as words
    from qbuild.stages.distortion_qa.plan import BINARY, NOT_ASKED, WHICH

    for form, code in enumerate(plan.asked[at].tolist()):
        if code == NOT_ASKED:
            continue
        name, right = DISTORTIONS[code], int(plan.right[at, form])
        draw = row_seed(seed, medium, FORMS[form])
        if form == BINARY:
            question = words.binary(name, kind, bool(present >> code & 1), right, draw)
        elif form == WHICH:
            wrong = [DISTORTIONS[one] for one in plan.wrong[at].tolist()]
            question = words.which(name, wrong, kind, right, draw)
        else:
            question = words.severity(name, kind, right, bool(plan.falling[at]), draw)
        yield FORMS[form], name, question


def _count(tally: Tally, form: str, name: str, question: Question) -> None:
    """Count a pair: its answer under its distortion, its letter under its form."""
    from qbuild.quality.choices import letters

    option = question.options[question.right]
    said = option.lower() if form == "binary" else form
    tally.add("asked", name, said)
    tally.add("letter", form, letters(len(question.options))[question.right])


def _pairs(rows: Any, questions: list[Question]) -> Any:
    from qbuild.quality.choices import answer_text, choice_text, letters
    from qbuild.quality.instruction import Pairs, instruction_table

    keys = [letters(len(q.options))[q.right] for q in questions]
    pairs = Pairs(
        task="distortion",
        stage="distortion-qa",
        kinds=rows.column("kind").to_pylist(),
        words=None,
        questions=[choice_text(q.text, q.options) for q in questions],
        answers=[
            answer_text(key, q.options[q.right]) for key, q in zip(keys, questions, strict=True)
        ],
        medium_first=True,
        options=[list(q.options) for q in questions],
        answer_keys=keys,
    )
    return instruction_table(rows, pairs)


def finish(_: Plan, tally: Tally, options: DistortionOptions) -> dict[str, Any]:
    """Pairs a form and a distortion, right letters a form, media left out by reason and label."""
    from qbuild.quality.distortions import DISTORTIONS

    said = ("yes", "no", *FORMS[1:])
    counts = {name: {one: tally["asked", name, one] for one in said} for name in DISTORTIONS}
    places = {form: tally.of("letter", form) for form in options.forms.split(",")}
    return {
        "forms": {form: sum(found.values()) for form, found in places.items()},
        "distortions": {name: found for name, found in counts.items() if any(found.values())},
        "letters": places,
        "left_out": tally.of("left"),
        "labels_outside": tally.of("label"),
        "collapsed": tally["collapsed"],
        "notes": list(tally.of("note")),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [", ".join(f"{form} {count:,}" for form, count in report["forms"].items())]
    for name, found in report["distortions"].items():
        told = ", ".join(f"{said} {count:,}" for said, count in found.items() if count)
        lines.append(f"    {name}: {told}")
    for form, places in report["letters"].items():
        told = "  ".join(f"{letter} {count:,}" for letter, count in places.items())
        lines += [f"right answers, {form}: {told}"] if told else []
    for reason, count in report["left_out"].items():
        lines.append(f"{plural(count, 'medium', 'media')} left out {_TOLD[reason]}")
        if reason == "outside":
            labels = (f"{label} {count:,}" for label, count in report["labels_outside"].items())
            lines.append(f"    {', '.join(labels)}")
    if report["collapsed"]:
        lines.append(f"{plural(report['collapsed'], 'identical row')} collapsed")
    return "\n".join([*lines, *report["notes"]])


STAGE = Stage(
    name="distortion-qa",
    version=1,
    options=DistortionOptions,
    reads=Reads(schema="distortion", otherwise=read_labels, like=("corruption", "clip")),
    writes="instruction",
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild distortion-qa attributes.csv -o pairs.parquet --pairs 2",
)
