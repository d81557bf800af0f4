"""LoRA in the language model, by peft; merged into its weights when training ends.

With QLoRA bitsandbytes holds the language model in 4 bits (NF4) while it is trained, and the
adapters are merged into the base's own weights, which were never rounded.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from qbuild.core.errors import MissingPartError, UsageError
from qbuild_backends.models.family import HEAD, LANGUAGE_MODEL, ModelFamily
from qbuild_backends.training.freezing import Share
from qbuild_backends.training.settings import TrainSettings

_ADAPTER = "default"  # as peft names it


def add_lora(model: Any, settings: TrainSettings) -> None:
    """Add adapters to the language model and freeze the rest of it.

    Raises UsageError for a target that is not the name of a linear module.
    """
    from peft import LoraConfig, inject_adapter_in_model

    language = model.get_decoder()
    targets = [name.strip() for name in settings.lora_targets.split(",") if name.strip()]
    _check_targets(language, targets)
    config = LoraConfig(
        r=settings.lora_rank, lora_alpha=settings.lora_alpha, target_modules=targets
    )
    for part in (language, model.get_output_embeddings()):
        part.requires_grad_(False)
    language.is_loaded_in_4bit = settings.qlora  # peft asks the part that it is given
    inject_adapter_in_model(config, language)
    for name, parameter in language.named_parameters():
        parameter.requires_grad_("lora_" in name)


def merge_lora(model: nn.Module) -> None:
    """Merge the adapters into the weights that they adapt, and remove them."""
    from peft.tuners.lora import LoraLayer

    for name, module in list(model.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge()
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, module.get_base_layer())


def merge_into(plain: nn.Module, model: nn.Module) -> dict[str, Tensor]:
    """The weights of `plain`, the base, after what a model in 4 bits has learnt is merged into it.

    Other parts that were trained are copied.
    """
    from peft.tuners.lora import LoraLayer

    trained: dict[str, Tensor] = dict(model.named_buffers())
    trained |= {name: one for name, one in model.named_parameters() if one.requires_grad}
    with torch.no_grad():
        for name, tensor in plain.state_dict().items():
            if name in trained:
                tensor.copy_(trained[name])
        layers = [(name, one) for name, one in model.named_modules() if isinstance(one, LoraLayer)]
        for name, layer in layers:
            delta: Tensor = layer.get_delta_weight(_ADAPTER)  # type: ignore[attr-defined]
            weight = plain.get_parameter(f"{name}.weight")
            weight.add_(delta.to(weight))
    return plain.state_dict()


def four_bit_options(family: ModelFamily, device: str, precision: str) -> dict[str, Any]:
    """Options of `from_pretrained` for the language model's linear weights in 4 bits (NF4).

    Its head and the other parts stay as they are. `precision` is accelerate's name of the type
    that passes are computed in. MissingPartError where bitsandbytes is not installed.
    """
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is None:
        raise MissingPartError(
            "setting qlora",
            "4-bit weights need bitsandbytes, which is not installed",
            "expected it next to torch",
            "Install it (pip install bitsandbytes), or train with lora_rank only.",
        )
    from transformers import BitsAndBytesConfig

    others = [
        prefix.rstrip(".")
        for name, group in family.groups.items()
        for prefix in group.prefixes
        if name != LANGUAGE_MODEL
    ]
    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
        bnb_4bit_quant_storage=torch.float32,  # eight per number, which can be frozen like others
        # full names: matched from their beginning
        llm_int8_skip_modules=[*others, HEAD.removesuffix(".weight")],
    )
    place = device if device == "cpu" else torch.cuda.current_device()
    return {"quantization_config": config, "device_map": {"": place}}


def unpacked_share(model: nn.Module, share: Share) -> Share:
    """The language model's share without 4 bits, which pack several parameters into one."""
    packed = 0
    for parameter in model.parameters():
        if (state := getattr(parameter, "quant_state", None)) is not None:
            packed += state.shape.numel() - parameter.numel()
    return Share(share.parameters + packed, share.trained)


def _check_targets(language: nn.Module, targets: list[str]) -> None:
    linear = {
        name.rpartition(".")[2]
        for name, module in language.named_modules()
        if isinstance(module, nn.Linear)
    }
    if unknown := sorted(set(targets) - linear) or (not targets and ["nothing"]):
        raise UsageError(
            "setting lora_targets",
            f"no linear module of the language model is called {', '.join(unknown)}",
            f"expected some of {', '.join(sorted(linear))}",
        )
