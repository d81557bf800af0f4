"""The tensors in a file or a folder of shards, read safely: safetensors or `weights_only`."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from qbuild.core.errors import InputError

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
SINGLES = ("model.safetensors", "pytorch_model.bin")
INSIDE = ("model_state", "state_dict", "model")  # keys of the weights in a .pth of a trainer


@dataclass(frozen=True)
class Stored:
    """Tensors by name: their shapes, known without reading them, and a function that reads them."""

    where: str
    shapes: Mapping[str, torch.Size]
    read: Callable[[], Iterator[tuple[str, Tensor]]]


def stored(place: Path) -> Stored:
    """The tensors of a checkpoint file, or of a folder with one or with an index of shards."""
    files = _files(place)
    parts = [_safetensors(file) if _is_safe(file) else _torch(file) for file in files]
    shapes = {name: shape for part in parts for name, shape in part.shapes.items()}
    if not shapes:
        raise InputError(str(place), "holds no tensors", "expected a checkpoint's weights")

    def read() -> Iterator[tuple[str, Tensor]]:
        for part in parts:
            yield from part.read()

    return Stored(str(place), shapes, read)


def _files(place: Path) -> list[Path]:
    """The files that together are the checkpoint."""
    if place.is_file():
        return [place]
    for name in INDEXES:
        if (place / name).is_file():
            return _shards(place / name)
    for name in SINGLES:
        if (place / name).is_file():
            return [place / name]
    raise InputError(
        str(place),
        "holds no checkpoint" if place.is_dir() else "does not exist",
        f"expected one of {', '.join((*INDEXES, *SINGLES))}",
        "Name the folder or the file of the weights.",
    )


def _shards(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(
            str(index), f"is not a valid index of shards ({error!r})", "expected a `weight_map`"
        ) from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name:
            raise InputError(
                str(index), f"names the shard {name!r}", "expected files next to the index"
            )
        if not (index.parent / name).is_file():
            raise InputError(
                str(index),
                f"names the shard {name}, which is missing",
                f"expected {len(names)} shards",
                "Fetch the missing file.",
            )
    return [index.parent / name for name in names]


def _is_safe(file: Path) -> bool:
    return file.suffix == ".safetensors"


def _safetensors(file: Path) -> Stored:
    try:
        with safe_open(file, framework="pt") as opened:
            shapes = {
                name: torch.Size(opened.get_slice(name).get_shape())
                for name in opened.keys()  # noqa: SIM118 - not iterable
            }
    except SafetensorError as error:
        raise _damaged(file, error) from error

    def read() -> Iterator[tuple[str, Tensor]]:
        with safe_open(file, framework="pt") as again:
            for name in shapes:
                yield name, again.get_tensor(name)

    return Stored(str(file), shapes, read)


def _torch(file: Path) -> Stored:
    """A file of `torch.save`, read only for tensors and plain containers."""
    try:
        whole = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            str(file),
            "holds more than tensors: reading it could run code",
            "expected a state dict, or safetensors",
            "Save its state_dict() on a machine where you trust it, and give that file.",
        ) from error
    except (RuntimeError, EOFError, ValueError) as error:
        raise _damaged(file, error) from error
    inner = next((whole[key] for key in INSIDE if key in whole), whole)
    tensors = {name: value for name, value in inner.items() if isinstance(value, Tensor)}
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    return Stored(str(file), shapes, lambda: iter(tensors.items()))


def _damaged(file: Path, error: Exception) -> InputError:
    first = (str(error).splitlines() or [""])[0]
    return InputError(
        str(file),
        f"cannot be read ({first})",
        "expected complete safetensors or torch files",
        "Fetch the file again.",
    )
