"""What a stage trains: the freezing plans of a family, applied to a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from qbuild.core.errors import InputError
from qbuild_backends.models.family import TEXT, ModelFamily, Processor


@dataclass(frozen=True)
class Share:
    """Parameters of a group, and how many of them are trained."""

    parameters: int
    trained: int


def group_of(family: ModelFamily, name: str) -> str:
    """The group of a parameter by its name."""
    for group, parameters in family.groups.items():
        if name.startswith(parameters.prefixes):
            return group
    expected = f"expected {', '.join(family.groups)}"
    raise InputError(f"parameter {name}", "belongs to no group", expected)


def freeze(family: ModelFamily, model: nn.Module, plan: str, frozen: tuple[str, ...] = ()) -> None:
    """Freeze all parameters but those that the plan trains; also those whose names begin so."""
    groups = family.plans[plan].groups
    untrained = (*family.never_trained, *frozen)
    for name, parameter in model.named_parameters():
        trained = group_of(family, name) in groups
        parameter.requires_grad_(trained and not name.startswith(untrained))


def parameter_shares(family: ModelFamily, model: nn.Module) -> dict[str, Share]:
    """The parameters of each group as they are frozen now."""
    counts = {group: [0, 0] for group in family.groups}
    for name, parameter in model.named_parameters():
        count = counts[group_of(family, name)]
        count[0] += parameter.numel()
        count[1] += parameter.numel() if parameter.requires_grad else 0
    return {group: Share(*count) for group, count in counts.items()}


def idle_groups(
    family: ModelFamily, processor: Processor, shares: Mapping[str, Share], kinds: Collection[str]
) -> dict[str, dict[str, Any]]:
    """The groups to be trained that samples of these kinds do not go through.

    Of each the parameters that received no gradient, and the kinds of media that would give one.
    """
    media: tuple[Literal["image"], Literal["video"]] = ("image", "video")
    idle = {}
    for group, share in shares.items():
        branch = family.groups[group].branch
        through = [kind for kind in media if branch in processor.branches(kind)]
        if share.trained and branch != TEXT and not set(through) & set(kinds):
            idle[group] = {"parameters": share.trained, "without": through}
    return idle


def train_mode(model: nn.Module) -> None:
    """Training mode, but for frozen batch norms, which keep their statistics.

    Other frozen parts are in training mode too: gradient checkpointing works only in it, and
    gradients pass through the frozen language model on their way to a projector.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - has no other name
            module.train(any(parameter.requires_grad for parameter in module.parameters()))
