"""The training record of a `qbuild train` checkpoint, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine.inputs import describe_input
from qbuild.quality.lineage import media_hashes, trained_on_file, write_trained_on


def record_training(folder: Path, artifacts, base: Path | None = None) -> list[dict[str, Any]]:
    """The lineage, after `trained_on.parquet` is written from the artifacts' media and the base."""
    given = [*artifacts, *([trained_on_file(base)] if base is not None else [])]
    media: dict[str, str | None] = {}
    for path in given:
        for media_id, digest in media_hashes(path).items():
            media[media_id] = media.get(media_id) or digest
    lineage = [describe_input(Artifact.open(path)).as_dict() for path in given]
    write_trained_on(folder, media, lineage, {"name": "train", "version": 1})
    return lineage
