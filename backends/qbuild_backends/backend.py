"""Backends of model families: models that train, score and answer.

An entry point of group `qbuild.backends` names a function of this module for each. The module loads
no torch, so that `needs()` works on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
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
        Rejected,
        Scored,
        TrainSpec,
    )
    from qbuild.core.media_roots import Medium
    from qbuild_backends.inference.loading import Loaded
    from qbuild_backends.models.family import FamilySettings, ModelFamily


def vqa2(model: str = "") -> FamilyBackend:
    """VQA² models."""
    return FamilyBackend("vqa2", lambda: load_family("vqa2"), model, _vqa2_settings)


def _vqa2_settings() -> type[FamilySettings]:
    from qbuild_backends.models.vqa2.settings import Vqa2Settings

    return Vqa2Settings


def load_family(name: str) -> ModelFamily:
    """The family in the folder of that name below `models`; imports torch."""
    family: ModelFamily = import_module(f"qbuild_backends.models.{name}.family").FAMILY
    return family


class FamilyBackend(Backend):
    """A checkpoint's folder, or the preset tiny, whose random weights know nothing.

    `load_family` imports the family, and with it torch; `load_settings` its settings of training
    without torch, so that they can be checked before.
    """

    def __init__(
        self,
        name: str,
        load_family: Callable[[], ModelFamily],
        model: str = "",
        load_settings: Callable[[], type[FamilySettings]] | None = None,
    ) -> None:
        self.name, self._load_family, self._load_settings = name, load_family, load_settings
        self._model = model or "tiny"
        is_folder = Path(self._model).is_dir()
        self.model = Path(self._model).resolve().name if is_folder else f"{self._model} (untrained)"
        self._loaded: dict[Computing, Loaded] = {}

    def needs(self) -> Needs:
        """What inference needs; training checks for peft and accelerate itself."""
        return Needs(("torch", "transformers", "tokenizers", "safetensors"))

    def fingerprint(self) -> str:
        """The hash of weights, configuration and tokenizer."""
        from qbuild_backends.checkpoints.folder import fingerprint

        return fingerprint(self._load_family(), self._model)

    def train(self, spec: TrainSpec) -> Path:
        """The checkpoint's folder; mistakes in the settings are raised before torch is loaded."""
        if self._load_settings is not None:
            from qbuild_backends.training.settings import read_settings

            read_settings(self._load_settings(), spec.settings)
        from qbuild_backends.training.run import train

        return train(self._load_family(), self.name, spec)

    def import_checkpoint(self, spec: ImportSpec) -> Path:
        """The folder of a checkpoint made of published weights."""
        from qbuild_backends.checkpoints.importing import import_checkpoint

        return import_checkpoint(self._load_family(), self.name, spec)

    def score(
        self, media: Iterable[Medium], how: Scoring = AS_PUBLISHED
    ) -> Iterator[Scored | Rejected]:
        """One score per medium, read from the logits of the level words."""
        from qbuild_backends.inference.scoring import Scorer

        return Scorer(self._load(how.computing), how).score(media)

    def answer(
        self, prompts: Iterable[Prompt], how: Answering = GREEDY
    ) -> Iterator[Answered | Rejected]:
        """One greedy answer per prompt."""
        from qbuild_backends.inference.answering import Answerer

        return Answerer(self._load(how.computing), how).answer(prompts)

    def _load(self, computing: Computing) -> Loaded:
        from qbuild_backends.inference.loading import load_model

        weights = replace(computing, batch=1, readers=1)  # which decide no weights
        if weights not in self._loaded:
            self._loaded[weights] = load_model(self._load_family(), self._model, computing)
        return self._loaded[weights]
