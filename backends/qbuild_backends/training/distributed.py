"""A model spread over processes by FSDP or DeepSpeed, and passes that go through all its branches.

No process has the whole of a spread model: all fetch a part together when one of them calls it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from qbuild.core.errors import UsageError
from qbuild_backends.data.clips import MULTIPLE
from qbuild_backends.models.vqa2.freezing import group_of
from qbuild_backends.models.vqa2.model import FEATURES
from qbuild_backends.models.vqa2.processor import Settings
from qbuild_backends.settings import WHERE
from qbuild_backends.training.settings import TrainSettings


def asked_for(kind: str) -> bool:
    """Whether accelerate was launched to spread by FSDP or DEEPSPEED."""
    return os.environ.get(f"ACCELERATE_USE_{kind}", "false").lower() == "true"  # by its launcher


def fsdp_plugin() -> Any:
    """FSDP as it was launched, but for precision: it casts nothing, autocast does.

    Batch norms cannot be cast with their weights; and so passes are as on one device. UsageError
    for FSDP 1, which torch is giving up.
    """
    from accelerate.utils import FullyShardedDataParallelPlugin
    from torch.distributed.fsdp import MixedPrecisionPolicy

    version = os.environ.get("FSDP_VERSION", "1")
    if version != "2":
        raise UsageError(
            "accelerate's configuration",
            f"asks for fsdp_version {version}",
            "expected 2",
            "Launch with the fsdp.yaml that ships (docs/training.md).",
        )
    return FullyShardedDataParallelPlugin(mixed_precision_policy=MixedPrecisionPolicy())


def shard_on_cpu(accelerator: Any) -> None:
    """Let FSDP spread the model over processes on a CPU, as it does over GPUs.

    Torch shards there too; accelerate asks for it on GPUs alone, and elsewhere holds the whole
    model in each process without a word.
    """
    from accelerate import PartialState
    from accelerate.utils import DistributedType

    for state in (PartialState(), accelerator.state):  # the second is filled from the first
        state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = fsdp_plugin()


def tell_deepspeed(config: dict[str, Any], settings: TrainSettings, precision: str) -> None:
    """Fill in what DeepSpeed cannot see, in its own configuration.

    Its passes are in bfloat16 by autocast, as on one device: by its own setting it would round the
    weights, the checkpoint's among them.
    """
    from transformers.integrations import deepspeed

    # or transformers would spread the base while it is made
    deepspeed.unset_hf_deepspeed_config()  # type: ignore[no-untyped-call]
    config["train_micro_batch_size_per_gpu"] = settings.per_device_batch  # there is no loader
    config["gradient_clipping"] = settings.max_norm
    if precision == "bf16":
        config["torch_autocast"] = {"enabled": True, "dtype": "bfloat16"}


def is_spread(accelerator: Any) -> bool:
    """Whether no process has the whole model: under FSDP and DeepSpeed."""
    return accelerator.distributed_type.value in {"FSDP", "DEEPSPEED"}


BRANCHES = ("text", "visual", "motion")
_BRANCH = {
    "vision_tower": "visual",
    "projector": "visual",
    "motion_extractor": "motion",
    "motion_projector": "motion",
    "language_model": "text",
}


class Branches:
    """Which branches of the model a pass goes through, and which of them an update moves.

    While `every` is set, a pass that lacks a kind of media gets a black clip of it, whose tokens
    count 0 times. Of a spread model all processes fetch each part together and give up its
    gradients together: a part that a pass of pictures left out would be waited for by one of
    videos. `seen`, told before each update, are the branches that passes with samples went
    through: the others are left where they are, though a blank clip, and DeepSpeed by itself,
    leaves them a gradient of 0, for which AdamW would move them on by their moments.
    """

    def __init__(self, model: Any, chosen: torch.optim.Optimizer) -> None:
        """To be made before the model is spread."""
        groups = {id(one): group_of(name) for name, one in model.named_parameters()}
        firsts = [group["params"][0] for group in chosen.param_groups]
        self.moved = [_BRANCH[groups[id(first)]] for first in firsts]
        self.seen, self.every = set(BRANCHES), False
        chosen.register_step_pre_hook(self._leave_others)

    def _leave_others(self, chosen: torch.optim.Optimizer, *_: Any) -> None:
        for branch, group in zip(self.moved, chosen.param_groups, strict=True):
            if branch not in self.seen:
                for parameter in group["params"]:
                    parameter.grad = None

    def fill(self, model: Any, sizes: Settings, *, motion: bool) -> None:
        """Have blank clips put into the passes of a prepared model; of video where `motion`."""

        def filled(body: Any, args: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            lacks_keys = self.every and given.get("key_counts") is None
            lacks_motion = self.every and motion and given.get("motion_counts") is None
            if not (lacks_keys or lacks_motion):
                return args, given
            features = {name: given.pop(name) for name in FEATURES if name in given}
            embeds = body.embedded(given.pop("input_ids"), **features)
            with _blank_pass(body):
                if lacks_keys:
                    tokens = body.visual_tokens(_black(1, sizes.key_size), torch.tensor([1]))
                    embeds = embeds + 0 * tokens.sum()
                if lacks_motion:
                    black = _black(MULTIPLE, sizes.motion_size)
                    tokens = body.motion_tokens(torch.tensor([MULTIPLE]), black)
                    embeds = embeds + 0 * tokens.sum()
            return args, {**given, "inputs_embeds": embeds}

        model.model.register_forward_pre_hook(filled, with_kwargs=True)


def _black(frames: int, size: int) -> Tensor:
    return torch.zeros(frames, size, size, 3, dtype=torch.uint8)


def share_positions(model: Any) -> None:
    """Let DeepSpeed fetch the motion positions with their extractor, which reads them by itself.

    It fetches a part's weights when the part is called, and the table of positions never is.
    """
    from deepspeed.runtime.zero import (  # type: ignore[import-not-found]
        register_external_parameter,
    )

    extractor = model.model.motion_extractor
    register_external_parameter(extractor, extractor.position_embedding.weight)


@contextmanager
def _blank_pass(module: nn.Module) -> Iterator[None]:
    """Batch norms keep their statistics, and all is float32.

    In bfloat16 on a CPU the first convolution's gradient of 0 came out as no number now and then.
    """
    norms = _trained_norms(module)
    for norm in norms:
        norm.eval()
    try:
        with torch.autocast(next(module.parameters()).device.type, enabled=False):
            yield
    finally:
        for norm in norms:
            norm.train()


def _trained_norms(module: nn.Module) -> list[Any]:
    """The batch norms whose statistics follow what is trained on."""
    kind = nn.modules.batchnorm._BatchNorm  # noqa: SLF001 - has no other name
    return [part for part in module.modules() if isinstance(part, kind) and part.training]


def share_statistics(accelerator: Any, model: nn.Module, *, saw_motion: bool) -> None:
    """Give the batch norms of all processes the mean statistics of those that saw videos."""
    norms = _trained_norms(model)
    kept = [part for norm in norms for part in (norm.running_mean, norm.running_var)]
    if not kept:
        return
    mine = torch.cat([*kept, torch.ones(1, device=accelerator.device)]) * saw_motion
    *means, count = accelerator.reduce(mine, "sum").split([*map(len, kept), 1])
    if count:
        for part, mean in zip(kept, means, strict=True):
            part.copy_(mean / count)


def check_spread(accelerator: Any, settings: TrainSettings) -> None:
    """Raise a UsageError for LoRA on a model that is spread."""
    if is_spread(accelerator) and settings.lora_rank:
        raise UsageError(
            f"{WHERE}: lora_rank {settings.lora_rank}",
            f"adapters cannot be merged under {accelerator.distributed_type.value}",
            "expected one device, or several that each hold the model",
            "Leave lora_rank out, or launch without spreading the model.",
        )
