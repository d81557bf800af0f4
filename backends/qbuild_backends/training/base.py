"""Where training begins: the base model, and the devices that accelerate is told of."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from qbuild.core.errors import MissingPartError, UsageError, near, raise_all
from qbuild_backends.checkpoints import folder
from qbuild_backends.models.vqa2 import save_load
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration
from qbuild_backends.models.vqa2.presets import PRESETS
from qbuild_backends.models.vqa2.processor import Vqa2Processor
from qbuild_backends.settings import WHERE
from qbuild_backends.training import adapters, distributed
from qbuild_backends.training.settings import TrainSettings


def check_parts() -> None:
    """Raise a MissingPartError for each package that training needs beside those of inference."""
    from importlib.util import find_spec

    raise_all(
        MissingPartError(
            "backend vqa2",
            f"training needs {name}, which is not installed",
            todo=f"Install it: pip install {name}",
        )
        for name in ("accelerate", "peft")
        if find_spec(name) is None
    )


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
        return Base(place.resolve().name, folder.fingerprint(base))
    if base == "tiny":
        return Base(base, folder.fingerprint(base))
    if base in PRESETS:
        raise UsageError(
            f"{WHERE}: base {base}",
            "names shapes alone: no weights, no tokenizer",
            "expected the folder of a checkpoint",
            "Import published weights: `qbuild import-checkpoint` (docs/vqa2-model.md).",
        )
    hint = near(base, ("tiny",))
    raise UsageError(
        f"{WHERE}: base {base}", "is no folder", "expected a checkpoint's folder or tiny", hint
    )


def base_model(
    settings: TrainSettings, seed: int
) -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
    """Model and processor of the base, in float32, the type in which weights are updated.

    With QLoRA the language model is in 4 bits, on the device that is trained on. Whether videos
    are shown with motion is as the base has it, unless the settings say.

    Raises InputError where the folder's files are not whole or do not fit together, UsageError
    where the plan trains the motion branch alone and the base is shown none.
    """
    model, processor = _loaded(settings, seed)
    if settings.motion is not None:
        processor.settings = replace(processor.settings, motion=settings.motion)
    if settings.plan == "1-motion" and not processor.settings.motion:
        raise UsageError(
            f"{WHERE}: base {settings.base}",
            "was trained without motion, which leaves plan 1-motion nothing to train",
            "expected motion true",
            "Give --set motion=true.",
        )
    return model, processor


def _loaded(
    settings: TrainSettings, seed: int
) -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
    how: dict[str, Any] = {"dtype": torch.float32}
    if settings.qlora:
        device = _device(settings)
        how |= adapters.in_four_bits(device, _precision(settings, device))
    if settings.base == "tiny" and not Path(settings.base).is_dir():
        return _tiny(seed, how) if settings.qlora else save_load.tiny(seed)
    return folder.from_folder(Path(settings.base), **how)


def _tiny(seed: int, how: dict[str, Any]) -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
    """The tiny preset loaded like a checkpoint, since weights are made smaller as they are read."""
    with TemporaryDirectory() as place:
        save_load.save(Path(place), *save_load.tiny(seed))
        return save_load.load(Path(place), **how)


def accelerator_of(settings: TrainSettings) -> Any:
    """The devices as accelerate sees them, from the configuration it was launched with.

    UsageError where a GPU is asked for and there is none, or bfloat16 where it lacks it.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
    from accelerate.state import AcceleratorState
    from accelerate.utils import AutocastKwargs, GradientAccumulationPlugin

    device = _device(settings)
    precision = _precision(settings, device)
    deepspeed, fsdp = distributed.asked_for("DEEPSPEED"), distributed.asked_for("FSDP")
    processes = _processes()
    if processes == 1:  # accelerate keeps the precision of an earlier run in this process
        AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001
    count = max(1, settings.batch // (settings.per_device_batch * processes))
    # a pass of pictures leaves the motion branch without a gradient; of the batch norms' statistics
    # the first process's would take the place of all others'
    handlers: list[Any] = [
        DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False),
        AutocastKwargs(cache_enabled=not fsdp),  # it would keep every unit's weights in bfloat16
    ]
    if device == "cpu" and deepspeed:
        handlers.append(InitProcessGroupKwargs(backend="gloo"))
    made = Accelerator(
        cpu=device == "cpu" and not deepspeed,  # with which accelerate would leave DeepSpeed out
        mixed_precision="no" if deepspeed else precision,
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=count),
        fsdp_plugin=distributed.fsdp_plugin() if fsdp else None,
        kwargs_handlers=handlers,
    )
    if fsdp and made.distributed_type.value == "MULTI_CPU":
        distributed.shard_on_cpu(made)
    distributed.check_spread(made, settings)
    if deepspeed:
        config = made.state.deepspeed_plugin.deepspeed_config
        distributed.tell_deepspeed(config, settings, precision)
    return made


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
