"""LoRA in the language model, by peft; merged into its weights when training ends.

With QLoRA the language model is held in 4 bits (NF4) by bitsandbytes while it is trained, and what
was learnt is merged into the weights as the base has them, which were never rounded.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from qbuild.core.errors import MissingPartError, UsageError
from qbuild_backends.models.vqa2.freezing import GROUPS, Share
from qbuild_backends.settings import WHERE
from qbuild_backends.training.settings import TrainSettings

_ADAPTER = "default"  # as peft names it


def add_lora(model: Any, settings: TrainSettings) -> None:
    """Put adapters into the language model and freeze the rest of it.

    Raises UsageError where no module bears a target's name.
    """
    from peft import LoraConfig, inject_adapter_in_model

    language = model.model.language_model
    targets = [name.strip() for name in settings.lora_targets.split(",") if name.strip()]
    _check(language, targets)
    chosen = LoraConfig(
        r=settings.lora_rank, lora_alpha=settings.lora_alpha, target_modules=targets
    )
    for part in (language, model.lm_head):
        part.requires_grad_(False)
    language.is_loaded_in_4bit = settings.qlora  # peft asks the part that it is given
    inject_adapter_in_model(chosen, language)
    for name, parameter in language.named_parameters():
        parameter.requires_grad_("lora_" in name)


def merge_lora(model: nn.Module) -> None:
    """Add what the adapters have learnt to the weights they lie on, and take them out."""
    from peft.tuners.lora import LoraLayer

    for name, module in list(model.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge()
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, module.get_base_layer())


def merged(model: nn.Module, plain: nn.Module) -> dict[str, Tensor]:
    """The weights of a model trained in 4 bits, whole: `plain` is its base, and is changed.

    What was trained is as it is in the model; on the base's own weights of the language model lies
    what the adapters have learnt.
    """
    from peft.tuners.lora import LoraLayer

    learnt: dict[str, Tensor] = dict(model.named_buffers())
    learnt |= {name: one for name, one in model.named_parameters() if one.requires_grad}
    with torch.no_grad():
        for name, tensor in plain.state_dict().items():
            if name in learnt:
                tensor.copy_(learnt[name])
        layers = [(name, one) for name, one in model.named_modules() if isinstance(one, LoraLayer)]
        for name, layer in layers:
            delta: Tensor = layer.get_delta_weight(_ADAPTER)  # type: ignore[attr-defined]
            weight = plain.get_parameter(f"{name}.weight")
            weight.add_(delta.to(weight))
    return plain.state_dict()


def in_four_bits(device: str, precision: str) -> dict[str, Any]:
    """What `from_pretrained` takes to hold the language model's linear weights in 4 bits (NF4).

    Its head is left alone, as are the other parts. `precision` is accelerate's word for the type
    that is computed in. MissingPartError where bitsandbytes is not installed.
    """
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is None:
        raise MissingPartError(
            f"{WHERE}: qlora",
            "4-bit weights need bitsandbytes, which is not installed",
            "expected it beside torch",
            "Install it (pip install bitsandbytes), or train with lora_rank alone.",
        )
    from transformers import BitsAndBytesConfig

    others = [
        beginning.rstrip(".")
        for group, beginnings in GROUPS.items()
        for beginning in beginnings
        if group != "language_model"
    ]
    chosen = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
        bnb_4bit_quant_storage=torch.float32,  # eight to a number, which can be frozen like others
        llm_int8_skip_modules=[*others, "lm_head"],  # whole names: matched from their beginning
    )
    place = device if device == "cpu" else torch.cuda.current_device()
    return {"quantization_config": chosen, "device_map": {"": place}}


def whole_share(model: nn.Module, share: Share) -> Share:
    """The language model's parameters as they are without 4 bits, which pack several into one."""
    packed = 0
    for parameter in model.parameters():
        if (kept := getattr(parameter, "quant_state", None)) is not None:
            packed += kept.shape.numel() - parameter.numel()
    return Share(share.parameters + packed, share.trained)


def _check(language: nn.Module, targets: list[str]) -> None:
    known = {name.rpartition(".")[2] for name, m in language.named_modules() if _linear(m)}
    if unknown := sorted(set(targets) - known) or (not targets and ["nothing"]):
        raise UsageError(
            f"{WHERE}: lora_targets",
            f"no linear module of the language model is called {', '.join(unknown)}",
            f"expected some of {', '.join(sorted(known))}",
        )


def _linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear)
