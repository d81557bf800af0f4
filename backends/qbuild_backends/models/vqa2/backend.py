"""The backend `vqa2`: VQA² models trained, scoring and answering.

The module loads no torch, so that what it needs can be asked on any machine.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qbuild.backends.protocol import AS_PUBLISHED, GREEDY, Answering, Backend, Needs, Scoring

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from qbuild.backends.protocol import (
        Answered,
        Computing,
        ImportSpec,
        Prompt,
        Refused,
        Scored,
        TrainSpec,
    )
    from qbuild.core.media_roots import Medium
    from qbuild_backends.data.media_reader import Decode
    from qbuild_backends.inference.loading import Loaded


class Vqa2Backend(Backend):
    """A checkpoint's folder, or the preset tiny, whose random weights know nothing.

    `decode` reads videos in place of `clips.video_clip`, in processes of its own.
    """

    def __init__(self, model: str = "", decode: Decode | None = None) -> None:
        self._name = model or "tiny"
        is_folder = Path(self._name).is_dir()
        self.model = Path(self._name).resolve().name if is_folder else f"{self._name} (untrained)"
        self._decode = {} if decode is None else {"decode": decode}
        self._loaded: dict[Computing, Loaded] = {}

    def needs(self) -> Needs:
        """What inference takes: peft and accelerate are asked for by training."""
        return Needs(("torch", "transformers", "tokenizers", "safetensors"))

    def fingerprint(self) -> str:
        """The hash of weights, configuration and tokenizer."""
        from qbuild_backends.checkpoints.folder import fingerprint

        return fingerprint(self._name)

    def train(self, spec: TrainSpec) -> Path:
        """The checkpoint's folder."""
        from qbuild_backends.training.run import train

        folder: Path = train(spec)
        return folder

    def import_checkpoint(self, spec: ImportSpec) -> Path:
        """The folder of a checkpoint made of published weights."""
        from qbuild_backends.checkpoints.importing import import_checkpoint

        folder: Path = import_checkpoint(spec)
        return folder

    def score(
        self, media: Iterable[Medium], how: Scoring = AS_PUBLISHED
    ) -> Iterator[Scored | Refused]:
        """One score a medium, read from the logits of the level words."""
        from qbuild_backends.inference.scoring import Scorer

        return Scorer(self._load(how.computing), how, **self._decode).score(media)

    def answer(
        self, prompts: Iterable[Prompt], how: Answering = GREEDY
    ) -> Iterator[Answered | Refused]:
        """One greedy answer a prompt."""
        from qbuild_backends.inference.answering import Answerer

        return Answerer(self._load(how.computing), how, **self._decode).answer(prompts)

    def _load(self, computing: Computing) -> Loaded:
        from qbuild_backends.inference.loading import load_model

        place = replace(computing, batch=1, readers=1)  # the rest decides no weights
        if place not in self._loaded:
            self._loaded[place] = load_model(self._name, computing)
        return self._loaded[place]
