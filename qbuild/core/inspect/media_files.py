"""The media that an artifact's rows name, and the file of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import dataset_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qbuild.core.artifact.reader import Artifact
    from qbuild.core.media_roots import MediaRoots


@dataclass(frozen=True)
class Medium:
    """A medium as a row names it; `sha256` in hexadecimal where the row knows it."""

    dataset: str
    path: str
    sha256: str | None


def named_media(artifact: Artifact) -> Iterator[Medium]:
    """Each medium once, in the order of the rows; nothing where rows name none."""
    names = artifact.schema.arrow.names
    columns: list[str] = [
        n for n in ("media_id", "dataset", "path", "sha256", "media") if n in names
    ]
    seen: set[Medium] = set()
    if "path" not in columns and "media" not in columns:
        return
    for index in range(artifact.groups):
        for row in artifact.group(index, columns).to_pylist():
            for medium in _media_of(row):
                if medium not in seen:
                    seen.add(medium)
                    yield medium


def place_of(medium: Medium, made: Path | None, roots: MediaRoots) -> Path:
    """Where a medium lies: with the artifact (`made`), or below the root of its dataset."""
    if made is not None and medium.dataset not in roots.folders:
        return made / medium.path
    return roots.find(medium.dataset, medium.path)


def _media_of(row: dict[str, Any]) -> list[Medium]:
    if "media" in row:
        return [Medium(dataset_of(m["media_id"]), m["path"], m["sha256"]) for m in row["media"]]
    dataset = row.get("dataset") or dataset_of(row["media_id"])
    return [Medium(dataset, row["path"], row.get("sha256"))]
