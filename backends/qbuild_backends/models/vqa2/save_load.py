"""A VQA² model in a folder of its own: configuration, weights, tokenizer and processor together."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from qbuild.core.artifact.atomic_write import sync
from qbuild.core.scratch import REPLACED, scratch_folder
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration
from qbuild_backends.models.vqa2.presets import preset
from qbuild_backends.models.vqa2.processor import Vqa2Processor
from qbuild_backends.models.vqa2.tokenizer import tiny_tokenizer


def save(folder: Path, model: Vqa2ForConditionalGeneration, processor: Vqa2Processor) -> None:
    """Written so that `load` gives both back, weights bit for bit, as safetensors."""
    model.save_pretrained(folder)
    processor.save(folder)
    _open_files(folder)


def load(folder: Path, **how: Any) -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
    """Model, in eval mode, and processor; `how` goes to `from_pretrained` (dtype, device_map …)."""
    processor = Vqa2Processor.load(folder)
    model = Vqa2ForConditionalGeneration.from_pretrained(
        folder, use_safetensors=True, local_files_only=True, **how
    )
    return model.eval(), processor


def tiny(
    seed: int = 0, motion: str = "paper"
) -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
    """The tiny preset with random weights of this seed, and its processor."""
    from transformers import set_seed

    set_seed(seed)
    config = preset("tiny", motion)
    return Vqa2ForConditionalGeneration(config), Vqa2Processor.of(config, tiny_tokenizer())


@contextmanager
def replacing(output: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `output` when all went well; raises OSError."""
    with scratch_folder(output) as scratch:
        place = scratch / output.name
        place.mkdir()
        try:
            yield place
            _open_files(place)
        except SafetensorError as error:  # of a full disk among others: it has this type of its own
            raise OSError(str(error)) from error
        for path in [*place.rglob("*"), place]:
            sync(path)
        if output.exists():  # moved aside where a later run finds it, should this one end here
            (scratch / REPLACED).mkdir()
            output.rename(scratch / REPLACED / output.name)
        place.rename(output)
        sync(output.parent)


def _open_files(folder: Path) -> None:
    """Let whoever may read the folder read its files: safetensors writes for its owner alone."""
    readable = folder.stat().st_mode & 0o444
    for file in folder.rglob("*.safetensors"):
        file.chmod(file.stat().st_mode | readable)
