"""The media that a model was trained on, stored in its checkpoint and compared with tested media.

A checkpoint's folder holds `trained_on.parquet`, an artifact of schema `trained_medium`: every
medium once, in order of its id, those of the base checkpoint included. The `inputs` of its
description are the training artifacts by content hash; `qbuild.json` of the checkpoint repeats them
as `lineage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from qbuild.core.artifact.description import Description, InputRef, StageRef
from qbuild.core.artifact.output_folder import DESCRIPTION, FOLDER_ARTIFACT
from qbuild.core.artifact.reader import Artifact, is_artifact
from qbuild.core.artifact.writer import ArtifactWriter
from qbuild.core.errors import InputError, QbuildError
from qbuild.core.media_roots import artifact_media
from qbuild.core.schema import load_schema
from qbuild.quality.exclusion import ID_AND_HASH, MediaSet, read_media_set, source_digest

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

    `lineage` holds name and content hash of each file trained on and of the base; a base whose
    training media are unknown has `"media": UNKNOWN` too.
    """
    schema, ids = load_schema(SCHEMA), sorted(media)
    rows = pa.table({"media_id": ids, "sha256": [media[one] for one in ids]}, schema=schema.arrow)
    writer = ArtifactWriter(folder / TRAINED_ON, schema)
    try:
        writer.add(rows)
        count, content_hash = writer.finish_rows()
        inputs = [InputRef.model_validate(dict(one)) for one in lineage]
        made_by = StageRef.model_validate(dict(stage))
        described = Description.of_rows(schema, made_by, count, content_hash, inputs)
        writer.seal(described.to_json())
        writer.commit()
    finally:
        writer.discard()


def trained_on_file(path: Path) -> Path:
    """The file that lists the training media: in a checkpoint's folder, or the path itself.

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


def read_trained_media(path: Path) -> MediaSet:
    """The media of a checkpoint, of an artifact, or of a text file with one id per line.

    Raises InputError and SchemaError as `qbuild.quality.exclusion.read_media_set`.
    """
    file = trained_on_file(path)
    media = read_media_set(file, row_hashes=True)
    return replace(media, name=file.parent.name) if file.name == TRAINED_ON else media


def trained_on_digest(path: str) -> str:
    """What replaces the path in a fingerprint: name and content hash, as for `--exclude`."""
    try:
        return source_digest(str(trained_on_file(Path(path))))
    except (OSError, QbuildError):
        return f"{Path(path).name}@none"


def unknown_bases(path: Path) -> list[dict[str, Any]]:
    """The entries of a checkpoint's lineage whose training media are unknown."""
    file = trained_on_file(path)
    if not is_artifact(file):
        return []
    inputs = [one.as_dict() for one in Artifact.open(file).description.inputs]
    return [one for one in inputs if one.get("media") == UNKNOWN]


def media_hashes(path: Path) -> dict[str, str | None]:
    """The hash (None where unknown) of every medium that an artifact's rows name, by id."""
    hashes: dict[str, str | None] = {}
    for media in artifact_media(Artifact.open(path), ID_AND_HASH):
        ids: list[Any] = media.column("media_id").to_pylist()
        digests: list[Any] = media.column("sha256").to_pylist()
        for media_id, digest in zip(ids, digests, strict=True):
            hashes[media_id] = hashes.get(media_id) or digest
    return hashes


@dataclass(frozen=True)
class Overlap:
    """The tested media that one source names, by id or by the hash of their bytes."""

    source: str
    media: frozenset[str]


def find_overlaps(
    sources: Iterable[MediaSet], tested: Mapping[str, Iterable[str]]
) -> list[Overlap]:
    """The tested media that each source names; no entry for a source that names none.

    `tested` maps a media id to its other names: other ids, the id of its source, and hashes of the
    file (64 hexadecimal digits, which no media id is). The source of a medium counts as named.
    """
    overlaps = []
    for source in sources:
        known = source.ids | source.hashes | source.sources
        media = {one for one, others in tested.items() if one in known or known & set(others)}
        if media:
            overlaps.append(Overlap(source.name, frozenset(media)))
    return overlaps
