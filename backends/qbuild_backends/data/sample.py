"""A sample: a conversation about one image or video with its file, or about none.

What is wrong with a sample is known before training begins, except what only decoding its medium
shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from qbuild.backends.protocol import Rejected
from qbuild.core.rows.rejections import RejectedError
from qbuild.core.rows.split_filter import SplitFilter
from qbuild.quality.published_text import LLAVA_PLACEHOLDER
from qbuild_backends.models.inputs import Turn

# What to do about a bad sample that stops a run.
FIX = "Fix or leave out the sample, or continue without it: --set on_bad_sample=skip."


@dataclass(frozen=True)
class Sample:
    """A conversation, `<image>` where its medium is shown, and the medium.

    Of kind `text` it has no medium: `media_id` is empty and `file` is None. `num_frames` and `fps`
    are those of a video in its row, 0 where the row does not have them.
    """

    name: str  # of the sample, in errors and records: its id and its place
    turns: tuple[Turn, ...]
    kind: Literal["image", "video", "text"]
    media_id: str = ""
    file: Path | None = None
    sha256: str | None = None
    source_media_id: str = ""  # of the medium that it was made from, where the row has it
    num_frames: int = 0
    fps: float = 0.0
    sources: tuple[str, ...] = ()  # media from which the medium was made


@dataclass
class Samples:
    """The good samples in their order, the bad ones, and the inputs by name and content hash."""

    good: list[Sample] = field(default_factory=list)
    bad: list[Rejected] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    splits: SplitFilter = field(default_factory=SplitFilter)

    def wants(self, split: str | None) -> bool:
        """Count a row by its split; whether its sample is to be added."""
        self.splits.count([split])
        return self.splits.takes(split)

    def add(self, name: str, make: Callable[[], Sample], kind: str | None) -> None:
        """Add what `make` returns to the good samples, or its RejectedError to the bad ones."""
        try:
            sample = make()
            _check(sample, kind)
        except RejectedError as error:
            self.bad.append(Rejected(name, error.rejection))
        else:
            self.good.append(sample)


def source_ids(parents: Sequence[str], media_id: str) -> tuple[str, ...]:
    """The media among a row's parents (other ids have no colon) but its own."""
    return tuple(one for one in parents if ":" in one and one != media_id)


def rejection_record(rejected: Rejected) -> dict[str, str]:
    """A sample that was skipped, as `skipped.jsonl` and training states hold it."""
    rejection = rejected.rejection
    return {"sample": rejected.of, "reason": rejection.reason, "message": rejection.message}


def _check(sample: Sample, kind: str | None) -> None:
    if kind is not None and sample.kind != kind:
        message = f"a sample on {_KINDS[sample.kind]}; the plan trains only on {_KINDS[kind]}"
        raise RejectedError("other-kind", message)
    count = sum(turn.text.count(LLAVA_PLACEHOLDER) for turn in sample.turns)
    allowed, expected = _PLACEHOLDERS[sample.kind]
    if count not in allowed:
        message = f"{count} placeholders for {_KINDS[sample.kind]}; expected {expected}"
        raise RejectedError("placeholders", message)
    if not any(turn.role == "assistant" and turn.text for turn in sample.turns):
        raise RejectedError("no-answer", "no turn of the assistant; expected an answer to learn")
    if sample.file is not None and not sample.file.is_file():
        message = f"no file {sample.file}; expected the medium of the sample"
        raise RejectedError("missing-file", message)


_KINDS = {"image": "an image", "video": "a video", "text": "text without a medium"}
_PLACEHOLDERS = {
    "text": ((0,), "0, or the sample's medium"),
    "image": ((1,), "1"),
    "video": ((1, 2), "1, or 2 for key frames and motion"),
}
