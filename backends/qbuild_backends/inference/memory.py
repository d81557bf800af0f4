"""Memory that ends in inference, as an error that says which option to lower."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from qbuild.backends.protocol import Computing
from qbuild_backends.memory import memory_errors


def inference_memory(computing: Computing, device: torch.device) -> AbstractContextManager[None]:
    """A context in which memory that ends is a StageError; what to lower are the options."""
    lower = "--batch" if computing.batch > 1 else "--readers"
    return memory_errors(
        "vqa2",
        f" on {device} at --batch {computing.batch}",
        "expected a batch that fits",
        f"Lower {lower}, or take --dtype bfloat16 or a smaller model.",
    )
