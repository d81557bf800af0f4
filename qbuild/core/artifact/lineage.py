"""Lineage: which artifacts and exports below a folder an output was made from, by content hash.

File names do not matter: an input is the artifact whose rows have the hash of the description.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qbuild.core.artifact.description import EXPORT_KEYS, Description, InputRef
from qbuild.core.artifact.output_folder import DESCRIPTION, FOLDER_ARTIFACT, MEDIA
from qbuild.core.artifact.reader import Artifact, is_artifact
from qbuild.core.errors import InputError, QbuildError, SchemaError
from qbuild.core.media_roots import made_media_folder


@dataclass(frozen=True)
class DescribedOutput:
    """An output with its description; `artifact` is None for an export, a folder of files."""

    path: Path
    description: Description
    artifact: Artifact | None

    @property
    def media_folder(self) -> Path | None:
        """The folder of media that were made together with this artifact, or None."""
        return made_media_folder(self.path)


def open_output(path: Path) -> DescribedOutput:
    """The artifact or export at `path`: a Parquet file, a folder, or its `qbuild.json`."""
    file = path / DESCRIPTION if path.is_dir() else path
    if file.name == DESCRIPTION and file.is_file():
        return DescribedOutput(file.parent, _read_export(file), None)
    artifact = Artifact.open(path)
    return DescribedOutput(artifact.path, artifact.description, artifact)


@dataclass
class ArtifactIndex:
    """Outputs by the content of their rows; `skipped` holds the errors of unreadable ones."""

    items: list[DescribedOutput] = field(default_factory=list)
    skipped: list[QbuildError] = field(default_factory=list)

    @classmethod
    def scan(cls, folder: Path, levels: int | None = None) -> ArtifactIndex:
        """Every output of a stage in `folder` and below it, `levels` folders deep."""
        if not folder.is_dir():
            raise InputError(
                str(folder), "no such folder", "expected a folder of artifacts", "Check the path."
            )
        index = cls()
        for path in _outputs(folder, levels):
            try:
                if path.name == DESCRIPTION or is_artifact(path):
                    index.items.append(open_output(path))
            except QbuildError as error:
                index.skipped.append(error)
            except OSError as error:
                index.skipped.append(InputError(str(path), f"cannot be read ({error.strerror})"))
        return index

    def find(self, reference: InputRef, reader: Path, trail: set[Path]) -> DescribedOutput | None:
        """The output that `reader` read as that input; of several, the nearest.

        Outputs in `trail` are left out: they were made from `reader`, and a stage that changes no
        row writes an output with the hash of its input.
        """

        def rank(item: DescribedOutput) -> tuple[bool, bool, str]:
            same_name = item.path.name == reference.name
            return (item.path.parent != reader.parent, not same_name, str(item.path))

        equal = [
            item
            for item in self.items
            if item.description.content_hash == reference.hash and item.path not in trail
        ]
        return min(equal, key=rank, default=None)


def lineage(
    item: DescribedOutput, index: ArtifactIndex, trail: frozenset[Path] = frozenset()
) -> dict[str, Any]:
    """Stage, version, options and inputs of an output; with the lineage of inputs in the index."""
    trail = trail | {item.path}
    described = item.description
    inputs = []
    for reference in described.inputs:
        source = index.find(reference, item.path, set(trail)) if reference.schema_name else None
        entry = reference.as_dict()
        if source is not None:
            entry |= {"path": str(source.path), "made_by": lineage(source, index, trail)}
        inputs.append(entry)
    return {
        "stage": described.stage.name,
        "version": described.stage.version,
        "options": described.options,
        "limit": described.limit,
        "prompts": described.prompts,
        "inputs": inputs,
    }


def _outputs(folder: Path, levels: int | None) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        own_media = {MEDIA} if FOLDER_ARTIFACT in files else set()
        down = levels is None or depth < levels
        folders[:] = sorted(
            n for n in folders if down and not n.startswith(".") and n not in own_media
        )
        for name in sorted(files):
            if not name.startswith(".") and (name.endswith(".parquet") or name == DESCRIPTION):
                yield Path(parent) / name


def _read_export(path: Path) -> Description:
    try:
        text = path.read_bytes()
    except OSError as error:
        what = f"cannot be opened: {error.strerror}"
        raise InputError(str(path), what, "expected an export", "Check the path.") from error
    try:
        return Description.parse(text, str(path), EXPORT_KEYS)
    except SchemaError as error:  # a damaged folder: its files have no schema
        raise InputError(error.where, error.what, error.expected, error.todo) from error
