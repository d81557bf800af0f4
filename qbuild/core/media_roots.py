"""Where the user's media lie: one folder a dataset, out of which no path leads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from qbuild.core.artifact.output_folder import safe_name
from qbuild.core.errors import InputError, UsageError, near

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANY = ""


@dataclass(frozen=True)
class Medium:
    """A picture or video: its id and path as in artifacts, and the file it is."""

    media_id: str
    path: str
    file: Path


@dataclass(frozen=True)
class MediaRoots:
    """Folders by dataset; the one under `""` serves every dataset without one of its own."""

    folders: dict[str, Path]

    @classmethod
    def parse(cls, given: Iterable[str]) -> Self:
        """From `[DATASET=]DIR` as given; UsageError for a folder that is not there."""
        folders: dict[str, Path] = {}
        for text in given:
            dataset, _, place = text.rpartition("=") if "=" in text else (ANY, "", text)
            if not place or not Path(place).is_dir():
                raise UsageError(
                    "--media-root",
                    f"no such folder: {place!r}",
                    "expected [DATASET=]DIR",
                    "Check the path.",
                )
            folders[dataset] = Path(place)
        return cls(folders)

    def root(self, dataset: str) -> Path:
        """The folder of a dataset; UsageError with the known names where none was given."""
        folder = self.folders.get(dataset, self.folders.get(ANY))
        if folder is None:
            raise UsageError(
                "--media-root",
                f"no folder for dataset {dataset!r}",
                f"expected --media-root {dataset}=DIR",
                near(dataset, self.folders),
            )
        return folder

    def find(self, dataset: str, path: str) -> Path:
        """The file of a medium, there or not; InputError where the path leaves its root."""
        root = self.root(dataset)
        if not safe_name(path):
            raise InputError(f"{dataset}:{path}", "the path leaves its root")
        found = root / path
        if not resolved(found).is_relative_to(resolved(root)):
            raise InputError(
                f"{dataset}:{path}",
                f"a symbolic link leads out of {root}",
                "expected a file below its root",
                "Copy the file, or name the folder it lies in with --media-root.",
            )
        return found


def resolved(path: Path) -> Path:
    """The place a path stands for; `Path.resolve` raises where links go round in a circle."""
    return Path(os.path.realpath(path))


def media_beside(artifact: Path, roots: MediaRoots) -> MediaRoots:
    """Where the media that an artifact's rows name lie: in its own folder of media, if it has one.

    A dataset with a root of its own is looked for there instead, as everywhere.
    """
    from qbuild.core.artifact.output_folder import MEDIA
    from qbuild.core.artifact.reader import FOLDER_ARTIFACT

    made = artifact.parent / MEDIA
    if artifact.name != FOLDER_ARTIFACT or not made.is_dir():
        return roots
    return MediaRoots({**roots.folders, ANY: made})


def medium_of(named: Mapping[str, Any], roots: MediaRoots) -> Medium:
    """A medium that a row names; InputError where its path leaves its root, UsageError for none."""
    from qbuild.core.canonical import dataset_of

    place = roots.find(dataset_of(named["media_id"]), named["path"])
    return Medium(named["media_id"], named["path"], place)
