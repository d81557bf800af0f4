"""What a model backend must offer, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from qbuild.core.media_roots import Medium

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Needs:
    """What a backend needs: distributions by name, an accelerator or not, memory in GiB."""

    distributions: tuple[str, ...] = ()
    accelerator: bool = False
    memory_gib: float = 0.0


@dataclass(frozen=True)
class Prompt:
    """A question about some media: `PLACE` stands in it where each of them is shown, in order.

    `before` are the questions and answers of the conversation so far, whose places come first.
    """

    sample_id: str
    media: tuple[Medium, ...]
    question: str
    system: str | None = None
    before: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Scored:
    """A medium's score in [0, 1], higher is better; words and logits worst to best, if any."""

    media_id: str
    score: float
    words: tuple[str, ...] = ()
    logits: tuple[float, ...] = ()


@dataclass(frozen=True)
class Answered:
    """The answer to a sample, as the model gave it."""

    sample_id: str
    answer: str


@dataclass(frozen=True)
class Refused:
    """In place of a score or an answer: why there is none, a typed word and a sentence."""

    of: str  # the medium's or the sample's id
    reason: str
    message: str


@dataclass(frozen=True)
class Computing:
    """Where a model computes and in what: changes nothing but speed and the last digits.

    device is auto, cpu or cuda; dtype auto, float32 or bfloat16; batch is samples at a time;
    readers are threads that read media meanwhile.
    """

    device: str = "auto"
    dtype: str = "auto"
    batch: int = 8
    readers: int = 2


@dataclass(frozen=True)
class Scoring:
    """How a score is asked for; a backend takes of it what it knows, and refuses other values.

    frame is what stands around a video, words the levels to choose among (a set's name, or words
    worst to best, with commas), temperature what their logits are divided by.
    """

    frame: str = "scoring"
    words: str = "vqa2"
    temperature: float = 1.0
    computing: Computing = Computing()


@dataclass(frozen=True)
class Answering:
    """How an answer is asked for: greedily, up to `max_new_tokens`; frame as in Scoring."""

    frame: str = "understanding"
    max_new_tokens: int = 256
    computing: Computing = Computing()


AS_PUBLISHED = Scoring()
GREEDY = Answering()


@dataclass(frozen=True)
class TrainSpec:
    """What to train on and where the checkpoint goes; `settings` are the backend's own."""

    artifacts: tuple[Path, ...]
    output: Path
    media_roots: tuple[str, ...]
    seed: int
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class ImportSpec:
    """What weights to bring in and where the checkpoint goes; `settings` are the backend's own."""

    source: Path
    output: Path
    settings: Mapping[str, Any]


class Backend(Protocol):
    """A model that trains, scores and answers."""

    model: str  # the preset or checkpoint in use, as predictions name it

    def needs(self) -> Needs:
        """What must be there before anything else is called."""

    def fingerprint(self) -> str:
        """`sha256:…` of the model, equal for equal weights wherever they lie."""

    def train(self, spec: TrainSpec) -> Path:
        """The folder of the checkpoint trained as told."""

    def score(
        self, media: Iterable[Medium], how: Scoring = AS_PUBLISHED
    ) -> Iterator[Scored | Refused]:
        """One score a medium, in the order given; a refusal for a medium that cannot be read."""

    def answer(
        self, prompts: Iterable[Prompt], how: Answering = GREEDY
    ) -> Iterator[Answered | Refused]:
        """One answer a prompt, in the order given; a refusal where it cannot be asked."""


@runtime_checkable
class Importer(Protocol):
    """A backend that also takes weights as others published them; none has to."""

    def import_checkpoint(self, spec: ImportSpec) -> Path:
        """The folder of the checkpoint."""
