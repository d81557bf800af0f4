"""The description of a checkpoint, `qbuild.json`: its stage, settings, lineage and files.

It is written last: a folder with it is complete.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qbuild.core.artifact import output_folder
from qbuild.core.artifact.description import FORMAT
from qbuild.core.canonical import canonical_json, hash_file, hash_value
from qbuild.core.errors import UsageError

RUN = "run.json"
_UNHASHED = {RUN, output_folder.DESCRIPTION}  # the figures of a run differ each time


def read_existing(place: Path, stage: dict[str, Any]) -> dict[str, Any] | None:
    """The description of the checkpoint of this stage at that place; None where nothing is.

    UsageError for anything else there.
    """
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return None
    try:
        described = json.loads((place / output_folder.DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        described = None
    if not isinstance(described, dict) or described.get("stage") != stage:
        raise UsageError(
            str(place),
            f"holds something other than a checkpoint of `qbuild {stage['name']}`",
            "expected a new name or an earlier checkpoint",
            "Choose another output.",
        )
    return described


def describe(
    place: Path,
    rows: int,
    options: dict[str, Any],
    lineage: list[dict[str, Any]],
    report: dict[str, Any],
    stage: dict[str, Any],
) -> None:
    """Write `qbuild.json`, which marks the checkpoint as complete."""
    files = {
        path.relative_to(place).as_posix(): hash_file(path)
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name not in _UNHASHED
    }
    output_folder.describe(
        place,
        canonical_json(
            {
                "format": FORMAT,
                "stage": stage,
                "options": options,
                "inputs": lineage,
                "lineage": lineage,
                "rows": rows,
                "content_hash": hash_value(files),
                "files": files,
                "complete": True,
                "pending": 0,
                "report": report,
            }
        ),
    )
