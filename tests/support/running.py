"""Runs a stage in a test and reads what it wrote: rows, rejected rows, the hash of every file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from qbuild.core.artifact.output_folder import FOLDER_ARTIFACT
from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.canonical import hash_file
from qbuild.core.engine import runlog
from qbuild.core.engine.request import Request, Result
from qbuild.core.engine.run import run
from qbuild.core.engine.stage import Stage


def make_request(
    stage: Stage, inputs: Any, output: Path, *, limit: int | None = None, **given: Any
) -> Request:
    """The request to run a stage on a path or several.

    `given` are options and runtime options, told apart by name; `share` stands for
    `max_reject_share` (unless the stage has an option of that name), `roots` for `media_roots`.
    """
    short = {"share": "max_reject_share", "roots": "media_roots"}
    short = {name: short[name] for name in short if name not in stage.options.model_fields}
    given = {short.get(name, name): value for name, value in given.items()}
    runtime = {name: given.pop(name) for name in stage.runtime.model_fields if name in given}
    paths = (inputs,) if isinstance(inputs, (str, os.PathLike)) else tuple(inputs)
    return Request(stage, stage.options(**given), paths, output, stage.runtime(**runtime), limit)


def run_stage(stage: Stage, inputs: Any, output: Path, **given: Any) -> Result:
    """Runs a stage; the arguments are those of `make_request`."""
    return run(make_request(stage, inputs, output, **given))


def rows_of(output: Path) -> list[dict[str, Any]]:
    """The rows of an artifact, or of the artifact in a folder."""
    return Artifact.open(output).table().to_pylist()


def rejected_of(output: Path) -> list[dict[str, Any]]:
    """The rejected rows next to an artifact; none where no row was rejected."""
    artifact = output / FOLDER_ARTIFACT if output.is_dir() else output
    path = rejected_path(artifact)
    return rows_of(path) if path.exists() else []


def file_hashes(folder: Path) -> dict[str, str]:
    """Relative name → hash of every file below a folder, hidden ones too, but the run log."""
    return {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != runlog.NAME
    }
