"""Training a model and bringing in published weights, as the commands of the same name do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qbuild.api.stages import Place, listed
from qbuild.backends.protocol import ImportSpec, TrainSpec
from qbuild.backends.registry import load_backend, load_importer


def train(
    artifacts: Place | list[Place],
    output: Place,
    *,
    backend: str,
    media_roots: Place | list[Place] = (),  # type: ignore[assignment]
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    split: str | list[str] = (),  # type: ignore[assignment]
) -> Path:
    """Train a model on instruction artifacts or exported JSON; the folder of the checkpoint.

    Rows of split `train` and rows without a split are used, or those of the splits in `split`
    (docs/splits.md). `settings` are the backend's own (docs/training.md). The same call
    resumes a run that was cut off. Raises MissingPartError where the backend or what it needs is
    not installed.
    """
    spec = TrainSpec(
        tuple(Path(path) for path in listed(artifacts)),
        Path(output),
        tuple(str(folder) for folder in listed(media_roots)),
        seed,
        dict(settings or {}),
        (split,) if isinstance(split, str) else tuple(split),
    )
    return load_backend(backend).train(spec)


def import_checkpoint(
    source: Place, output: Place, *, backend: str, settings: Mapping[str, Any] | None = None
) -> Path:
    """Bring in published weights; the folder that `train` and `score` take.

    Nothing is downloaded, and no code of the source folder is run.
    """
    spec = ImportSpec(Path(source), Path(output), dict(settings or {}))
    return load_importer(backend, f"backend {backend}").import_checkpoint(spec)
