"""How a step is cut into passes, where the settings leave it open."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch import nn

from qbuild_backends.models.family import ModelFamily
from qbuild_backends.threads import is_small
from qbuild_backends.training.distributed import is_trained_norm
from qbuild_backends.training.freezing import group_of
from qbuild_backends.training.settings import TrainSettings

MAX_TOKENS = 8_192  # of one pass of a small model


def trains_norms(family: ModelFamily, model: nn.Module, branches: Collection[str]) -> bool:
    """Whether these branches have batch norms whose statistics follow what is trained on."""
    return any(
        family.groups[group_of(family, f"{name}.")].branch in branches
        for name, module in model.named_modules()
        if is_trained_norm(module)
    )


def choose_passes(
    settings: TrainSettings,
    model: nn.Module,
    lengths: Sequence[int],
    devices: int,
    *,
    together: bool,
) -> TrainSettings:
    """The settings with `per_device_batch` and `gradient_checkpointing` chosen where they are auto.

    A small model takes as much of the batch in one pass as MAX_TOKENS allow, if its samples may go
    `together`, and keeps its activations. Otherwise one sample per pass, and checkpointing.
    """
    small = is_small(model)
    most = 1
    if small and together:
        share = max(1, settings.batch // devices)
        fitting = MAX_TOKENS // max(lengths)
        most = max(n for n in range(1, share + 1) if n == 1 or (share % n == 0 and n <= fitting))
    checkpointing = settings.gradient_checkpointing
    return settings.model_copy(
        update={
            "per_device_batch": settings.per_device_batch or most,
            "gradient_checkpointing": not small if checkpointing is None else checkpointing,
        }
    )
