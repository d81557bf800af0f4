"""The loss and the predicted levels of a model on samples, without training on them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from qbuild.core.errors import InputError
from qbuild_backends.data.loader import Loader
from qbuild_backends.models.inputs import Encoded
from qbuild_backends.training.base import autocast
from qbuild_backends.training.freezing import train_mode
from qbuild_backends.training.levels import Counts, LevelScores, LevelTokens, total
from qbuild_backends.training.losses import sample_losses


@dataclass(frozen=True)
class Evaluation:
    """The mean loss over samples, their level words and the levels that were predicted."""

    loss: float
    counts: Counts
    scores: LevelScores


@dataclass
class Evaluator:
    """Computes the samples of a loader in passes of `together`, in eval mode."""

    accelerator: Any
    model: nn.Module  # as accelerate prepared it
    loader: Loader
    tokens: LevelTokens
    together: int

    def evaluate(self, numbers: Sequence[int]) -> Evaluation:
        """Evaluate these samples of the loader; InputError where none of them can be read."""
        passes = [numbers[at : at + self.together] for at in range(0, len(numbers), self.together)]
        self.model.eval()
        losses, counts, scores = list[float](), list[Counts](), LevelScores(self.tokens)

        def observe(logits: Tensor, expected: Tensor) -> None:
            counts.append(self.tokens.count(logits, expected))
            scores.add(logits, expected)

        try:
            with torch.no_grad(), closing(self.loader.stream(passes)) as stream:
                for encoded in stream:
                    if encoded:
                        losses += self._losses(encoded, observe)
        finally:
            train_mode(self.model)
        if not losses:
            raise InputError(
                "setting validation", "none of its samples can be read", "expected one"
            )
        return Evaluation(sum(losses) / len(losses), total(counts), scores)

    def _losses(self, encoded: list[Encoded], observe: Any) -> list[float]:
        batch = self.loader.processor.collate(encoded)
        moved = {name: one.to(self.accelerator.device) for name, one in batch.items()}
        with autocast(self.accelerator):
            losses: list[float] = sample_losses(self.model, moved, observe).tolist()
        return losses
