"""The media a model was trained on, kept with its checkpoint, held against those it is tested on.

A checkpoint's folder holds `trained_on.parquet`, an artifact of schema `trained_medium`: every
medium once, in order of its id, those of the base checkpoint among them. The `inputs` of its
description are the training artifacts by content hash; `qbuild.json` of the checkpoint repeats them
as `lineage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.artifact.description import of_rows
from qbuild.core.artifact.output_folder import DESCRIPTION
from qbuild.core.artifact.reader import FOLDER_ARTIFACT, Artifact, is_artifact
from qbuild.core.artifact.writer import ArtifactWriter
from qbuild.core.errors import InputError, QbuildError
from qbuild.core.schema import load_schema
from qbuild.quality import exclusion
from qbuild.quality.exclusion import Excluded

TRAINED_ON = "trained_on.parquet"
SCHEMA = "trained_medium"
UNKNOWN = "unknown"  # in place of a base's media


def write_trained_on(
    folder: Path,
    media: Mapping[str, str | None],
    lineage: Sequence[Mapping[str, Any]],
    stage: Mapping[str, Any],
) -> None:
    """Write `trained_on.parquet` into a checkpoint's folder: ids, and hashes where known.

    `lineage` is name and content hash of each file trained on and of the base; a base whose own
    media are not known has `"media": UNKNOWN` beside them.
    """
    schema, ids = load_schema(SCHEMA), sorted(media)
    rows = pa.table({"media_id": ids, "sha256": [media[one] for one in ids]}, schema=schema.arrow)
    writer = ArtifactWriter(folder / TRAINED_ON, schema)
    try:
        writer.add(rows)
        count, content_hash = writer.finish_rows()
        writer.seal({**of_rows(schema, dict(stage), count, content_hash), "inputs": list(lineage)})
        writer.commit()
    finally:
        writer.discard()


def place_of(path: Path) -> Path:
    """The file that says what was trained on: in a checkpoint's folder, or the path itself.

    InputError for a folder, or its `qbuild.json`, without one.
    """
    folder = path.parent if path.name == DESCRIPTION else path
    if not folder.is_dir() or (folder / FOLDER_ARTIFACT).is_file():
        return path
    if not (folder / TRAINED_ON).is_file():
        raise InputError(
            str(path),
            f"holds no {TRAINED_ON}, so what the model was trained on is not known",
            "expected the folder of a checkpoint that `qbuild train` wrote",
            "Name the artifacts it was trained on instead.",
        )
    return folder / TRAINED_ON


def read(path: Path) -> Excluded:
    """The media of a checkpoint's lineage, of an artifact, or of a text file with an id a line.

    Raises InputError and SchemaError as `qbuild.quality.exclusion.read`.
    """
    place = place_of(path)
    found = exclusion.read(place)
    if not is_artifact(place):
        return found
    name = place.parent.name if place.name == TRAINED_ON else found.name
    pairs = media_of(place)
    return Excluded(name, found.ids, {digest for _, digest in pairs if digest is not None})


def unknown(path: Path) -> list[dict[str, Any]]:
    """The bases of a checkpoint of which no one knows what they were trained on, as in lineage."""
    place = place_of(path)
    if not is_artifact(place):
        return []
    given: list[dict[str, Any]] = Artifact.open(place).description.get("inputs", [])
    return [one for one in given if one.get("media") == UNKNOWN]


def read_all(paths: Iterable[str]) -> list[Excluded]:
    """What each path names, in order; the errors of all paths at once."""
    return exclusion.read_all(paths, read)


def recorded(path: str) -> str:
    """What stands for the path in a fingerprint: name and content hash, as for `--exclude`."""
    try:
        return exclusion.recorded(str(place_of(Path(path))))
    except (OSError, QbuildError):
        return f"{Path(path).name}@none"


@dataclass(frozen=True)
class Overlap:
    """The tested media that one source names, by id or by the hash of their bytes."""

    source: str
    media: frozenset[str]


def overlaps(sources: Iterable[Excluded], tested: Mapping[str, Iterable[str]]) -> list[Overlap]:
    """For each source that names any, which of the tested media it names.

    `tested` gives, for a medium's id, what else it is known by: other ids of it, hashes of its file
    (64 hexadecimal digits, which no media id is).
    """
    found = []
    for source in sources:
        known = source.ids | source.hashes
        media = {one for one, others in tested.items() if one in known or known & set(others)}
        if media:
            found.append(Overlap(source.name, frozenset(media)))
    return found


def media_of(path: Path) -> list[tuple[str, str | None]]:
    """Id and hash (where known) of every medium that an artifact's rows name."""
    artifact = Artifact.open(path)
    names = artifact.schema.arrow.names
    found: list[tuple[str, str | None]] = []
    for index in range(artifact.groups):
        if "media" in names:
            media: Any = pc.list_flatten(artifact.group(index, ["media"]).column(0))
            table = pa.Table.from_struct_array(media).select(["media_id", "sha256"])
        else:
            table = artifact.group(index, [n for n in ("media_id", "sha256") if n in names])
        ids: list[Any] = table.column("media_id").to_pylist()
        known = "sha256" in table.column_names
        digests: list[Any] = table.column("sha256").to_pylist() if known else [None] * len(ids)
        found += zip(ids, digests, strict=True)
    return found
