"""What a checkpoint says of itself: its stage, settings, lineage and files.

`qbuild.json` is written last: a folder with it is whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qbuild.core.artifact import output_folder
from qbuild.core.artifact.description import FORMAT
from qbuild.core.canonical import hash_file, hash_value
from qbuild.core.errors import UsageError

RUN = "run.json"
_UNHASHED = {RUN, output_folder.DESCRIPTION}  # what it took is another at each run


def standing(place: Path, stage: dict[str, Any]) -> dict[str, Any] | None:
    """What the checkpoint of this stage that stands at the place says of itself, or None.

    UsageError for something else that stands there.
    """
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return None
    try:
        told = json.loads((place / output_folder.DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        told = None
    if not isinstance(told, dict) or told.get("stage") != stage:
        raise UsageError(
            str(place),
            f"holds something else than a checkpoint of `qbuild {stage['name']}`",
            "expected a new name or an earlier checkpoint",
            "Choose another output.",
        )
    return told


def describe(
    place: Path,
    rows: int,
    options: dict[str, Any],
    lineage: list[dict[str, Any]],
    report: dict[str, Any],
    stage: dict[str, Any],
) -> None:
    """Write `qbuild.json`, which says that the checkpoint is whole."""
    files = {
        path.relative_to(place).as_posix(): hash_file(path)
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name not in _UNHASHED
    }
    output_folder.describe(
        place,
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
        },
    )
