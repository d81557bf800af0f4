"""Where training begins: the base model, and the devices that accelerate is told of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from qbuild.core.errors import InputError, UsageError, near
from qbuild_backends.vqa2 import adapters, folder, loading
from qbuild_backends.vqa2.checkpoints.matching import TIED
from qbuild_backends.vqa2.checkpoints.stored import stored
from qbuild_backends.vqa2.config import Vqa2Config
from qbuild_backends.vqa2.model import Vqa2ForConditionalGeneration
from qbuild_backends.vqa2.presets import PRESETS
from qbuild_backends.vqa2.processor import Vqa2Processor
from qbuild_backends.vqa2.settings import WHERE, TrainSettings


@dataclass(frozen=True)
class Base:
    """What training begins from: its name, and the hash of its weights or preset."""

    name: str
    fingerprint: str


def base_name(base: str) -> Base:
    """The base and its hash.

    UsageError for a name that is neither a folder nor tiny, InputError for another model's folder.
    """
    place = Path(base)
    if place.is_dir():
        return Base(place.resolve().name, loading.fingerprint(base))
    if base == "tiny":
        return Base(base, loading.fingerprint(base))
    if base in PRESETS:
        raise UsageError(
            f"{WHERE}: base {base}",
            "names shapes alone: no weights, no tokenizer",
            "expected the folder of a checkpoint",
            "Import published weights (docs/vqa2-model.md).",
        )
    hint = near(base, PRESETS)
    raise UsageError(
        f"{WHERE}: base {base}", "is no folder", "expected a checkpoint's folder or tiny", hint
    )


def base_model(
    settings: TrainSettings, seed: int
) -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
    """Model and processor of the base, in float32, the type in which weights are updated.

    Raises InputError where the folder's weights are not those of its configuration.
    """
    if settings.base == "tiny" and not Path(settings.base).is_dir():
        return folder.tiny(seed)
    how: dict[str, Any] = {"dtype": torch.float32}
    if settings.qlora:
        how |= adapters.in_four_bits()
    place = Path(settings.base)
    loading.check_folder(place)
    _check_weights(place)
    return folder.load(place, **how)


def _check_weights(place: Path) -> None:
    """Raise InputError for a weight of another shape, or missing: it would begin at random."""
    config = Vqa2Config.from_pretrained(place)
    with torch.device("meta"):
        wanted = Vqa2ForConditionalGeneration(config)
    found = stored(place).shapes
    faults = [
        f"{name} is {list(found[name]) if name in found else 'missing'}, not {list(tensor.shape)}"
        for name, tensor in wanted.state_dict().items()
        if found.get(name) != tensor.shape
        and not (config.tie_word_embeddings and name == TIED and name not in found)
    ]
    if faults:
        raise InputError(
            str(place),
            f"weights do not fit the configuration: {faults[0]} ({len(faults):,} in all)",
            "expected config.json of the same model as its weights",
            "Fetch or import the checkpoint again.",
        )


def accelerator_of(settings: TrainSettings) -> Any:
    """The devices as accelerate sees them, from the configuration it was launched with.

    UsageError where a GPU is asked for and there is none, or bfloat16 where it lacks it.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState
    from accelerate.utils import GradientAccumulationPlugin

    device = _device(settings)
    processes = _processes()
    if processes == 1:  # accelerate keeps the precision of an earlier run in this process
        AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001
    count = max(1, settings.batch // (settings.per_device_batch * processes))
    made = Accelerator(
        cpu=device == "cpu",
        mixed_precision=_precision(settings, device),
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=count),
        # a pass of pictures leaves the motion branch without a gradient
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    _check_spread(made, settings)
    return made


def is_spread(accelerator: Any) -> bool:
    """Whether no process has the whole model: under FSDP and DeepSpeed."""
    return accelerator.distributed_type.value in {"FSDP", "DEEPSPEED"}


def _check_spread(accelerator: Any, settings: TrainSettings) -> None:
    """Tell DeepSpeed what it cannot see; UsageError for LoRA on a model that is spread."""
    if not is_spread(accelerator):
        return
    if settings.lora_rank:
        raise UsageError(
            f"{WHERE}: lora_rank {settings.lora_rank}",
            f"adapters cannot be merged under {accelerator.distributed_type.value}",
            "expected one device, or several that each hold the model",
            "Leave lora_rank out, or launch without spreading the model.",
        )
    plugin = getattr(accelerator.state, "deepspeed_plugin", None)
    if plugin is not None:  # it takes them from a loader of torch's, which there is none of
        plugin.deepspeed_config["train_micro_batch_size_per_gpu"] = settings.per_device_batch
        plugin.deepspeed_config["gradient_clipping"] = settings.max_norm


def check_devices(settings: TrainSettings, devices: int) -> None:
    """Raise a UsageError where the batch does not divide among the devices."""
    together = settings.per_device_batch * devices
    if settings.batch % together:
        raise UsageError(
            f"{WHERE}: batch {settings.batch}",
            f"is no multiple of {devices} devices with per_device_batch "
            f"{settings.per_device_batch}",
            f"expected a multiple of {together}",
            "Lower per_device_batch, or take fewer devices.",
        )


def _processes() -> int:
    import os

    return int(os.environ.get("WORLD_SIZE", "1"))  # as every launcher of torch says it


def _device(settings: TrainSettings) -> str:
    there = torch.cuda.is_available()
    if settings.device == "cuda" and not there:
        raise UsageError(
            f"{WHERE}: device cuda",
            f"there is no GPU that torch {torch.__version__} can use",
            "expected cpu, or a machine with a GPU",
            "Take device=auto, or install a build of torch for the GPU.",
        )
    return "cuda" if there and settings.device != "cpu" else "cpu"


def _precision(settings: TrainSettings, device: str) -> str:
    has = device == "cuda" and torch.cuda.is_bf16_supported()
    if settings.precision == "bfloat16" and device == "cuda" and not has:
        raise UsageError(
            f"{WHERE}: precision bfloat16",
            f"{torch.cuda.get_device_name()} lacks it",
            "expected float32",
            "Take precision=auto.",
        )
    chosen = settings.precision == "bfloat16" or (settings.precision == "auto" and has)
    return "bf16" if chosen else "no"
