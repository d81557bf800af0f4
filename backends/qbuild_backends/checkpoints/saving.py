"""A model in its own folder: configuration, weights, tokenizer and processor together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from qbuild.core.artifact.atomic_write import sync
from qbuild.core.scratch import REPLACED, scratch_folder
from qbuild_backends.models.family import Processor


def save(folder: Path, model: Any, processor: Processor) -> None:
    """Written so that `from_folder` gives both back, weights bit for bit, as safetensors."""
    model.save_pretrained(folder)
    processor.save(folder)
    _share_files(folder)


@contextmanager
def replace_folder(output: Path) -> Iterator[Path]:
    """A folder to fill, which replaces `output` at the end unless filling raises; OSError."""
    with scratch_folder(output) as scratch:
        place = scratch / output.name
        place.mkdir()
        try:
            yield place
            _share_files(place)
        except SafetensorError as error:  # a full disk among others
            raise OSError(str(error)) from error
        for path in [*place.rglob("*"), place]:
            sync(path)
        if output.exists():  # moved to where a later run finds it, if this process ends here
            (scratch / REPLACED).mkdir()
            output.rename(scratch / REPLACED / output.name)
        place.rename(output)
        sync(output.parent)


def _share_files(folder: Path) -> None:
    """Let whoever may read the folder read its files: safetensors writes only for the owner."""
    readable = folder.stat().st_mode & 0o444
    for file in folder.rglob("*.safetensors"):
        file.chmod(file.stat().st_mode | readable)
