"""Media that must not be used, as artifacts or text files name them: by id and by content.

A medium that a model was trained on must leave the sets it is tested on (VQA² section 5.2); the
hash of its bytes finds it under another name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from qbuild.core.artifact.reader import Artifact, is_artifact
from qbuild.core.canonical import dataset_of, hash_file
from qbuild.core.engine.inputs import describe_input
from qbuild.core.errors import InputError, QbuildError, SchemaError, raise_all
from qbuild.core.media_roots import MediaRoots, artifact_media, sources_of

ID_AND_HASH = ("media_id", "sha256")  # columns of the media that a set holds
_PARQUET = b"PAR1"
_EXPECTED = "expected an artifact whose rows name media, or a file with one media id per line"


@dataclass
class MediaSet:
    """The media that one source names: their ids, and the hashes (hexadecimal) where known.

    `sources` are the media from which these were made: they are not to be used either.
    """

    name: str
    ids: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)

    def add(self, media: pa.Table) -> None:
        """Add media given by `media_id` and `sha256` (null where unknown)."""
        ids: list[Any] = media.column("media_id").to_pylist()
        hashes: list[Any] = media.column("sha256").drop_null().to_pylist()
        self.ids.update(ids)
        self.hashes.update(hashes)


def source_digest(path: str) -> str:
    """`NAME@sha256:…` of an artifact's rows or of a file's bytes; `NAME@none` without either.

    It replaces the path in a fingerprint, so that moving the source changes nothing.
    """
    place = Path(path)
    try:
        described = describe_input(Artifact.open(place) if is_artifact(place) else place)
    except (OSError, QbuildError):
        return f"{place.name}@none"
    return f"{described.name}@{described.hash}"


def read_media_sets(
    paths: Iterable[str], read: Callable[[Path], MediaSet] | None = None
) -> list[MediaSet]:
    """What `read` (`read_media_set`) gives per path, in order; the errors of all paths at once."""
    sets: list[MediaSet] = []
    problems: list[QbuildError] = []
    for path in paths:
        try:
            sets.append((read or read_media_set)(Path(path)))
        except QbuildError as error:
            problems.append(error)
    raise_all(problems)
    return sets


def read_media_set(path: Path, *, row_hashes: bool = False) -> MediaSet:
    """The media that an artifact's rows name, or a text file with one media id per line.

    Hashes are those of `media` columns, with `row_hashes` also those of `sha256` columns. Raises
    InputError for a file that is missing, empty or not a list of ids, and for an incomplete
    artifact; SchemaError for an artifact whose rows name no media.
    """
    if not path.exists():
        raise InputError(str(path), "no such file", _EXPECTED, "Check the path.")
    try:
        in_artifact = path.is_dir() or _is_parquet(path)
        media = _read_artifact(path, row_hashes=row_hashes) if in_artifact else _read_text(path)
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from error
    if not media.ids:
        raise InputError(str(path), "names no media", _EXPECTED, "Leave it out, or fill it.")
    return media


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_PARQUET)) == _PARQUET


def _read_artifact(path: Path, *, row_hashes: bool) -> MediaSet:
    artifact = Artifact.open(path)
    names = artifact.schema.arrow.names
    if "media" not in names and "media_id" not in names:
        raise SchemaError(
            str(path),
            f"rows of schema {artifact.schema.name} name no media",
            "expected rating, level or instruction",
            "Give the artifact that the rows were made from.",
        )
    if not artifact.description.complete:
        raise InputError(
            str(path),
            f"incomplete: {artifact.description.pending} rows are pending",
            "expected a finished artifact",
            "Run the stage that makes it again.",
        )
    found = MediaSet(describe_input(artifact).name, sources=artifact_sources(artifact))
    for media in artifact_media(artifact, ID_AND_HASH):
        found.add(media)
    if "media" not in names and not row_hashes:
        found.hashes.clear()
    return found


def artifact_sources(artifact: Artifact) -> set[str]:
    """The media from which those of an artifact's rows were made."""
    names = {"source_media_id", "provenance", "media"} & set(artifact.schema.arrow.names)
    if not names & {"source_media_id", "provenance"}:
        return set()
    groups = (artifact.group(index, sorted(names)) for index in range(artifact.groups))
    return set().union(*map(sources_of, groups))


def _read_text(path: Path) -> MediaSet:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte 0x{error.object[error.start]:02x} at offset {error.start} is not UTF-8"
        expected = "expected one media id per line"
        raise InputError(str(path), what, expected, "Save it as UTF-8.") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    raise_all(
        InputError(
            f"{path}: line {number}",
            f"{line!r} is not a media id",
            "expected <dataset>:<path>",
            "`qbuild show` prints the ids of an artifact.",
        )
        for number, line in lines
        if line and not all(line.partition(":"))
    )
    return MediaSet(path.name, {line for _, line in lines if line})


# --------------------------------------------------------------------------------- by content


@dataclass
class SameContent:
    """For each source, the ids of candidates whose file has the bytes of a medium it names."""

    ids: list[set[str]]
    missing: dict[str, int]  # candidates without a file below the roots, by dataset


def find_same_content(
    sources: list[MediaSet], candidates: Iterable[tuple[str, str, str]], roots: MediaRoots
) -> SameContent:
    """Which candidates (media id, dataset, path) have the content of a medium of each source.

    Only files of equal size are hashed; all candidates where a source knows hashes. InputError
    for a path that leaves its root.
    """
    found = SameContent([set() for _ in sources], {})
    files: dict[str, Path] = {}
    for media_id, dataset, path in candidates:
        file = _find_file(roots, dataset, path)
        if file is None:
            found.missing[dataset] = found.missing.get(dataset, 0) + 1
        else:
            files[media_id] = file
    sizes = {media_id: file.stat().st_size for media_id, file in files.items()}
    candidate_sizes = set(sizes.values())
    sources_by_hash: dict[str, set[int]] = defaultdict(set)
    hashed_sizes: set[int] = set()
    for number, source in enumerate(sources):
        for digest in source.hashes:
            sources_by_hash[digest].add(number)
        for file in _files_of(source, roots):
            size = file.stat().st_size
            if size in candidate_sizes:
                hashed_sizes.add(size)
                sources_by_hash[_digest(file)].add(number)
    hash_all = any(source.hashes for source in sources)
    for media_id, file in files.items():
        if hash_all or sizes[media_id] in hashed_sizes:
            for number in sources_by_hash.get(_digest(file), ()):
                found.ids[number].add(media_id)
    return found


def _files_of(source: MediaSet, roots: MediaRoots) -> Iterator[Path]:
    for media_id in sorted(source.ids):
        file = _find_file(roots, dataset_of(media_id), media_id.partition(":")[2])
        if file is not None:
            yield file


def _find_file(roots: MediaRoots, dataset: str, path: str) -> Path | None:
    """The file of a medium; None where it is missing or its dataset has no root."""
    if not roots.has(dataset):
        return None
    file = roots.find(dataset, path)
    return file if file.is_file() else None


def _digest(path: Path) -> str:
    return hash_file(path).removeprefix("sha256:")
