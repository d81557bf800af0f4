"""Media roots: one folder per dataset; and the media that rows name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from qbuild.core.artifact.output_folder import FOLDER_ARTIFACT, MEDIA, safe_name
from qbuild.core.canonical import dataset_of
from qbuild.core.errors import InputError, UsageError, suggest

if TYPE_CHECKING:
    import pyarrow as pa

    from qbuild.core.artifact.reader import Artifact

ANY = ""


@dataclass(frozen=True)
class Medium:
    """An image or video: its id and path as in artifacts, and its file."""

    media_id: str
    path: str
    file: Path


@dataclass(frozen=True)
class MediaRoots:
    """Folders by dataset; the one under `""` is the default.

    `made` are folders that come with the inputs; a dataset named in `folders` is looked up there.
    """

    folders: Mapping[str, Path]
    made: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def parse(cls, values: Iterable[str]) -> Self:
        """From `[DATASET=]DIR`; UsageError for a folder that does not exist."""
        folders: dict[str, Path] = {}
        for text in values:
            dataset, _, folder = text.rpartition("=") if "=" in text else (ANY, "", text)
            if not folder or not Path(folder).is_dir():
                raise UsageError(
                    "--media-root",
                    f"no such folder: {folder!r}",
                    "expected [DATASET=]DIR",
                    "Check the path.",
                )
            folders[dataset] = Path(folder)
        return cls(folders)

    def with_made(self, made: Mapping[str, Path]) -> Self:
        """These roots and the media folders of input artifacts."""
        return replace(self, made={**self.made, **made})

    def next_to(self, artifact: Path) -> Self:
        """These roots and the folder of the media that were made with an artifact, if any."""
        folder = made_media_folder(artifact)
        return self if folder is None else self.with_made({ANY: folder})

    def has(self, dataset: str) -> bool:
        """Whether a folder is known for a dataset."""
        return self._folder(dataset) is not None

    def root(self, dataset: str) -> Path:
        """The folder of a dataset; UsageError with the known names if it has none."""
        folder = self._folder(dataset)
        if folder is None:
            raise UsageError(
                "--media-root",
                f"no folder for dataset {dataset!r}",
                f"expected --media-root {dataset}=DIR",
                suggest(dataset, self.folders),
            )
        return folder

    def find(self, dataset: str, path: str) -> Path:
        """The file of a medium, existing or not; InputError if the path leads out of its root."""
        root = self.root(dataset)
        if not safe_name(path):
            raise InputError(f"{dataset}:{path}", "the path leads out of its root")
        file = root / path
        if not real_path(file).is_relative_to(real_path(root)):
            raise InputError(
                f"{dataset}:{path}",
                f"a symbolic link leads out of {root}",
                "expected a file below its root",
                "Copy the file, or pass its folder with --media-root.",
            )
        return file

    def locate(self, media_id: str, path: str) -> Medium:
        """A medium with its file; the errors of `find` and `root`."""
        return Medium(media_id, path, self.find(dataset_of(media_id), path))

    def _folder(self, dataset: str) -> Path | None:
        for folders, name in (
            (self.folders, dataset),
            (self.made, dataset),
            (self.made, ANY),
            (self.folders, ANY),
        ):
            if name in folders:
                return folders[name]
        return None


def real_path(path: Path) -> Path:
    """The real path; unlike `Path.resolve` it does not raise for cyclic links."""
    return Path(os.path.realpath(path))


def made_media_folder(artifact: Path) -> Path | None:
    """The folder of the media that were made with an artifact; None without one."""
    folder = artifact.parent / MEDIA
    return folder if artifact.name == FOLDER_ARTIFACT and folder.is_dir() else None


def media_of(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The media that rows name, in order; of pairs, those of all their turns.

    `columns` are some of `media_id`, `dataset`, `path` and `sha256` (hexadecimal; null where the
    rows have none).
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if "media" in rows.column_names:
        media: Any = pc.list_flatten(rows.column("media"))
        rows = pa.Table.from_struct_array(media)
    if "dataset" in columns and "dataset" not in rows.column_names:
        ids: list[Any] = rows.column("media_id").to_pylist()
        rows = rows.append_column(
            "dataset", pa.array([dataset_of(one) for one in ids], pa.string())
        )
    if "sha256" in columns and "sha256" not in rows.column_names:
        rows = rows.append_column("sha256", pa.nulls(len(rows), pa.string()))
    return rows.select(list(columns))


def sources_of(rows: pa.Table) -> set[str]:
    """The media from which those of the rows were made, such as the original of a distorted copy.

    They are in the column `source_media_id`, and of pairs among the parents.
    """
    import pyarrow.compute as pc

    if "source_media_id" in rows.column_names:
        return {one for one in rows.column("source_media_id").to_pylist() if one is not None}
    if "provenance" not in rows.column_names:
        return set()
    parents: Any = pc.struct_field(rows.column("provenance"), "parents")
    own = set(media_of(rows, ["media_id"]).column("media_id").to_pylist())
    # the other parents are samples and depictions, whose ids have no colon
    return {one for one in pc.list_flatten(parents).to_pylist() if ":" in one} - own


def artifact_media(artifact: Artifact, columns: Sequence[str]) -> Iterator[pa.Table]:
    """`media_of` the rows of each row group; only the columns needed are read."""
    wanted = {"media"} if "media" in artifact.schema.arrow.names else {"media_id", *columns}
    names = [name for name in artifact.schema.arrow.names if name in wanted]
    for index in range(artifact.groups):
        yield media_of(artifact.group(index, names), columns)
