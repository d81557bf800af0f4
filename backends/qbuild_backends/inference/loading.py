"""A model by the name that is given for it, on the device and in the type that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from qbuild.backends.protocol import Computing
from qbuild.core.errors import UsageError, near
from qbuild_backends.checkpoints.folder import from_folder
from qbuild_backends.inference.memory import inference_memory
from qbuild_backends.models.vqa2 import save_load
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration
from qbuild_backends.models.vqa2.presets import PRESETS
from qbuild_backends.models.vqa2.processor import Vqa2Processor

DEVICES = ("auto", "cpu", "cuda")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


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
