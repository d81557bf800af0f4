"""Memory that ends in training, as an error that says which setting to lower."""

from __future__ import annotations

from contextlib import AbstractContextManager

from qbuild_backends.memory import memory_errors
from qbuild_backends.settings import WHERE
from qbuild_backends.training.settings import TrainSettings


def training_memory(settings: TrainSettings) -> AbstractContextManager[None]:
    """A context in which memory that ends is a StageError; what to lower are the settings."""
    where = f"{WHERE}: per_device_batch {settings.per_device_batch}"
    return memory_errors(where, "", "expected a pass that fits", _lower(settings))


def _lower(settings: TrainSettings) -> str:
    if settings.per_device_batch > 1:
        return f"Lower per_device_batch to {settings.per_device_batch // 2}; batch stays as it is."
    if not settings.gradient_checkpointing:
        return "Turn gradient_checkpointing on."
    if not settings.lora_rank:
        return "Train with lora_rank=64, or spread the model over devices (docs/training.md)."
    return "Spread the model over devices (docs/training.md), or take shorter videos."
