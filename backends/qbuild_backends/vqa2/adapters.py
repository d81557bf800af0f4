"""LoRA in the language model, by peft; merged into its weights when training ends."""

from __future__ import annotations

from typing import Any

from torch import nn

from qbuild.core.errors import MissingPartError, UsageError
from qbuild_backends.vqa2.freezing import GROUPS
from qbuild_backends.vqa2.settings import WHERE, TrainSettings


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


def in_four_bits() -> dict[str, Any]:
    """What `from_pretrained` takes to hold the language model's weights in 4 bits (NF4)."""
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is None:
        raise MissingPartError(
            f"{WHERE}: qlora",
            "4-bit weights need bitsandbytes, which is not installed",
            "expected it beside torch on a machine with a GPU",
            "Install it (pip install bitsandbytes), or train with lora_rank alone.",
        )
    import torch
    from transformers import BitsAndBytesConfig

    others = [name for name in GROUPS if name != "language_model"]
    chosen = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=[*others, "multi_modal_projector", "lm_head"],
    )
    return {"quantization_config": chosen}


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
