"""A checkpoint's folder: whole, of one model, and known by the hash of what decides its output."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers.utils import logging

from qbuild.core.errors import InputError
from qbuild_backends.checkpoints.matching import TIED
from qbuild_backends.checkpoints.stored import stored
from qbuild_backends.models.vqa2 import save_load
from qbuild_backends.models.vqa2.config import Vqa2Config
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration
from qbuild_backends.models.vqa2.processor import FILE as PROCESSOR
from qbuild_backends.models.vqa2.processor import Settings, Vqa2Processor

_AGAIN = "Copy, train or import the checkpoint again."
_FREE = {"max_length", "motion"}  # a processor's own, within what the model can


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
