"""Checkpoints of published layouts into models of a family, and models back into those layouts."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import save_torch_state_dict
from transformers.utils import logging

from qbuild.core.errors import InputError, UsageError, suggest
from qbuild_backends.checkpoints.matching import KeyTable, match
from qbuild_backends.checkpoints.stored import Stored, stored
from qbuild_backends.models.family import HEAD, ModelFamily
from qbuild_backends.models.layout import Layout


def import_model(
    family: ModelFamily, folder: Path, config: Any, layout: str = "auto"
) -> tuple[Any, KeyTable]:
    """A model with a checkpoint's weights in their own type, in eval mode, and the table of names.

    What the layout has no tensors for, such as the motion branch of a plain LLaVA-OneVision,
    begins at random. Raises InputError where a tensor is missing, unexpected or of another shape.
    """
    found = stored(folder)
    chosen = _recognise(family, found) if layout == "auto" else _layout(family, layout)
    with torch.device("meta"):
        bare = family.model_class(config)
    table = match(_shapes(bare), found.shapes, chosen, tied=config.tie_word_embeddings)
    with _quiet_transformers():
        model = family.model_class.from_pretrained(
            None, config=config, state_dict=_read(found, table), dtype="auto"
        )
    return model.eval(), table


def import_part(model: Any, file: Path, layout: Layout) -> KeyTable:
    """Take a part of a model from a file in a layout of `part_layouts`; all else stays."""
    found = stored(file)
    table = match(_shapes(model), found.shapes, layout)
    model.load_state_dict(_read(found, table), strict=False)
    return table


def export_checkpoint(family: ModelFamily, model: Any, folder: Path, layout: str) -> None:
    """Weights (safetensors, in shards of 5 GB) and configuration as that layout names them.

    What the layout has no place for is left out: the motion branch in llava-hf and llava-qwen.
    """
    chosen = _layout(family, layout)
    names = {ours: chosen.theirs(ours) for ours in model.state_dict()}
    if model.config.tie_word_embeddings:
        names[HEAD] = None
    tensors = {
        theirs: tensor.contiguous()
        for ours, tensor in model.state_dict().items()
        if (theirs := names[ours]) is not None
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_torch_state_dict(tensors, folder, metadata={"format": "pt"})
    text = json.dumps(family.write_config(model.config, layout), indent=2) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")


def _layout(family: ModelFamily, name: str) -> Layout:
    """The layout of that name; UsageError lists the names."""
    if name not in family.layouts:
        raise UsageError(f"layout {name}", "is not known", "", suggest(name, family.layouts))
    return family.layouts[name]


def _recognise(family: ModelFamily, found: Stored) -> Layout:
    """The first layout of the family whose signature is among the names."""
    for layout in family.layouts.values():
        if any(layout.recognises(name) for name in found.shapes):
            return layout
    names = list(found.shapes)
    raise InputError(
        found.where,
        f"its {len(names):,} tensors ({', '.join(names[:3])} …) are of no known layout",
        f"expected one of {', '.join(family.layouts)}",
        "Name the layout, or convert the file.",
    )


def _read(found: Stored, table: KeyTable) -> dict[str, torch.Tensor]:
    """The tensors of the table by our names; InputError where they do not fit the model."""
    table.check(found.where)
    return {table.matched[name]: t for name, t in found.read() if name in table.matched}


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Without transformers' own report of what was missing: the table lists it, with the reason."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _shapes(model: torch.nn.Module) -> Mapping[str, torch.Size]:
    """The shape of every tensor of the model, by our name; on the meta device too."""
    return {name: tensor.shape for name, tensor in model.state_dict().items()}
