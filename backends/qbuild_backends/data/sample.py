"""A sample: a conversation about one picture or video with its file, or about none.

What is wrong with a sample is known before training begins, except what only decoding its medium
shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from qbuild.quality.published_text import LLAVA_PLACEHOLDER
from qbuild_backends.models.inputs import Turn

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
