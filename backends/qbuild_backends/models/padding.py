"""Batches of token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from qbuild_backends.models.inputs import IGNORED, Encoded


def padded(
    samples: Sequence[Encoded], pad_token_id: int, padding: Literal["right", "left"], labels: bool
) -> dict[str, Tensor]:
    """input_ids, attention_mask and, where asked for, labels (b, n); see `Processor.collate`."""
    longest = max(len(sample.ids) for sample in samples)
    ids = np.full((len(samples), longest), pad_token_id, np.int64)
    mask, targets = np.zeros_like(ids), np.full_like(ids, IGNORED)
    for row, sample in enumerate(samples):
        count = len(sample.ids)
        at = slice(0, count) if padding == "right" else slice(longest - count, longest)
        ids[row, at], mask[row, at] = sample.ids, 1
        targets[row, at] = np.where(sample.answer, sample.ids, IGNORED)
    batch = {"input_ids": ids, "attention_mask": mask} | ({"labels": targets} if labels else {})
    return {name: torch.from_numpy(array) for name, array in batch.items()}
