"""AdamW with a learning rate for each group of parameters, and the schedule over the steps."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from qbuild_backends.models.family import ModelFamily
from qbuild_backends.training.freezing import group_of
from qbuild_backends.training.settings import TrainSettings


def make_optimiser(
    family: ModelFamily, model: nn.Module, settings: TrainSettings
) -> torch.optim.AdamW:
    """AdamW over what is trained, with a parameter group for each group of the family."""
    trained: dict[str, list[nn.Parameter]] = {group: [] for group in family.groups}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            trained[group_of(family, name)].append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": parameters, "lr": settings.rate(group), "top": settings.rate(group)}
        for group, parameters in trained.items()
        if parameters
    ]
    return torch.optim.AdamW(groups, weight_decay=settings.weight_decay)


def set_rates(optimiser: torch.optim.Optimizer, share: float) -> None:
    """Set each group's rate to this share of its highest."""
    for group in optimiser.param_groups:
        group["lr"] = group["top"] * share


def rate_share(step: int, steps: int, warmup: float, hold: float) -> float:
    """The share of the highest rate at a step, from 0: rises, holds, falls as half a cosine.

    It depends only on the step, so that a resumed run needs no other state.
    """
    rising = math.ceil(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    falling = max(rising, math.floor(steps * hold))
    if step < falling:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - falling) / max(1, steps - falling)))
