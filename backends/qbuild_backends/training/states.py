"""States of an unfinished run, from which it resumes: each a folder, complete or not there.

A state holds what the run has changed and no more: the trained weights, the statistics of batch
norms, AdamW's two moments, the generators' states. Tensors are in safetensors files. Under FSDP and
DeepSpeed, where no process has them all, accelerate writes its own sharded files instead.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from qbuild.backends.protocol import Rejected
from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.core.canonical import canonical_json
from qbuild.core.errors import UsageError
from qbuild.core.rows.rejections import Rejection
from qbuild_backends.data.sample import rejection_record

STATE = "state.json"
_TENSORS = "tensors.safetensors"
_SHARDS = "shards"
_NAME = re.compile(r"step-\d{8}\Z")
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass
class Progress:
    """How far a run is: steps done, the loss of each, the samples skipped so far."""

    run: str  # the fingerprint of settings, data and base
    step: int = 0
    losses: list[float] = field(default_factory=list)
    skipped: list[Rejected] = field(default_factory=list)
    validations: list[dict[str, Any]] = field(default_factory=list)  # step and loss of each


@dataclass(frozen=True)
class Trained:
    """What a state is of; `sharded` is the accelerator where it shards the model."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    main: bool = True
    sharded: Any = None


def write_state(folder: Path, progress: Progress, trained: Trained, keep: int) -> None:
    """Write a state atomically, then remove all but the `keep` newest."""
    place = folder / f"step-{progress.step:08d}"
    unfinished = folder / f".{place.name}.tmp"
    with disk_errors(place):
        if trained.main:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
        if trained.sharded is not None:
            trained.sharded.wait_for_everyone()
            trained.sharded.save_state(unfinished / _SHARDS, safe_serialization=True)
            trained.sharded.wait_for_everyone()
        if not trained.main:
            return
        if trained.sharded is None:
            save_file(_tensors(trained), unfinished / _TENSORS)
        _describe(unfinished, progress)
        shutil.rmtree(place, ignore_errors=True)
        unfinished.rename(place)
        sync(folder)
        for old in _complete_states(folder)[:-keep]:
            shutil.rmtree(old)


def _describe(folder: Path, progress: Progress) -> None:
    """Write the description of a state, with the size of each of its files, and sync all of it."""
    sizes = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    skipped = [rejection_record(one) for one in progress.skipped]
    described = {"run": progress.run, "step": progress.step, "losses": progress.losses}
    described["validations"] = progress.validations
    text = canonical_json({**described, "skipped": skipped, "files": sizes})
    (folder / STATE).write_text(text + "\n", encoding="utf-8")
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def resume(folder: Path, run: str, trained: Trained) -> Progress:
    """Restore model and optimiser from the newest complete state, if there is one.

    UsageError where the states are of another run.
    """
    states = _complete_states(folder)
    if not states:
        return Progress(run)
    described = json.loads((states[-1] / STATE).read_text(encoding="utf-8"))
    if described["run"] != run:
        raise UsageError(
            str(folder),
            "holds the unfinished state of another run: settings, data or base differ",
            "expected the run that began here",
            "Give the same settings, choose another output, or remove the folder to start over.",
        )
    if trained.sharded is not None:
        trained.sharded.load_state(states[-1] / _SHARDS)
    else:
        _restore(trained, load_file(states[-1] / _TENSORS))
    skipped = [
        Rejected(one["sample"], Rejection(one["reason"], one["message"]))
        for one in described["skipped"]
    ]
    validations = described.get("validations", [])
    return Progress(run, described["step"], described["losses"], skipped, validations)


def write_weights(model: nn.Module, place: Path) -> None:
    """Write what the run has changed in the model, atomically."""
    unfinished = place.with_suffix(".tmp")
    with disk_errors(place):
        tensors = {name: one.detach().cpu().contiguous().clone() for name, one in _changing(model)}
        save_file(tensors, unfinished)
        sync(unfinished)
        unfinished.rename(place)


def read_weights(model: nn.Module, place: Path) -> None:
    """Set the weights that `write_weights` wrote."""
    tensors = load_file(place)
    with torch.no_grad():
        for name, tensor in _changing(model):
            tensor.copy_(tensors[name])


def remove_if_empty(folder: Path) -> None:
    """Remove the folder of a run that ended before it saved a state."""
    if not any(folder.glob("step-*")):
        shutil.rmtree(folder)


def _complete_states(folder: Path) -> list[Path]:
    """The folders of complete states, oldest first."""
    named = (path for path in folder.glob("step-*") if _NAME.match(path.name))
    return sorted(path for path in named if _is_complete(path))


def _is_complete(place: Path) -> bool:
    """Whether every file has its full length: a disk failure can truncate synced files."""
    try:
        files = json.loads((place / STATE).read_text(encoding="utf-8"))["files"]
        return all((place / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, KeyError):
        return False


def _tensors(trained: Trained) -> dict[str, Tensor]:
    """All tensors of a state by name, each in separate memory."""
    tensors = {name: tensor.detach() for name, tensor in _changing(trained.model)}
    for name, moments in _moments(trained):
        tensors |= {f"{moment}/{name}": moments[moment] for moment in _MOMENTS if moment in moments}
    tensors["random/cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random/cuda"] = torch.cuda.get_rng_state()
    return {name: tensor.cpu().contiguous().clone() for name, tensor in tensors.items()}


def _restore(trained: Trained, tensors: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, tensor in _changing(trained.model):
            tensor.copy_(tensors[name])
    device = next(trained.model.parameters()).device
    for name, moments in _moments(trained):
        for moment in _MOMENTS:
            if (saved := tensors.get(f"{moment}/{name}")) is not None:
                # AdamW keeps the count of steps on the host
                moments[moment] = saved if moment == "step" else saved.to(device)
    torch.set_rng_state(tensors["random/cpu"])
    if "random/cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random/cuda"])


def _changing(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Trained parameters and all buffers, by name."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            yield f"parameter/{name}", parameter
    for name, buffer in model.named_buffers():
        yield f"buffer/{name}", buffer


def _moments(trained: Trained) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """AdamW's state of each trained parameter by its name; an empty one where missing."""
    state = trained.optimiser.state
    for name, parameter in trained.model.named_parameters():
        if parameter.requires_grad:
            yield name, state[parameter]
