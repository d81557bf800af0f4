"""A model sharded over processes by FSDP or DeepSpeed, and passes through all of its branches.

No process holds all of a sharded model: all gather a part together when one of them calls it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from qbuild.core.errors import UsageError
from qbuild_backends.models.family import ModelFamily
from qbuild_backends.training.freezing import group_of
from qbuild_backends.training.settings import TrainSettings


def launched_with(kind: str) -> bool:
    """Whether accelerate was launched with FSDP or DEEPSPEED."""
    return os.environ.get(f"ACCELERATE_USE_{kind}", "false").lower() == "true"  # by its launcher


def fsdp_plugin() -> Any:
    """FSDP as it was launched, but for precision: it casts nothing, autocast does.

    Batch norms cannot be cast with their weights; and so passes are as on one device. UsageError
    for FSDP 1, which torch deprecates.
    """
    from accelerate.utils import FullyShardedDataParallelPlugin
    from torch.distributed.fsdp import MixedPrecisionPolicy

    version = os.environ.get("FSDP_VERSION", "1")
    if version != "2":
        raise UsageError(
            "accelerate's configuration",
            f"asks for fsdp_version {version}",
            "expected 2",
            "Launch with the fsdp.yaml of this package (docs/training.md).",
        )
    return FullyShardedDataParallelPlugin(mixed_precision_policy=MixedPrecisionPolicy())


def shard_on_cpu(accelerator: Any) -> None:
    """Let FSDP shard the model over processes on a CPU, as it does over GPUs.

    Torch shards there too; accelerate requests it only on GPUs, and elsewhere silently keeps the
    whole model in each process.
    """
    from accelerate import PartialState
    from accelerate.utils import DistributedType

    for state in (PartialState(), accelerator.state):  # the second is filled from the first
        state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = fsdp_plugin()


def configure_deepspeed(config: dict[str, Any], settings: TrainSettings, precision: str) -> None:
    """Fill in what DeepSpeed cannot know, in its own configuration.

    Its passes are in bfloat16 by autocast, as on one device: by its own setting it would round the
    weights, the checkpoint's among them.
    """
    from transformers.integrations import deepspeed

    # or transformers would shard the base while it is made
    deepspeed.unset_hf_deepspeed_config()  # type: ignore[no-untyped-call]
    config["train_micro_batch_size_per_gpu"] = settings.per_device_batch or 1  # there is no loader
    config["gradient_clipping"] = settings.max_norm
    if precision == "bf16":
        config["torch_autocast"] = {"enabled": True, "dtype": "bfloat16"}


def register_direct_reads(family: ModelFamily, model: nn.Module) -> None:
    """Let DeepSpeed fetch, with a module, the parameters that it reads without a call.

    DeepSpeed fetches a part's weights when the part is called.
    """
    from deepspeed.runtime.zero import (  # type: ignore[import-not-found]
        register_external_parameter,
    )

    for name, parameter in family.read_directly.items():
        module = model.get_submodule(name)
        register_external_parameter(module, module.get_parameter(parameter))


def is_sharded(accelerator: Any) -> bool:
    """Whether the model is sharded over processes, by FSDP or DeepSpeed."""
    return accelerator.distributed_type.value in {"FSDP", "DEEPSPEED"}


class Branches:
    """The branches of the model that a pass goes through, and those that an update moves.

    While `fill_all` is set, a pass that lacks a kind of media gets a black clip of it, whose tokens
    count 0 times. All processes fetch each part of a sharded model together and reduce its
    gradients together: a part that a pass of images left out would be waited for by one of videos.
    `seen`, set before each update, are the branches that passes with samples went through: the
    others are not updated, though a blank clip, and DeepSpeed by itself, leaves them a gradient of
    0, for which AdamW would move them by their moments.
    """

    def __init__(
        self, family: ModelFamily, model: nn.Module, optimiser: torch.optim.Optimizer
    ) -> None:
        """To be made before the model is sharded."""
        self.family = family
        self.names = sorted({group.branch for group in family.groups.values()})
        branches = {id(one): self._branch(name) for name, one in model.named_parameters()}
        self.moved = [branches[id(group["params"][0])] for group in optimiser.param_groups]
        self.seen, self.fill_all = set(self.names), False
        optimiser.register_step_pre_hook(self._skip_unseen)

    def _branch(self, name: str) -> str:
        return self.family.groups[group_of(self.family, name)].branch

    def _skip_unseen(self, optimiser: torch.optim.Optimizer, *_: Any) -> None:
        for branch, group in zip(self.moved, optimiser.param_groups, strict=True):
            if branch not in self.seen:
                for parameter in group["params"]:
                    parameter.grad = None

    def add_blank_clips(self, model: Any, branches: Collection[str]) -> None:
        """Let the passes of a prepared model go through these branches while `fill_all` is set."""

        def fill(body: Any, args: Any, inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            if self.fill_all:
                blank = partial(_blank_pass, body)
                inputs = self.family.fill_branches(body, inputs, branches, blank)
            return args, inputs

        model.base_model.register_forward_pre_hook(fill, with_kwargs=True)

    def share_statistics(self, accelerator: Any, model: nn.Module, seen: set[str]) -> None:
        """Give the batch norms of all processes the mean statistics of those that saw the branch.

        `seen` are the branches that the samples of this process went through.
        """
        norms: dict[str, list[Any]] = {}
        for name, module in model.named_modules():
            if is_trained_norm(module):
                norms.setdefault(self._branch(f"{name}."), []).append(module)
        for branch, modules in norms.items():
            kept = [part for norm in modules for part in (norm.running_mean, norm.running_var)]
            mine = torch.cat([*kept, torch.ones(1, device=accelerator.device)]) * (branch in seen)
            *means, count = accelerator.reduce(mine, "sum").split([*map(len, kept), 1])
            if count:
                for part, mean in zip(kept, means, strict=True):
                    part.copy_(mean / count)


@contextmanager
def _blank_pass(module: nn.Module) -> Iterator[None]:
    """Batch norms keep their statistics, and all is float32.

    In bfloat16 on a CPU the first convolution's gradient of 0 was occasionally NaN.
    """
    norms = [part for part in module.modules() if is_trained_norm(part)]
    for norm in norms:
        norm.eval()
    try:
        with torch.autocast(next(module.parameters()).device.type, enabled=False):
            yield
    finally:
        for norm in norms:
            norm.train()


def is_trained_norm(module: nn.Module) -> bool:
    """Whether it is a batch norm whose statistics follow what is trained on."""
    kind = nn.modules.batchnorm._BatchNorm  # noqa: SLF001 - has no other name
    return isinstance(module, kind) and module.training


def check_validation(accelerator: Any, settings: TrainSettings) -> None:
    """Raise a UsageError for validation of a sharded model."""
    if settings.validation:
        todo = "Leave it out, and evaluate checkpoints with `qbuild score` and `qbuild evaluate`."
        where = f"setting validation {settings.validation}"
        _reject_sharded(accelerator, where, "is not supported", todo)


def check_lora(accelerator: Any, settings: TrainSettings) -> None:
    """Raise a UsageError for LoRA on a sharded model."""
    if settings.lora_rank:
        todo = "Leave lora_rank out, or launch without sharding the model."
        where = f"setting lora_rank {settings.lora_rank}"
        _reject_sharded(accelerator, where, "adapters cannot be merged", todo)


def _reject_sharded(accelerator: Any, where: str, what: str, todo: str) -> None:
    if is_sharded(accelerator):
        what = f"{what} under {accelerator.distributed_type.value}"
        raise UsageError(
            where, what, "expected one device, or several that each hold the model", todo
        )
