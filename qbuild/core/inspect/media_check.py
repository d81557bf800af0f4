"""Checks which media that rows name exist, and which files no row names.

Each root is listed once. A path that is not in the listing (hidden, behind a link) is looked up
individually, so that only missing files are reported as such.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qbuild.core.artifact.lineage import open_output
from qbuild.core.artifact.reader import Artifact
from qbuild.core.errors import InputError, SchemaError
from qbuild.core.media_roots import MediaRoots, artifact_media, real_path

SHOWN = 20


@dataclass
class DatasetMedia:
    """The media of one dataset."""

    dataset: str
    root: Path
    found: int = 0
    missing: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@dataclass
class RootFiles:
    """The files below one root, and those that no row names."""

    root: Path
    datasets: list[str]
    files: int = 0
    extra: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class MediaReport:
    """The media of all datasets and the files of all roots."""

    datasets: list[DatasetMedia]
    roots: list[RootFiles]

    @property
    def complete(self) -> bool:
        """Whether every medium exists below its root."""
        return not any(d.missing or d.outside for d in self.datasets)

    def as_dict(self, shown: int | None = SHOWN) -> dict[str, Any]:
        """The object that `--json` prints, with `shown` names of each kind, or all for None."""
        return {
            "complete": self.complete,
            "datasets": [
                {"dataset": d.dataset, "root": str(d.root), "found": d.found}
                | _count_names(shown, missing=d.missing, outside=d.outside)
                for d in self.datasets
            ],
            "roots": [
                {"root": str(r.root), "datasets": r.datasets, "files": r.files}
                | _count_names(shown, extra=r.extra, outside=r.outside)
                for r in self.roots
            ],
        }


def _count_names(shown: int | None, **names: list[str]) -> dict[str, Any]:
    """The number of names of each kind, and the first `shown` under `KIND_names`."""
    counts = {kind: len(listed) for kind, listed in names.items()}
    return counts | {f"{kind}_names": listed[:shown] for kind, listed in names.items()}


def check_media(paths: list[Path], media_roots: Iterable[str]) -> MediaReport:
    """Check all media that these artifacts name.

    An artifact in a folder with its own media needs no root. Raises UsageError for a dataset
    without a root, SchemaError for rows that name no media.
    """
    roots = MediaRoots.parse(media_roots)
    by_root = _paths_by_root(paths, roots)
    datasets, files = [], []
    for root, paths_of in by_root.items():
        others = {str(other) for other in by_root if other != root}
        listed, outside = listing(root, others)
        below = MediaRoots(dict.fromkeys(paths_of, root))
        datasets += [_look_up(below, name, sorted(paths_of[name]), listed) for name in paths_of]
        extra = sorted(listed - set().union(*paths_of.values()))
        files.append(RootFiles(root, list(paths_of), len(listed), extra, sorted(outside)))
    return MediaReport(sorted(datasets, key=lambda d: d.dataset), files)


def listing(root: Path, skip: Iterable[str] = ()) -> tuple[set[str], set[str]]:
    """Relative names of the files below a root, and of the links that lead out of it.

    Hidden files and folders are left out, and folders in `skip`, which are roots themselves.
    """
    files: set[str] = set()
    outside: set[str] = set()
    prefix = str(root).rstrip("/") + "/"
    waiting = [str(root)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                name = entry.path.removeprefix(prefix)
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink() and not real_path(Path(entry.path)).is_relative_to(root):
                    outside.add(name)
                elif entry.is_dir(follow_symlinks=False):
                    waiting += [entry.path] if entry.path not in skip else []
                elif Path(entry.path).is_file() if entry.is_symlink() else entry.is_file():
                    files.add(name)
    return files, outside


def paths_by_dataset(artifact: Artifact) -> dict[str, set[str]]:
    """The paths that an artifact's rows name, by dataset; of pairs, those of all media."""
    columns, nested = ["dataset", "path"], artifact.schema.name == "instruction"
    if not nested and not set(columns).issubset(artifact.schema.arrow.names):
        raise SchemaError(
            str(artifact.path),
            f"rows of schema {artifact.schema.name} name no media",
            "expected columns dataset and path, as in rating or level, or pairs",
            "Give the artifact that the pairs were made from.",
        )
    paths: dict[str, set[str]] = {}
    for table in artifact_media(artifact, columns):
        for group in table.group_by("dataset").aggregate([("path", "list")]).to_pylist():
            paths.setdefault(group["dataset"], set()).update(group["path_list"])
    return paths


def _paths_by_root(paths: list[Path], roots: MediaRoots) -> dict[Path, dict[str, set[str]]]:
    """Paths by root and dataset; a dataset may be in the folders of several artifacts."""
    by_root: dict[Path, dict[str, set[str]]] = {}
    for path in paths:
        item = open_output(path)
        if item.artifact is None:
            raise SchemaError(
                str(path), "an export", "expected an artifact of ratings, levels or pairs"
            )
        for dataset, names in paths_by_dataset(item.artifact).items():
            root = real_path(roots.next_to(item.artifact.path).root(dataset))
            by_root.setdefault(root, {}).setdefault(dataset, set()).update(names)
    return by_root


def _look_up(roots: MediaRoots, dataset: str, paths: list[str], listed: set[str]) -> DatasetMedia:
    media = DatasetMedia(dataset, roots.root(dataset))
    for path in paths:
        try:
            exists = path in listed or (
                os.path.lexists(f"{media.root}/{path}") and roots.find(dataset, path).is_file()
            )
        except InputError:
            media.outside.append(path)
            continue
        if exists:
            media.found += 1
        else:
            media.missing.append(path)
    return media
