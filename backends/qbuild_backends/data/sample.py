"""What is trained on: conversations about one picture or video each, with its file, or about none.

Read from instruction artifacts here and from exported JSON in `records`. What is wrong with a
sample is known before training begins, except what only decoding its medium shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from qbuild.backends.conversation import turns_of
from qbuild.core.artifact.reader import Artifact, is_artifact
from qbuild.core.engine.inputs import describe_input, refuse_bad, refuse_incomplete
from qbuild.core.errors import InputError, QbuildError, SchemaError, raise_all
from qbuild.core.media_roots import MediaRoots, media_beside, medium_of
from qbuild.quality.published_text import LLAVA_PLACEHOLDER
from qbuild_backends.models.vqa2.processor import Turn

ROWS = 1_024  # read at a time
# What to do about a bad sample that stops a run.
MEND = "Mend or leave out the sample, or go on without it: --set on_bad_sample=skip."


@dataclass(frozen=True)
class Sample:
    """A conversation, `<image>` where its medium is shown, and the medium.

    Of kind `text` it has no medium: `media_id` is empty and there is no file. `num_frames` and
    `fps` are what the row knows of a video, 0 where it knows nothing.
    """

    name: str  # of the sample, in errors and records: its id and where it stands
    turns: tuple[Turn, ...]
    kind: Literal["image", "video", "text"]
    media_id: str = ""
    file: Path | None = None
    sha256: str | None = None
    num_frames: int = 0
    fps: float = 0.0


@dataclass(frozen=True)
class Skipped:
    """A sample that was not trained on: its name, why in a word, and in a sentence."""

    sample: str
    reason: str
    message: str


@dataclass
class Samples:
    """The good samples in their order, the bad ones, and the inputs by name and content hash."""

    good: list[Sample] = field(default_factory=list)
    bad: list[Skipped] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)


class BadSampleError(Exception):
    """A sample that cannot be trained on; the reason is a word as of `UnreadableMediaError`."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(reason, message)


def read_samples(
    paths: Sequence[Path], roots: MediaRoots, kind: Literal["image", "video"] | None = None
) -> Samples:
    """The samples of all files, in order; `kind` is the only one that the plan trains on.

    A plan that takes but one kind does not train the language model, and text is no kind of it.

    Raises the errors of `Artifact.open`, InputError for a file that is neither artifact nor JSON,
    UsageError for a dataset without a media root.
    """
    from qbuild_backends.data import from_json

    found = Samples()
    problems: list[QbuildError] = []
    for path in paths:
        try:
            if is_artifact(path):
                found.inputs.append(_read_artifact(path, roots, kind, found))
            else:
                found.inputs.append(from_json.read_json(path, roots, kind, found))
        except QbuildError as error:
            problems.append(error)
    raise_all(problems)
    return found


def take(
    found: Samples, sample: Sample | BadSampleError, name: str, kind: str | None = None
) -> None:
    """Add a sample to the good ones, or to the bad ones with its reason."""
    try:
        if isinstance(sample, BadSampleError):
            raise sample
        _check(sample, kind)
        found.good.append(sample)
    except BadSampleError as error:
        found.bad.append(Skipped(name, error.reason, error.message))


def _check(sample: Sample, kind: str | None) -> None:
    if kind is not None and sample.kind != kind:
        message = f"a sample on {_a(sample.kind)}; expected {_a(kind)}, all that the plan trains on"
        raise BadSampleError("other-kind", message)
    marks = sum(turn.text.count(LLAVA_PLACEHOLDER) for turn in sample.turns)
    allowed, expected = _PLACES[sample.kind]
    if marks not in allowed:
        message = f"{marks} placeholders for {_a(sample.kind)}; expected {expected}"
        raise BadSampleError("placeholders", message)
    if not any(turn.role == "assistant" and turn.text for turn in sample.turns):
        raise BadSampleError("no-answer", "no assistant's turn; expected an answer to learn")
    if sample.file is not None and not sample.file.is_file():
        message = f"no file {sample.file}; expected the medium of the sample"
        raise BadSampleError("missing-file", message)


_PLACES = {
    "text": ((0,), "0, or the sample's medium"),
    "image": ((1,), "1"),
    "video": ((1, 2), "1, or 2 for key frames and motion"),
}


def _a(kind: str) -> str:
    return {"image": "an image", "video": "a video", "text": "text without a medium"}[kind]


# ------------------------------------------------------------------------------- artifacts


def _read_artifact(path: Path, roots: MediaRoots, kind: str | None, found: Samples) -> Any:
    artifact = Artifact.open(path)
    _check_artifact(artifact)
    own = media_beside(artifact.path, roots)
    described = describe_input(artifact)
    number = 0
    for batch in artifact.batches(ROWS):
        refuse_bad(artifact.schema, batch, str(path), number)
        for row in batch.to_pylist():
            number += 1
            name = f"{described['name']} row {number} (sample {row['sample_id']})"
            take(found, _sample(row, name, own), name, kind)
    return described


def _check_artifact(artifact: Artifact) -> None:
    if artifact.schema.name != "instruction":
        raise SchemaError(
            str(artifact.path),
            f"an artifact of schema {artifact.schema.name}",
            "expected instruction: questions with their answers",
            "Make pairs of it with `qbuild scoring-qa` or another stage.",
        )
    refuse_incomplete(artifact)


def _sample(row: dict[str, Any], name: str, roots: MediaRoots) -> Sample | BadSampleError:
    turns = tuple(Turn(role, text) for role, text in turns_of(row))
    if not row["media"]:
        return Sample(name, turns, "text")
    if len(row["media"]) > 1:
        message = f"{len(row['media'])} media; expected one picture or video"
        return BadSampleError("several-media", message)
    medium = row["media"][0]
    if medium["start_s"] is not None or medium["end_s"] is not None:
        message = "a part of a video by time; expected a whole one, cut before"
        return BadSampleError("part-of-video", message)
    try:
        found = medium_of(medium, roots)
    except InputError as error:  # the path leaves its root; a missing root ends the run
        return BadSampleError("path-leaves-root", str(error))
    return Sample(
        name=name,
        turns=turns,
        kind=medium["kind"],
        media_id=medium["media_id"],
        file=found.file,
        sha256=medium["sha256"],
        num_frames=medium["num_frames"] or 0,
        fps=medium["fps"] or 0.0,
    )
