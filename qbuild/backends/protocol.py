"""The protocol of a model backend: its methods, their arguments and results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from qbuild.core.media_roots import Medium
from qbuild.core.rows.rejections import Rejection


@dataclass(frozen=True)
class Needs:
    """The distributions that a backend needs, by name."""

    distributions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """A question about media, with `PLACE` where each of them is shown, in order.

    `before` holds the questions and answers of the conversation so far, whose media come first.
    """

    sample_id: str
    media: tuple[Medium, ...]
    question: str
    system: str | None = None
    before: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Scored:
    """The score of a medium in [0, 1], higher is better; words and logits from worst to best."""

    media_id: str
    score: float
    words: tuple[str, ...] = ()
    logits: tuple[float, ...] = ()


@dataclass(frozen=True)
class Answered:
    """The model's answer to a sample."""

    sample_id: str
    answer: str


@dataclass(frozen=True)
class Rejected:
    """Why a medium or a sample, named by its id, has no score, no answer or is not trained on."""

    of: str
    rejection: Rejection


@dataclass(frozen=True)
class Computing:
    """Where and in which type a model computes; changes only speed and the last digits.

    device is auto, cpu or cuda; dtype auto, float32 or bfloat16; batch is samples per batch;
    readers are threads that read media in the background.
    """

    device: str = "auto"
    dtype: str = "auto"
    batch: int = 8
    readers: int = 2


@dataclass(frozen=True)
class Scoring:
    """The options of scoring; a backend rejects values that it does not know.

    - video_prompt: the words around a video
    - words: the levels to choose among, a set's name or words worst to best, separated by commas;
      auto: those that the model was trained on
    - weights: those of the words, a name or numbers; empty: those of the set, else evenly 0 to 1
    - temperature: divides the logits of the words
    """

    video_prompt: str = "scoring"
    words: str = "auto"
    weights: str = ""
    temperature: float = 1.0
    computing: Computing = Computing()


@dataclass(frozen=True)
class Answering:
    """The options of answering: greedy, at most `max_new_tokens`; the rest as in Scoring."""

    video_prompt: str = "understanding"
    max_new_tokens: int = 256
    computing: Computing = Computing()


AS_PUBLISHED = Scoring()
GREEDY = Answering()


@dataclass(frozen=True)
class TrainSpec:
    """What to train on and the checkpoint's folder; `settings` are the backend's own.

    Of no `splits`, the rows of split train or training and those without a split are trained on.
    """

    artifacts: tuple[Path, ...]
    output: Path
    media_roots: tuple[str, ...]
    seed: int
    settings: Mapping[str, Any]
    splits: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportSpec:
    """Which weights to import and the checkpoint's folder; `settings` are the backend's own."""

    source: Path
    output: Path
    settings: Mapping[str, Any]


class Backend(Protocol):
    """A model that trains, scores and answers."""

    model: str  # the preset or checkpoint in use, as predictions name it

    def needs(self) -> Needs:
        """What must be installed before any other method is called."""

    def fingerprint(self) -> str:
        """`sha256:…` of the model, equal for equal weights in any folder."""

    def train(self, spec: TrainSpec) -> Path:
        """The folder of the trained checkpoint."""

    def score(
        self, media: Iterable[Medium], how: Scoring = AS_PUBLISHED
    ) -> Iterator[Scored | Rejected]:
        """One score per medium, in their order; a rejection for one that cannot be read."""

    def answer(
        self, prompts: Iterable[Prompt], how: Answering = GREEDY
    ) -> Iterator[Answered | Rejected]:
        """One answer per prompt, in their order; a rejection for one that cannot be answered."""


@runtime_checkable
class Importer(Protocol):
    """A backend that also imports published weights; this is optional."""

    def import_checkpoint(self, spec: ImportSpec) -> Path:
        """The folder of the checkpoint."""
