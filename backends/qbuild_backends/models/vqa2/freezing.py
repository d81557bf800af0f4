"""What each stage trains: the freezing plans of VQA² (section 5.1), by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

from qbuild.core.errors import InputError, UsageError, near

# Beginnings of parameter names; the first that fits. The newline that ends a sample's visual
# tokens lies with the projector: it is one of the tokens that the projector makes.
GROUPS = {
    "vision_tower": ("model.vision_tower.",),
    "projector": ("model.multi_modal_projector.", "model.image_newline"),
    "motion_extractor": ("model.motion_extractor.",),
    "motion_projector": ("model.motion_projector.",),
    "language_model": ("model.language_model.", "lm_head."),
}
_UNREAD = ("model.vision_tower.post_layernorm.", "model.vision_tower.vision_model.post_layernorm.")


@dataclass(frozen=True)
class FreezingPlan:
    """The groups that a stage trains, and the one kind of media it takes, if it takes but one."""

    groups: tuple[str, ...]
    kind: Literal["image", "video"] | None = None


PLANS = {
    "1-spatial": FreezingPlan(("vision_tower", "projector"), "image"),
    "1-motion": FreezingPlan(("motion_extractor", "motion_projector"), "video"),
    "ugc-scorer": FreezingPlan(tuple(GROUPS)),
    "streaming-scorer": FreezingPlan(tuple(GROUPS)),
    "assistant": FreezingPlan(tuple(GROUPS)),
}


@dataclass(frozen=True)
class Share:
    """Parameters of a group, and how many of them are trained."""

    parameters: int
    trained: int


def group_of(name: str) -> str:
    """The group that a parameter of the model belongs to, by its name."""
    for group, beginnings in GROUPS.items():
        if name.startswith(beginnings):
            return group
    raise InputError(f"parameter {name}", "belongs to no group", f"expected {', '.join(GROUPS)}")


def trainable(model: nn.Module, plan: str) -> dict[str, Share]:
    """Freeze the model as the plan says; the parameters of each group.

    SigLIP's last norm stays frozen in every plan: the layer that is read lies below it.
    """
    if plan not in PLANS:
        raise UsageError(f"plan {plan}", "is not known", "", near(plan, PLANS))
    for name, parameter in model.named_parameters():
        trained = group_of(name) in PLANS[plan].groups
        parameter.requires_grad_(trained and not name.startswith(_UNREAD))
    return shares(model)


def shares(model: nn.Module) -> dict[str, Share]:
    """The parameters of each group as they are frozen now."""
    counts = {group: [0, 0] for group in GROUPS}
    for name, parameter in model.named_parameters():
        count = counts[group_of(name)]
        count[0] += parameter.numel()
        count[1] += parameter.numel() if parameter.requires_grad else 0
    return {group: Share(*count) for group, count in counts.items()}


def train_mode(model: nn.Module) -> None:
    """Training mode, but for frozen batch norms: those keep their statistics.

    The rest of a frozen part stays in it too: gradient checkpointing works in training mode alone,
    and gradients pass through the frozen language model on their way to a projector.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - has no other name
            module.train(any(parameter.requires_grad for parameter in module.parameters()))
