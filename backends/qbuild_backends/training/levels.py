"""How well a model predicts level words: accuracy while it trains, and how much its scores vary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qbuild.core.errors import QbuildError
from qbuild_backends.level_reader import level_token_ids
from qbuild_backends.models.family import ModelFamily, Processor

MIN_SAMPLES = 8  # with a level word, below which their variation is not judged
MIN_VARIATION = 0.1  # deviation of predictions, of that of the labels


@dataclass
class Counts:
    """Level words seen in answers, and how many of them the model predicted."""

    seen: int = 0
    right: int = 0

    def accuracy(self) -> float | None:
        """The share that was predicted; None where none was seen."""
        return self.right / self.seen if self.seen else None


@dataclass
class LevelTokens:
    """The token ids of the level words of a family, one set per wording, worst to best."""

    sets: list[tuple[int, ...]]

    @classmethod
    def of(cls, family: ModelFamily, processor: Processor) -> LevelTokens:
        """Sets whose words are not one token each in this tokenizer are left out."""
        sets = []
        for words in family.scoring.words.values():
            for kind in ("image", "video"):
                try:
                    prefix = family.scoring.answer.format(kind=kind)
                    sets.append(level_token_ids(processor.tokenizer, words, prefix))
                except QbuildError:
                    continue
        return cls(list(dict.fromkeys(sets)))

    @cached_property
    def _known(self) -> Tensor:
        return torch.tensor(sorted({one for ids in self.sets for one in ids}))

    def count(self, logits: Tensor, expected: Tensor) -> Counts:
        """The level words among the expected tokens (b, p) of logits (b, p, vocabulary)."""
        places = torch.isin(expected, self._known.to(expected.device))
        right = logits[places].argmax(-1) == expected[places]
        return Counts(int(places.sum()), int(right.sum()))


@dataclass
class LevelScores:
    """Expected and predicted levels of samples, from 0 to 1."""

    tokens: LevelTokens
    expected: list[float] = field(default_factory=list)
    predicted: list[float] = field(default_factory=list)

    def add(self, logits: Tensor, expected: Tensor) -> None:
        """Add the first level word of each sample: logits (b, p, vocabulary), tokens (b, p)."""
        for sample_logits, sample in zip(logits, expected.tolist(), strict=True):
            for place, token in enumerate(sample):
                ids = next((ids for ids in self.tokens.sets if token in ids), None)
                if ids is not None:
                    scale = torch.linspace(0, 1, len(ids))
                    shares = sample_logits[place, list(ids)].detach().float().cpu().softmax(-1)
                    self.expected.append(float(scale[ids.index(token)]))
                    self.predicted.append(float(shares @ scale))
                    break

    def figures(self) -> dict[str, Any]:
        """Number of samples, deviation of predictions and labels; empty for too few samples."""
        if len(self.expected) < MIN_SAMPLES or np.std(self.expected) == 0:
            return {}
        return {
            "samples": len(self.expected),
            "deviation": round(float(np.std(self.predicted)), 4),
            "expected_deviation": round(float(np.std(self.expected)), 4),
        }


def format_variation(figures: dict[str, Any], where: str) -> str:
    """A warning where predictions hardly vary; an empty string where they do, or are unknown."""
    if not figures or figures["deviation"] >= MIN_VARIATION * figures["expected_deviation"]:
        return ""
    return (
        f"warning: the predicted levels hardly vary: standard deviation {figures['deviation']:.4f} "
        f"over {figures['samples']:,} {where} samples, that of their labels is "
        f"{figures['expected_deviation']:.4f} (levels from 0 to 1). The model has not learnt to "
        "tell qualities apart: train longer, or raise learning_rate"
    )


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of counts."""
    found = list(counts)
    return Counts(sum(one.seen for one in found), sum(one.right for one in found))
