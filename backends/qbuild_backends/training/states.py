"""States of an unfinished run: each a folder, whole or not there, from which training goes on.

A state holds what the run has changed and no more: the trained weights, the statistics of batch
norms, AdamW's two moments, the generators' states. Tensors lie in safetensors files. Under FSDP and
DeepSpeed, where no process has them all, accelerate writes its own sharded form in their place.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.core.canonical import canonical_json
from qbuild.core.errors import UsageError
from qbuild_backends.data.sample import Skipped

STATE = "state.json"
_TENSORS = "tensors.safetensors"
_SHARDS = "shards"
_NAME = re.compile(r"step-\d{8}\Z")
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass
class Progress:
    """How far a run is: steps done, the loss of each, the samples left out so far."""

    run: str  # the fingerprint of settings, data and base
    step: int = 0
    losses: list[float] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True)
class Trained:
    """What a state is of; `sharded` is the accelerator where it spreads the model."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    main: bool = True
    sharded: Any = None


def write_state(folder: Path, progress: Progress, trained: Trained, keep: int) -> None:
    """Put a state in place, then remove all but the `keep` newest.

    Every file is synced before the folder gets its name.
    """
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
        _seal(unfinished, progress)
        shutil.rmtree(place, ignore_errors=True)
        unfinished.rename(place)
        sync(folder)
        for old in _whole(folder)[:-keep]:
            shutil.rmtree(old)


def _seal(folder: Path, progress: Progress) -> None:
    """Write what the state is, with the size of each of its files, and make all durable."""
    sizes = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = canonical_json({**asdict(progress), "files": sizes})
    (folder / STATE).write_text(text + "\n", encoding="utf-8")
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def resume(folder: Path, run: str, trained: Trained) -> Progress:
    """Bring model and optimiser to the newest whole state; the start where there is none.

    UsageError where the states are of another run.
    """
    whole = _whole(folder)
    if not whole:
        return Progress(run)
    told = json.loads((whole[-1] / STATE).read_text(encoding="utf-8"))
    if told["run"] != run:
        raise UsageError(
            str(folder),
            "holds the unfinished state of another run: settings, data or base differ",
            "expected the run that began here",
            "Give the same settings, choose another output, or remove the folder to begin anew.",
        )
    if trained.sharded is not None:
        trained.sharded.load_state(whole[-1] / _SHARDS)
    else:
        _restore(trained, load_file(whole[-1] / _TENSORS))
    skipped = [Skipped(**one) for one in told["skipped"]]
    return Progress(run, told["step"], told["losses"], skipped)


def remove_unbegun(folder: Path) -> None:
    """Remove the folder of a run that ended before it kept a state."""
    if not any(folder.glob("step-*")):
        shutil.rmtree(folder)


def _whole(folder: Path) -> list[Path]:
    """The folders of whole states, oldest first."""
    found = (path for path in folder.glob("step-*") if _NAME.match(path.name))
    return sorted(path for path in found if _is_whole(path))


def _is_whole(place: Path) -> bool:
    """Whether every file is there at its full length: a disk may have lost what was synced."""
    try:
        files = json.loads((place / STATE).read_text(encoding="utf-8"))["files"]
        return all((place / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, KeyError):
        return False


def _tensors(trained: Trained) -> dict[str, Tensor]:
    """All tensors of a state by name, each with memory of its own."""
    found = {name: tensor.detach() for name, tensor in _changing(trained.model)}
    for name, moments in _moments(trained):
        found |= {f"{moment}/{name}": moments[moment] for moment in _MOMENTS if moment in moments}
    found["random/cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        found["random/cuda"] = torch.cuda.get_rng_state()
    return {name: tensor.cpu().contiguous().clone() for name, tensor in found.items()}


def _restore(trained: Trained, tensors: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, tensor in _changing(trained.model):
            tensor.copy_(tensors[name])
    for name, moments in _moments(trained):
        for moment in _MOMENTS:
            if (saved := tensors.get(f"{moment}/{name}")) is not None:
                # as AdamW keeps them: the count of steps on the host
                moments[moment] = saved if moment == "step" else saved.to(_device(trained.model))
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
    """What AdamW keeps of each trained parameter, by the parameter's name; made where missing."""
    state = trained.optimiser.state
    for name, parameter in trained.model.named_parameters():
        if parameter.requires_grad:
            yield name, state[parameter]


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
