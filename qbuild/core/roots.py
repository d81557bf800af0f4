"""Where the user's media lie: one folder a dataset, out of which no path leads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from qbuild.core.errors import InputError, UsageError, near
from qbuild.core.folder import safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable

ANY = ""


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
