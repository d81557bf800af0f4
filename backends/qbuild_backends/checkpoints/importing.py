"""`import-checkpoint`: published weights and their tokenizer into a folder of qbuild's own.

The folder is what `train` takes as its base and `score` as its model. It is made beside its place
and renamed when it is whole; `qbuild.json` is written last.
"""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import torch
from huggingface_hub.errors import StrictDataclassError
from pydantic import BaseModel, ConfigDict, Field
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging

from qbuild.backends.protocol import ImportSpec
from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.artifact.output_folder import claimed
from qbuild.core.canonical import hash_file, hash_value
from qbuild.core.errors import InputError, UsageError
from qbuild_backends.checkpoints import description, transfer
from qbuild_backends.checkpoints.configs import read_config
from qbuild_backends.checkpoints.layouts import PATHWAY
from qbuild_backends.checkpoints.matching import TIED, KeyTable
from qbuild_backends.models.vqa2 import save_load
from qbuild_backends.models.vqa2.config import Vqa2Config
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration
from qbuild_backends.models.vqa2.processor import FILE as PROCESSOR
from qbuild_backends.models.vqa2.processor import TOKENIZER, Vqa2Processor, readable
from qbuild_backends.settings import WHERE, checked

STAGE = {"name": "import-checkpoint", "version": 1}
SEED = 0  # of what the source has no weights for
_DECIDES = ("*.safetensors", "*.bin", "config.json", "tokenizer*.json")


class ImportSettings(BaseModel):
    """What `--set` may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: Literal["auto", "llava-hf", "llava-qwen", "vqa2"] = Field(
        "auto", description="Whose names the tensors have; auto knows them by sight."
    )
    motion: Literal["paper", "release"] | None = Field(
        None, description="Motion frames; none: release for llava_qwen, paper for llava-hf."
    )
    slowfast: str = Field("", description="PyTorchVideo's SlowFast-R50, whose pathway is taken.")


def import_checkpoint(spec: ImportSpec) -> Path:
    """The folder of the checkpoint, its weights in the source's own type.

    Raises UsageError for settings or an output that cannot be, InputError for a source that is not
    whole or holds another model.
    """
    settings = checked(ImportSettings, spec.settings)
    description.standing(spec.output, STAGE)
    config, processor = _read_small(spec.source, settings)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    claim = spec.output.with_name(f"{spec.output.name}.importing")
    with ExitStack() as stack:
        stack.enter_context(claimed(claim))
        stack.callback(shutil.rmtree, claim)
        model, report = _imported(spec.source, settings, config)
        inputs = _inputs(spec.source, settings)
        with disk_errors(spec.output), save_load.replacing(spec.output) as place:
            save_load.save(place, model, processor)
            options = {"backend": "vqa2", **settings.model_dump(exclude={"slowfast"})}
            description.describe(place, 0, options, inputs, report, STAGE)
    return spec.output


def _read_small(source: Path, settings: ImportSettings) -> tuple[Vqa2Config, Vqa2Processor]:
    """Configuration and processor, before any weight is read."""
    if not source.is_dir():
        raise InputError(
            str(source),
            "is no folder",
            "expected the folder of a published checkpoint on this disk",
            "Fetch it first; qbuild fetches no weights.",
        )
    if (source / PROCESSOR).is_file():
        raise UsageError(
            str(source),
            "was made by qbuild",
            "expected weights as they were published",
            "Give it to `train` and `score` as it is.",
        )
    if settings.slowfast and not Path(settings.slowfast).is_file():
        raise InputError(
            settings.slowfast,
            "is no file",
            "expected the weights of PyTorchVideo's SlowFast-R50",
            "Correct --set slowfast=FILE, or leave it out.",
        )
    config = _config(source, settings)
    return config, Vqa2Processor.of(config, _tokenizer(source))


def _config(source: Path, settings: ImportSettings) -> Vqa2Config:
    try:
        return read_config(source, settings.motion or "")
    except (ValueError, TypeError, KeyError, AttributeError, StrictDataclassError) as error:
        raise InputError(
            str(source / "config.json"),
            f"cannot be read ({type(error).__name__}: {' '.join(str(error).split())})",
            "expected the configuration that was published with the weights",
            "Fetch the file again.",
        ) from error


def _tokenizer(source: Path) -> PreTrainedTokenizerFast:
    place = source / TOKENIZER
    published = "expected the tokenizer that was published with the weights"
    if not place.is_file():
        raise InputError(
            str(source),
            f"holds no {TOKENIZER}",
            published,
            f"Fetch {TOKENIZER} and tokenizer_config.json into the folder.",
        )
    with readable(place, published, "Fetch the file again."):
        found: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(
            source, local_files_only=True
        )
    return found


def _imported(
    source: Path, settings: ImportSettings, config: Vqa2Config
) -> tuple[Vqa2ForConditionalGeneration, dict[str, Any]]:
    """The model, the pathway of SlowFast in it where one is given, and what is told of both."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model, table = transfer.import_checkpoint(source, layout=settings.layout, config=config)
    parts = [(source, table)]
    if settings.slowfast:
        _check_pathway(source, table)
        file = Path(settings.slowfast)
        parts.append((file, transfer.import_motion(model, file)))
    return model, _report(model, parts)


def _check_pathway(source: Path, table: KeyTable) -> None:
    """Raise UsageError where the source has a pathway, which was trained with its projector."""
    if any(name.startswith(PATHWAY) for name in table.matched.values()):
        raise UsageError(
            f"{WHERE}: slowfast",
            f"{source} brings a pathway of its own",
            "expected a base without motion branch",
            "Leave slowfast out.",
        )


def _report(
    model: Vqa2ForConditionalGeneration, parts: list[tuple[Path, KeyTable]]
) -> dict[str, Any]:
    """What was taken, what was left out (their names) and what begins at random (ours)."""
    filled = {name for _, table in parts for name in table.matched.values()}
    if model.config.tie_word_embeddings:
        filled.add(TIED)
    absent = [name for name in parts[0][1].absent if name not in filled]
    groups = Counter(name.removeprefix("model.").split(".")[0] for name in absent)
    return {
        "layout": parts[0][1].layout,
        "dtype": str(model.dtype).removeprefix("torch."),
        "parts": [
            {
                "layout": table.layout,
                "source": place.resolve().name,
                "matched": len(table.matched),
                "left_out": len(table.left_out),
            }
            for place, table in parts
        ],
        "random": dict(groups),
        "absent": absent,
        "left_out": [name for _, table in parts for name in table.left_out],
    }


def _inputs(source: Path, settings: ImportSettings) -> list[dict[str, Any]]:
    """Name and content hash of the source, then of the file with SlowFast's pathway."""
    files = sorted({file for pattern in _DECIDES for file in source.glob(pattern)})
    hashes = {file.name: hash_file(file) for file in files if file.is_file()}
    found = [{"name": source.resolve().name, "hash": hash_value(hashes)}]
    if settings.slowfast:
        file = Path(settings.slowfast)
        found.append({"name": file.name, "hash": hash_file(file)})
    return found
