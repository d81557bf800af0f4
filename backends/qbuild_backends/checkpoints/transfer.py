"""Checkpoints of published layouts into VQA² models, and models back into those layouts."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub import save_torch_state_dict
from transformers.utils import logging

from qbuild.core.errors import UsageError
from qbuild_backends.checkpoints.configs import read_config, written_config
from qbuild_backends.checkpoints.layouts import layout_named, recognised
from qbuild_backends.checkpoints.matching import TIED, KeyTable, match
from qbuild_backends.checkpoints.stored import stored
from qbuild_backends.models.vqa2.config import Vqa2Config
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration

WRITTEN = ("llava-hf", "llava-qwen", "vqa2")


def import_checkpoint(
    folder: Path,
    *,
    layout: str = "auto",
    config: Vqa2Config | None = None,
    motion: str = "",
    dtype: torch.dtype | str = "auto",
) -> tuple[Vqa2ForConditionalGeneration, KeyTable]:
    """A model with a checkpoint's weights, in eval mode, and the table of what went where.

    The configuration is the checkpoint's own unless given. What the layout has no tensors for,
    such as the motion branch of a plain LLaVA-OneVision, begins at random; `import_motion` fills
    the pathway. Raises InputError where a tensor is missing, unexpected or of another shape.
    """
    found = stored(folder)
    chosen = recognised(found.shapes, found.where) if layout == "auto" else layout_named(layout)
    config = config or read_config(folder, motion)
    with torch.device("meta"):
        bare = Vqa2ForConditionalGeneration(config)
    table = match(shapes_of(bare), found.shapes, chosen, tied=config.tie_word_embeddings)
    table.check(found.where)
    tensors = {table.matched[name]: t for name, t in found.read() if name in table.matched}
    with _unreported():
        model = Vqa2ForConditionalGeneration.from_pretrained(
            None, config=config, state_dict=tensors, dtype=dtype
        )
    return model.eval(), table


def import_motion(model: Vqa2ForConditionalGeneration, file: Path) -> KeyTable:
    """The fast pathway of a SlowFast-R50 of PyTorchVideo, taken into a model; all else stays."""
    found = stored(file)
    table = match(shapes_of(model), found.shapes, layout_named("slowfast"))
    table.check(found.where)
    tensors = {table.matched[name]: t for name, t in found.read() if name in table.matched}
    model.load_state_dict(tensors, strict=False)
    return table


def export_checkpoint(model: Vqa2ForConditionalGeneration, folder: Path, layout: str) -> None:
    """Weights (safetensors, in shards of 5 GB) and configuration as that layout names them.

    llava-hf and llava-qwen have no place for the motion branch and leave it out. The slow pathway,
    which vqa2 has places for and nobody reads, is not written.
    """
    if layout not in WRITTEN:
        raise UsageError(
            f"layout {layout}", "is not written", f"expected one of {', '.join(WRITTEN)}"
        )
    names = {ours: layout_named(layout).theirs(ours) for ours in model.state_dict()}
    if model.config.tie_word_embeddings:
        names[TIED] = None
    tensors = {
        theirs: tensor.contiguous()
        for ours, tensor in model.state_dict().items()
        if (theirs := names[ours]) is not None
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_torch_state_dict(tensors, folder, metadata={"format": "pt"})
    text = json.dumps(written_config(model.config, layout), indent=2) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")


@contextmanager
def _unreported() -> Iterator[None]:
    """Without transformers' own report of what was missing: the table says it, and why."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def shapes_of(model: torch.nn.Module) -> Mapping[str, torch.Size]:
    """The shape of every tensor of the model, by our name; on the meta device too."""
    return {name: tensor.shape for name, tensor in model.state_dict().items()}
