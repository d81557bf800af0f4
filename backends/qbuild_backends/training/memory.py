"""Memory that ends, of host or device, as an error that says what to lower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

from qbuild.backends.protocol import Computing
from qbuild.core.errors import StageError
from qbuild_backends.training.settings import WHERE, TrainSettings


def inference_memory(computing: Computing, device: torch.device) -> AbstractContextManager[None]:
    """A context in which memory that ends is a StageError; what to lower are the options."""
    lower = "--batch" if computing.batch > 1 else "--readers"
    return _told(
        "vqa2",
        f" on {device} at --batch {computing.batch}",
        "expected a batch that fits",
        f"Lower {lower}, or take --dtype bfloat16 or a smaller model.",
    )


def training_memory(settings: TrainSettings) -> AbstractContextManager[None]:
    """A context in which memory that ends is a StageError; what to lower are the settings."""
    where = f"{WHERE}: per_device_batch {settings.per_device_batch}"
    return _told(where, "", "expected a pass that fits", _lower(settings))


def _lower(settings: TrainSettings) -> str:
    if settings.per_device_batch > 1:
        return f"Lower per_device_batch to {settings.per_device_batch // 2}; batch stays as it is."
    if not settings.gradient_checkpointing:
        return "Turn gradient_checkpointing on."
    if not settings.lora_rank:
        return "Train with lora_rank=64, or spread the model over devices (docs/training.md)."
    return "Spread the model over devices (docs/training.md), or take shorter videos."


@contextmanager
def _told(where: str, at: str, expected: str, todo: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        short = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not short and "t allocate memory" not in str(error):
            raise
        what = (str(error).splitlines() or [type(error).__name__])[0]
        raise StageError(where, f"out of memory{at} ({what})", expected, todo) from error
