"""The base model that training begins with, and the devices as accelerate sees them."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from qbuild.core.errors import MissingPartError, UsageError, raise_all
from qbuild_backends.checkpoints.folder import from_folder
from qbuild_backends.checkpoints.saving import save
from qbuild_backends.models.family import ModelFamily, Processor
from qbuild_backends.training import adapters, distributed
from qbuild_backends.training.settings import TrainSettings


def check_packages(backend: str) -> None:
    """Raise a MissingPartError for each package that training needs in addition to inference."""
    raise_all(
        MissingPartError(
            f"backend {backend}",
            f"training needs {name}, which is not installed",
            todo=f"Install it: pip install {name}",
        )
        for name in ("accelerate", "peft")
        if find_spec(name) is None
    )


def base_model(family: ModelFamily, settings: TrainSettings, seed: int) -> tuple[Any, Processor]:
    """Model and processor of the base, in float32, the type in which weights are updated.

    With QLoRA the language model is in 4 bits, on the device that is trained on.

    Raises InputError where the folder's files are incomplete or inconsistent, UsageError
    where the settings do not fit the base.
    """
    options: dict[str, Any] = {"dtype": torch.float32}
    if settings.qlora:
        device = _device(settings)
        options |= adapters.four_bit_options(family, device, _precision(settings, device))
    if Path(settings.base).is_dir():
        model, processor = from_folder(family, Path(settings.base), **options)
    elif settings.qlora:  # weights are quantised as they are read
        with TemporaryDirectory() as place:
            save(Path(place), *family.tiny(seed))
            model, processor = from_folder(family, Path(place), **options)
    else:
        model, processor = family.tiny(seed)
    settings.configure(processor)
    return model, processor


def make_accelerator(settings: TrainSettings) -> Any:
    """The devices as accelerate sees them, from the configuration it was launched with.

    UsageError for a GPU that is not available, or that does not support bfloat16.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
    from accelerate.state import AcceleratorState
    from accelerate.utils import AutocastKwargs, GradientAccumulationPlugin

    device = _device(settings)
    precision = _precision(settings, device)
    deepspeed, fsdp = distributed.launched_with("DEEPSPEED"), distributed.launched_with("FSDP")
    processes = int(os.environ.get("WORLD_SIZE", "1"))  # set by every launcher of torch
    if processes == 1:  # accelerate keeps the precision of an earlier run in this process
        AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001
    passes = max(1, settings.batch // ((settings.per_device_batch or 1) * processes))
    # a pass of images leaves the motion branch without a gradient; broadcast buffers would replace
    # the statistics of all batch norms by those of the first process
    handlers: list[Any] = [
        DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False),
        AutocastKwargs(cache_enabled=not fsdp),  # it would keep every unit's weights in bfloat16
    ]
    if device == "cpu" and deepspeed:
        handlers.append(InitProcessGroupKwargs(backend="gloo"))
    accelerator = Accelerator(
        cpu=device == "cpu" and not deepspeed,  # with which accelerate would leave DeepSpeed out
        mixed_precision="no" if deepspeed else precision,
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=passes),
        fsdp_plugin=distributed.fsdp_plugin() if fsdp else None,
        kwargs_handlers=handlers,
    )
    if fsdp and accelerator.distributed_type.value == "MULTI_CPU":
        distributed.shard_on_cpu(accelerator)
    distributed.check_lora(accelerator, settings)
    if deepspeed:
        config = accelerator.state.deepspeed_plugin.deepspeed_config
        distributed.configure_deepspeed(config, settings, precision)
    return accelerator


def autocast(accelerator: Any) -> AbstractContextManager[Any]:
    """The type of a pass, as by `accelerator.autocast`.

    That function removes all environment variables and sets them again at every call, which ends
    the process with a segmentation fault when a thread that decodes a JPEG file reads one.
    """
    if not accelerator.native_amp:
        return nullcontext()
    cached = accelerator.autocast_handler.cache_enabled
    return torch.autocast(accelerator.device.type, torch.bfloat16, cache_enabled=cached)


def check_devices(settings: TrainSettings, devices: int) -> None:
    """Raise a UsageError where the batch is not a multiple of what the devices take together."""
    per_device = settings.per_device_batch or 1
    together = per_device * devices
    if settings.batch % together:
        raise UsageError(
            f"setting batch {settings.batch}",
            f"is not a multiple of {devices} devices with per_device_batch {per_device}",
            f"expected a multiple of {together}",
            "Lower per_device_batch, or use fewer devices.",
        )


def _device(settings: TrainSettings) -> str:
    has_gpu = torch.cuda.is_available()
    if settings.device == "cuda" and not has_gpu:
        raise UsageError(
            "setting device cuda",
            f"there is no GPU that torch {torch.__version__} can use",
            "expected cpu, or a machine with a GPU",
            "Use device=auto, or install a build of torch for the GPU.",
        )
    return "cuda" if has_gpu and settings.device != "cpu" else "cpu"


def _precision(settings: TrainSettings, device: str) -> str:
    supported = device == "cuda" and torch.cuda.is_bf16_supported()
    if settings.precision == "bfloat16" and device == "cuda" and not supported:
        raise UsageError(
            "setting precision bfloat16",
            f"{torch.cuda.get_device_name()} does not support it",
            "expected float32",
            "Use precision=auto.",
        )
    chosen = settings.precision == "bfloat16" or (settings.precision == "auto" and supported)
    return "bf16" if chosen else "no"
