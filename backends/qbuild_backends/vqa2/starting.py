"""Where training begins: the base model, and the devices that accelerate is told of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from qbuild.core.errors import InputError, UsageError, near
from qbuild_backends.vqa2 import adapters, folder, loading
from qbuild_backends.vqa2.checkpoints.matching import TIED
from qbuild_backends.vqa2.checkpoints.stored import stored
from qbuild_backends.vqa2.config import Vqa2Config
from qbuild_backends.vqa2.frames import MULTIPLE
from qbuild_backends.vqa2.freezing import group_of
from qbuild_backends.vqa2.model import FEATURES, Vqa2ForConditionalGeneration
from qbuild_backends.vqa2.presets import PRESETS
from qbuild_backends.vqa2.processor import Settings, Vqa2Processor
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

    With QLoRA the language model is in 4 bits, on the device that is trained on.

    Raises InputError where the folder's weights are not those of its configuration.
    """
    how: dict[str, Any] = {"dtype": torch.float32}
    if settings.qlora:
        device = _device(settings)
        how |= adapters.in_four_bits(device, _precision(settings, device))
    if settings.base == "tiny" and not Path(settings.base).is_dir():
        return _tiny(seed, how) if settings.qlora else folder.tiny(seed)
    place = Path(settings.base)
    loading.check_folder(place)
    _check_weights(place)
    return folder.load(place, **how)


def _tiny(seed: int, how: dict[str, Any]) -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
    """The tiny preset loaded like a checkpoint, since weights are made smaller as they are read."""
    with TemporaryDirectory() as place:
        folder.save(Path(place), *folder.tiny(seed))
        return folder.load(Path(place), **how)


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
    from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
    from accelerate.state import AcceleratorState
    from accelerate.utils import AutocastKwargs, GradientAccumulationPlugin

    device = _device(settings)
    precision = _precision(settings, device)
    deepspeed, fsdp = _asked_for("DEEPSPEED"), _asked_for("FSDP")
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
        fsdp_plugin=_fsdp() if fsdp else None,
        kwargs_handlers=handlers,
    )
    if fsdp and made.distributed_type.value == "MULTI_CPU":
        _shard_on_cpu(made)
    _check_spread(made, settings)
    if deepspeed:
        _tell_deepspeed(made.state.deepspeed_plugin.deepspeed_config, settings, precision)
    return made


def _asked_for(kind: str) -> bool:
    return os.environ.get(f"ACCELERATE_USE_{kind}", "false").lower() == "true"  # by its launcher


def _fsdp() -> Any:
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


def _shard_on_cpu(accelerator: Any) -> None:
    """Let FSDP spread the model over processes on a CPU, as it does over GPUs.

    Torch shards there too; accelerate asks for it on GPUs alone, and elsewhere holds the whole
    model in each process without a word.
    """
    from accelerate import PartialState
    from accelerate.utils import DistributedType

    for state in (PartialState(), accelerator.state):  # the second is filled from the first
        state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = _fsdp()


def _tell_deepspeed(config: dict[str, Any], settings: TrainSettings, precision: str) -> None:
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
    norms = trained_norms(module)
    for norm in norms:
        norm.eval()
    with torch.autocast(next(module.parameters()).device.type, enabled=False):
        yield
    for norm in norms:
        norm.train()


def trained_norms(module: nn.Module) -> list[Any]:
    """The batch norms whose statistics follow what is trained on."""
    kind = nn.modules.batchnorm._BatchNorm  # noqa: SLF001 - has no other name
    return [part for part in module.modules() if isinstance(part, kind) and part.training]


def _check_spread(accelerator: Any, settings: TrainSettings) -> None:
    """Raise a UsageError for LoRA on a model that is spread."""
    if is_spread(accelerator) and settings.lora_rank:
        raise UsageError(
            f"{WHERE}: lora_rank {settings.lora_rank}",
            f"adapters cannot be merged under {accelerator.distributed_type.value}",
            "expected one device, or several that each hold the model",
            "Leave lora_rank out, or launch without spreading the model.",
        )


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
