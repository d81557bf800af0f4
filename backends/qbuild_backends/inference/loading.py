"""A model by the name that is given for it, on the device and in the type that are asked for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers.utils import logging

from qbuild.backends.protocol import Computing
from qbuild.core.errors import InputError, UsageError, near
from qbuild_backends.checkpoints.matching import TIED
from qbuild_backends.checkpoints.stored import stored
from qbuild_backends.models.vqa2 import save_load
from qbuild_backends.models.vqa2.config import Vqa2Config
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration
from qbuild_backends.models.vqa2.presets import PRESETS
from qbuild_backends.models.vqa2.processor import FILE as PROCESSOR
from qbuild_backends.models.vqa2.processor import Settings, Vqa2Processor
from qbuild_backends.training.memory import inference_memory

DEVICES = ("auto", "cpu", "cuda")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_AGAIN = "Copy, train or import the checkpoint again."
_FREE = {"max_length", "motion"}  # a processor's own, within what the model can


@dataclass(frozen=True)
class Loaded:
    """A model ready for inference, and its processor."""

    model: Vqa2ForConditionalGeneration
    processor: Vqa2Processor
    device: torch.device


def load_model(name: str, computing: Computing) -> Loaded:
    """The model of a checkpoint's folder, or the tiny preset; its batch norms are folded.

    Raises UsageError for a name, device or type that is none, InputError for a folder that holds
    another model.
    """
    device = device_of(computing.device)
    dtype = dtype_of(computing.dtype, device)
    with inference_memory(computing, device):
        model, processor = _named(name, dtype)
        module: nn.Module = model
        module.to(device=device, dtype=dtype).eval().requires_grad_(False)
        extractor = model.model.motion_extractor
        extractor.pathway.float()  # batch norms are folded before they are rounded
        extractor.fold()
        extractor.pathway.to(device=device, dtype=dtype)
    return Loaded(model, processor, device)


def _named(name: str, dtype: torch.dtype) -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
    place = Path(name)
    if place.is_dir():
        return from_folder(place, dtype=dtype)
    if name == "tiny":
        return save_load.tiny()
    if name in PRESETS:
        raise UsageError(
            f"--model {name}",
            "a preset names shapes, and only tiny comes with a tokenizer",
            "expected the folder of a checkpoint",
            "Import published weights: `qbuild import-checkpoint`.",
        )
    raise UsageError(
        f"--model {name}",
        "is neither a folder nor a preset",
        "expected the folder of a checkpoint, or tiny",
        near(name, ("tiny",)),
    )


def from_folder(place: Path, **how: Any) -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
    """The model in a folder, `how` as of `save_load.load`.

    Raises InputError where its files are not whole or do not fit together.
    """
    check_folder(place)
    config = _config(place)
    _check_weights(place, config)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model, processor = save_load.load(place, **how)
    except (OSError, SafetensorError) as error:
        raise InputError(
            str(place),
            f"cannot be loaded ({_first_line(error)})",
            "expected weights, configuration and tokenizer of one model, whole",
            _AGAIN,
        ) from error
    _check_processor(place, processor, config)
    return model, processor


def _config(place: Path) -> Vqa2Config:
    try:
        return Vqa2Config.from_pretrained(place)
    except (OSError, ValueError, TypeError, KeyError, StrictDataclassError) as error:
        raise InputError(
            str(place / "config.json"),
            f"is no configuration of a VQA² model ({' '.join(str(error).split())})",
            "expected the one that the model was saved with",
            _AGAIN,
        ) from error


def _check_weights(place: Path, config: Vqa2Config) -> None:
    """Raise InputError for a weight of another shape, or missing: it would begin at random."""
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
            _AGAIN,
        )


def _check_processor(place: Path, processor: Vqa2Processor, config: Vqa2Config) -> None:
    """Raise InputError for a processor of other sizes or ids than the model's."""
    ours, theirs = asdict(processor.settings), asdict(Settings.of(config))
    faults = [
        f"{name} is {ours[name]}, the model's {theirs[name]}"
        for name in theirs
        if name not in _FREE and ours[name] != theirs[name]
    ]
    if faults:
        raise InputError(
            str(place / PROCESSOR),
            f"does not fit the configuration: {', '.join(faults)}",
            "expected the processor that the model was saved with",
            _AGAIN,
        )


def check_folder(place: Path) -> None:
    """Raise InputError unless the folder holds a whole model of this backend."""
    described = place / "config.json"
    if not described.is_file():
        raise InputError(
            str(place),
            "holds no config.json",
            "expected a folder that a VQA² model was saved in",
            "Give the checkpoint's own folder.",
        )
    try:
        kind = json.loads(described.read_text(encoding="utf-8")).get("model_type")
    except (ValueError, AttributeError) as error:
        what = f"is no JSON object ({error})"
        raise InputError(str(described), what, "expected a model's configuration") from error
    if kind != "vqa2":
        raise InputError(
            str(described),
            f"describes a model of type {kind!r}",
            "expected vqa2",
            "Choose the backend it was made for, or import it first: `qbuild import-checkpoint`.",
        )


def device_of(name: str) -> torch.device:
    """The device of that name, for auto the GPU where there is one; UsageError where none is."""
    there = "cuda" if torch.cuda.is_available() else "cpu"
    if name not in DEVICES:
        raise UsageError(f"--device {name}", "is not known", "", near(name, DEVICES))
    if name == "cuda" and there != "cuda":
        built = torch.version.cuda
        why = f"which is built for CUDA {built}" if built else "which is built without CUDA"
        raise UsageError(
            "--device cuda",
            f"there is no GPU that torch {torch.__version__}, {why}, can use",
            "expected cpu, or a machine with one",
            "Take --device cpu or auto, or install a build of torch for the GPU.",
        )
    return torch.device(there if name == "auto" else name)


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """bfloat16 on a GPU and float32 elsewhere, for auto."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if name not in DTYPES:
        raise UsageError(f"--dtype {name}", "is not known", "", near(name, ("auto", *DTYPES)))
    return DTYPES[name]


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


@cache
def folder_hash(place: Path, _: tuple[tuple[str, int, int], ...]) -> str:
    """`sha256:…` of the model's files; the sizes and times are for the cache alone."""
    from qbuild.core.canonical import hash_file, hash_value

    return hash_value({file.name: hash_file(file) for file in model_files(place)})


def fingerprint(name: str) -> str:
    """`sha256:…` of a checkpoint's weights, configuration and tokenizer, or of a preset's name."""
    from qbuild.core.canonical import hash_value

    place = Path(name)
    if not place.is_dir():
        return hash_value({"preset": name})
    check_folder(place)
    stats = ((file.name, file.stat()) for file in model_files(place))
    return folder_hash(place, tuple((name, at.st_size, at.st_mtime_ns) for name, at in stats))


def model_files(place: Path) -> list[Path]:
    """What decides a model's output, sorted; not how it came to be, nor when."""
    named = ("*.safetensors", "config.json", "tokenizer*.json", "vqa2_processor.json")
    return sorted(file for pattern in named for file in place.glob(pattern))
