"""`import-checkpoint`: published weights and their tokenizer into a folder of qbuild's own.

The folder is what `train` takes as its base and `score` as its model. It is written next to its
place and renamed when it is complete; `qbuild.json` is written last.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging

from qbuild.backends.protocol import ImportSpec
from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.artifact.output_folder import claimed
from qbuild.core.canonical import hash_file, hash_value
from qbuild.core.errors import InputError, UsageError
from qbuild_backends.checkpoints import description, saving, transfer
from qbuild_backends.checkpoints.matching import KeyTable
from qbuild_backends.models.family import HEAD, ModelFamily
from qbuild_backends.models.layout import Layout
from qbuild_backends.models.saved_files import TOKENIZER, read_errors
from qbuild_backends.settings import validate_settings

STAGE = {"name": "import-checkpoint", "version": 1}
SEED = 0  # of what the source has no weights for
_DECIDES = ("*.safetensors", "*.bin", "config.json", "tokenizer*.json")


def import_checkpoint(family: ModelFamily, backend: str, spec: ImportSpec) -> Path:
    """The folder of the checkpoint, its weights in the source's own type.

    Raises UsageError for an invalid setting or output, InputError for a source that is incomplete
    or holds another model.
    """
    settings = validate_settings(family.import_settings, spec.settings)
    description.read_existing(spec.output, STAGE)
    _check_source(family, spec.source)
    parts = _part_files(family, settings)
    config = _read_config(family, spec.source, settings)
    processor = family.processor(config, _tokenizer(spec.source))
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    claim = spec.output.with_name(f"{spec.output.name}.importing")
    with ExitStack() as stack:
        stack.enter_context(claimed(claim))
        stack.callback(shutil.rmtree, claim)
        model, report = _import(family, spec.source, config, settings.layout, parts)
        inputs = _inputs(spec.source, parts)
        with disk_errors(spec.output), saving.replace_folder(spec.output) as place:
            saving.save(place, model, processor)
            options = {"backend": backend, **settings.model_dump(exclude=set(family.part_layouts))}
            description.describe(place, 0, options, inputs, report, STAGE)
    return spec.output


def _check_source(family: ModelFamily, source: Path) -> None:
    if not source.is_dir():
        raise InputError(
            str(source),
            "is not a folder",
            "expected the folder of a published checkpoint on this disk",
            "Fetch it first; qbuild fetches no weights.",
        )
    if (source / family.processor_file).is_file():
        raise UsageError(
            str(source),
            "was made by qbuild",
            "expected weights as they were published",
            "Give it to `train` and `score` as it is.",
        )


def _part_files(family: ModelFamily, settings: Any) -> dict[str, Path]:
    """The files of parts that the settings name, by setting."""
    files = {name: getattr(settings, name) for name in family.part_layouts}
    for name, file in files.items():
        if file and not Path(file).is_file():
            description = type(settings).model_fields[name].description
            raise InputError(
                file,
                "is not a file",
                f"expected: {description}",
                f"Correct --set {name}=FILE, or leave it out.",
            )
    return {name: Path(file) for name, file in files.items() if file}


def _read_config(family: ModelFamily, source: Path, settings: Any) -> Any:
    file = source / "config.json"
    if not file.is_file():
        raise InputError(str(source), "holds no config.json", "expected one next to the weights")
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        return family.read_config(config, settings, str(file))
    except (ValueError, TypeError, KeyError, AttributeError, StrictDataclassError) as error:
        raise InputError(
            str(file),
            f"cannot be read ({type(error).__name__}: {' '.join(str(error).split())})",
            "expected the configuration that was published with the weights",
            "Fetch the file again.",
        ) from error


def _tokenizer(source: Path) -> PreTrainedTokenizerFast:
    file = source / TOKENIZER
    expected = "expected the tokenizer that was published with the weights"
    if not file.is_file():
        raise InputError(
            str(source),
            f"holds no {TOKENIZER}",
            expected,
            f"Fetch {TOKENIZER} and tokenizer_config.json into the folder.",
        )
    with read_errors(file, expected, "Fetch the file again."):
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(
            source, local_files_only=True
        )
    return tokenizer


def _import(
    family: ModelFamily, source: Path, config: Any, layout: str, parts: dict[str, Path]
) -> tuple[Any, dict[str, Any]]:
    """The model with its parts, and the report."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model, table = transfer.import_model(family, source, config, layout)
    tables = [(source, table)]
    for name, file in parts.items():
        part = family.part_layouts[name]
        _check_part(name, part, source, table)
        tables.append((file, transfer.import_part(model, file, part)))
    return model, _report(model, tables)


def _check_part(name: str, part: Layout, source: Path, table: KeyTable) -> None:
    """Raise UsageError where the source has the part, which was trained with the rest of it."""
    if any(ours.startswith(part.holds) for ours in table.matched.values()):
        raise UsageError(
            f"setting {name}",
            f"{source} has these weights itself",
            "expected a base without them",
            f"Leave {name} out.",
        )


def _report(model: Any, tables: list[tuple[Path, KeyTable]]) -> dict[str, Any]:
    """What was taken, what was left out (their names) and what begins at random (ours)."""
    filled = {name for _, table in tables for name in table.matched.values()}
    if model.config.tie_word_embeddings:
        filled.add(HEAD)
    absent = [name for name in tables[0][1].absent if name not in filled]
    return {
        "layout": tables[0][1].layout,
        "dtype": str(model.dtype).removeprefix("torch."),
        "parts": [
            {
                "layout": table.layout,
                "source": place.resolve().name,
                "matched": len(table.matched),
                "left_out": len(table.left_out),
            }
            for place, table in tables
        ],
        "random": dict(Counter(name.removeprefix("model.").split(".")[0] for name in absent)),
        "absent": absent,
        "left_out": [name for _, table in tables for name in table.left_out],
    }


def _inputs(source: Path, parts: dict[str, Path]) -> list[dict[str, Any]]:
    """Name and content hash of the source, then of each part's file."""
    files = sorted({file for pattern in _DECIDES for file in source.glob(pattern)})
    hashes = {file.name: hash_file(file) for file in files if file.is_file()}
    whole = {"name": source.resolve().name, "hash": hash_value(hashes)}
    return [whole, *({"name": f.name, "hash": hash_file(f)} for f in parts.values())]
