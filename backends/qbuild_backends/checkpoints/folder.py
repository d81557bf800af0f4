"""A checkpoint's folder: of one model, complete, known by a hash of what decides its output."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers.utils import logging

from qbuild.core.canonical import hash_file, hash_value
from qbuild.core.errors import InputError, UsageError, suggest
from qbuild_backends.checkpoints.level_words import LEVEL_WORDS
from qbuild_backends.checkpoints.stored import stored
from qbuild_backends.models.family import HEAD, ModelFamily, Processor

_AGAIN = "Copy, train or import the checkpoint again."


def load_named(family: ModelFamily, name: str, where: str, **options: Any) -> tuple[Any, Processor]:
    """The model and processor of a checkpoint's folder, or of the preset tiny.

    Raises UsageError, at `where`, for another name, and as `from_folder`.
    """
    check_name(family, name, where)
    if Path(name).is_dir():
        return from_folder(family, Path(name), **options)
    return family.tiny(0)


def check_name(family: ModelFamily, name: str, where: str) -> None:
    """Raise UsageError for a name that is neither a folder nor tiny."""
    if Path(name).is_dir() or name == "tiny":
        return
    if name in family.presets:
        raise UsageError(
            where,
            "names only shapes: no weights, no tokenizer",
            "expected the folder of a checkpoint, or tiny",
            "Import published weights: `qbuild import-checkpoint`.",
        )
    raise UsageError(
        where,
        "is neither a folder nor a preset",
        "expected the folder of a checkpoint, or tiny",
        suggest(name, ("tiny",)),
    )


def from_folder(family: ModelFamily, place: Path, **options: Any) -> tuple[Any, Processor]:
    """The model in a folder, in eval mode; options are those of `from_pretrained`.

    Raises InputError where its files are incomplete or inconsistent.
    """
    check_folder(family, place)
    config = _read_config(family, place)
    _check_weights(family, place, config)
    processor = family.load_processor(place, config)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model: Any = family.model_class.from_pretrained(
            place, use_safetensors=True, local_files_only=True, **options
        )
    except (OSError, SafetensorError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            str(place),
            f"cannot be loaded ({first_line})",
            "expected complete weights, configuration and tokenizer of one model",
            _AGAIN,
        ) from error
    return model.eval(), processor


def _read_config(family: ModelFamily, place: Path) -> Any:
    try:
        return family.config_class.from_pretrained(place)
    except (OSError, ValueError, TypeError, KeyError, StrictDataclassError) as error:
        raise InputError(
            str(place / "config.json"),
            f"is not a valid configuration of {family.name} ({' '.join(str(error).split())})",
            "expected the one that the model was saved with",
            _AGAIN,
        ) from error


def _check_weights(family: ModelFamily, place: Path, config: Any) -> None:
    """Raise InputError for a weight of another shape, or missing: it would begin at random."""
    with torch.device("meta"):
        expected = family.model_class(config).state_dict()
    shapes = stored(place).shapes
    faults = [
        f"{name} is {list(shapes[name]) if name in shapes else 'missing'}, not {list(tensor.shape)}"
        for name, tensor in expected.items()
        if shapes.get(name) != tensor.shape
        and not (config.tie_word_embeddings and name == HEAD and name not in shapes)
    ]
    if faults:
        raise InputError(
            str(place),
            f"weights do not fit the configuration: {faults[0]} ({len(faults):,} in all)",
            "expected config.json of the same model as its weights",
            _AGAIN,
        )


def check_folder(family: ModelFamily, place: Path) -> None:
    """Raise InputError unless the folder holds a configuration of this family."""
    file = place / "config.json"
    if not file.is_file():
        raise InputError(
            str(place),
            "holds no config.json",
            f"expected a folder that a model of {family.name} was saved in",
            "Give the checkpoint's own folder.",
        )
    try:
        model_type = json.loads(file.read_text(encoding="utf-8")).get("model_type")
    except (ValueError, AttributeError) as error:
        what = f"is not a JSON object ({error})"
        raise InputError(str(file), what, "expected a model's configuration") from error
    if model_type != family.name:
        raise InputError(
            str(file),
            f"describes a model of type {model_type!r}",
            f"expected {family.name}",
            "Choose the backend it was made for, or import it first: `qbuild import-checkpoint`.",
        )


def fingerprint(family: ModelFamily, name: str) -> str:
    """`sha256:…` of what decides a checkpoint's output, or of a preset's name."""
    place = Path(name)
    if not place.is_dir():
        return hash_value({"preset": name})
    check_folder(family, place)
    patterns = (
        "*.safetensors",
        "config.json",
        "tokenizer*.json",
        family.processor_file,
        LEVEL_WORDS,
    )
    files = sorted(file for pattern in patterns for file in place.glob(pattern))
    stats = [(file, file.stat()) for file in files]
    return _files_hash(tuple((file, stat.st_size, stat.st_mtime_ns) for file, stat in stats))


@cache
def _files_hash(files: tuple[tuple[Path, int, int], ...]) -> str:
    """`sha256:…` of the files; their sizes and times are only for the cache."""
    return hash_value({file.name: hash_file(file) for file, _, _ in files})
