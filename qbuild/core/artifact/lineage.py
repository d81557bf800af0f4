"""What outputs were made from: artifacts and exports below a folder, followed by content hash.

File names say nothing here: an input is the artifact that holds the rows its hash stands for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbuild.core.artifact.description import EXPORT_KEYS, Description, InputRef
from qbuild.core.artifact.output_folder import DESCRIPTION, FOLDER_ARTIFACT, MEDIA
from qbuild.core.artifact.reader import Artifact, is_artifact
from qbuild.core.errors import InputError, QbuildError, SchemaError
from qbuild.core.media_roots import made_media_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class DescribedOutput:
    """An output with its description; `artifact` is None for an export, a folder of files."""

    path: Path
    description: Description
    artifact: Artifact | None

    @property
    def media_folder(self) -> Path | None:
        """Where the media lie that were made together with this artifact; None without any."""
        return made_media_folder(self.path)


def open_output(path: Path) -> DescribedOutput:
    """The artifact or export at `path`: a Parquet file, a folder, or its `qbuild.json`."""
    place = path / DESCRIPTION if path.is_dir() else path
    if place.name == DESCRIPTION and place.is_file():
        return DescribedOutput(place.parent, _read_export(place), None)
    artifact = Artifact.open(path)
    return DescribedOutput(artifact.path, artifact.description, artifact)


@dataclass
class ArtifactIndex:
    """Outputs by what their rows are; `skipped` tells of those that cannot be read."""

    items: list[DescribedOutput] = field(default_factory=list)
    skipped: list[QbuildError] = field(default_factory=list)

    @classmethod
    def scan(cls, folder: Path, levels: int | None = None) -> ArtifactIndex:
        """Every output of a stage in `folder` and below it, `levels` folders deep."""
        if not folder.is_dir():
            raise InputError(
                str(folder), "no such folder", "expected a folder of artifacts", "Check the path."
            )
        shelf = cls()
        for path in _outputs(folder, levels):
            try:
                if path.name == DESCRIPTION or is_artifact(path):
                    shelf.items.append(open_output(path))
            except QbuildError as error:
                shelf.skipped.append(error)
            except OSError as error:
                shelf.skipped.append(InputError(str(path), f"cannot be read ({error.strerror})"))
        return shelf

    def find(self, given: InputRef, beside: Path, trail: set[Path]) -> DescribedOutput | None:
        """The output an input of a description stands for; of equal ones, the nearest.

        `trail` holds outputs that are below already: a stage that changes no row leaves an
        output with its input's hash.
        """

        def rank(item: DescribedOutput) -> tuple[bool, bool, str]:
            same_name = item.path.name == given.name
            return (item.path.parent != beside.parent, not same_name, str(item.path))

        equal = [
            item
            for item in self.items
            if item.description.content_hash == given.hash and item.path not in trail
        ]
        return min(equal, key=rank, default=None)


def lineage(
    item: DescribedOutput, shelf: ArtifactIndex, trail: frozenset[Path] = frozenset()
) -> dict[str, Any]:
    """Stage, version, options and inputs of an output; each input found is followed in turn."""
    trail = trail | {item.path}
    described = item.description
    inputs = []
    for given in described.inputs:
        found = shelf.find(given, item.path, set(trail)) if given.schema_name else None
        entry = given.as_dict()
        if found is not None:
            entry |= {"path": str(found.path), "made_by": lineage(found, shelf, trail)}
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
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        own_media = {MEDIA} if FOLDER_ARTIFACT in files else set()
        down = levels is None or depth < levels
        folders[:] = sorted(
            n for n in folders if down and not n.startswith(".") and n not in own_media
        )
        for name in sorted(files):
            if not name.startswith(".") and (name.endswith(".parquet") or name == DESCRIPTION):
                yield Path(place) / name


def _read_export(path: Path) -> Description:
    try:
        text = path.read_bytes()
    except OSError as error:
        what = f"cannot be opened: {error.strerror}"
        raise InputError(str(path), what, "expected an export", "Check the path.") from error
    try:
        return Description.parse(text, str(path), EXPORT_KEYS)
    except SchemaError as error:  # the folder is damaged: its files have no schema to break
        raise InputError(error.where, error.what, error.expected, error.todo) from error
