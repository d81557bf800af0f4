"""A model ready for inference, by its name, on a device and in a type."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from qbuild.backends.protocol import Computing
from qbuild.core.errors import UsageError, suggest
from qbuild_backends.checkpoints.folder import load_named
from qbuild_backends.checkpoints.level_words import read_level_words
from qbuild_backends.memory import memory_errors
from qbuild_backends.models.family import ModelFamily, Processor

DEVICES = ("auto", "cpu", "cuda")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Loaded:
    """A model ready for inference, and its processor."""

    family: ModelFamily
    model: Any
    processor: Processor
    device: torch.device
    level_words: frozenset[str] = frozenset()  # that it was trained on; empty where not known


def load_model(family: ModelFamily, name: str, computing: Computing) -> Loaded:
    """The model of a checkpoint's folder, or the tiny preset, prepared for inference.

    Raises UsageError for an unknown name, device or type, InputError for a folder that holds
    another model.
    """
    device = find_device(computing.device)
    dtype = find_dtype(computing.dtype, device)
    with inference_memory(computing, device):
        model, processor = load_named(family, name, f"--model {name}", dtype=dtype)
        model.to(device=device, dtype=dtype).eval().requires_grad_(False)
        family.prepare_inference(model)
    return Loaded(family, model, processor, device, frozenset(read_level_words(Path(name))))


def find_device(name: str) -> torch.device:
    """The device of that name, for auto the GPU if there is one; UsageError for a missing GPU."""
    if name not in DEVICES:
        raise UsageError(f"--device {name}", "is not known", "", suggest(name, DEVICES))
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        built = torch.version.cuda
        why = f"which is built for CUDA {built}" if built else "which is built without CUDA"
        raise UsageError(
            "--device cuda",
            f"there is no GPU that torch {torch.__version__}, {why}, can use",
            "expected cpu, or a machine with a GPU",
            "Use --device cpu or auto, or install a build of torch for the GPU.",
        )
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")


def find_dtype(name: str, device: torch.device) -> torch.dtype:
    """The type of that name; for auto bfloat16 on a GPU and float32 elsewhere."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if name not in DTYPES:
        raise UsageError(f"--dtype {name}", "is not known", "", suggest(name, ("auto", *DTYPES)))
    return DTYPES[name]


def inference_memory(computing: Computing, device: torch.device) -> AbstractContextManager[None]:
    """A context in which out of memory is a StageError that names the option to lower."""
    lower = "--batch" if computing.batch > 1 else "--readers"
    return memory_errors(
        "model",
        f" on {device} at --batch {computing.batch}",
        "expected a batch that fits",
        f"Lower {lower}, or use --dtype bfloat16 or a smaller model.",
    )
