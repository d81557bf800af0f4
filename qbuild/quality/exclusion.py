"""Media that must not be used: named by artifacts or lists, known by id and by content.

A medium that a model was trained on leaves the sets it is tested on (VQA² section 5.2); one that
stands elsewhere under another name is found by the hash of its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from qbuild.core.artifact.reader import Artifact, is_artifact
from qbuild.core.canonical import dataset_of, hash_file
from qbuild.core.engine.inputs import describe_input
from qbuild.core.errors import InputError, QbuildError, SchemaError, raise_all
from qbuild.core.media_roots import ANY, MediaRoots

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARQUET = b"PAR1"
_EXPECTED = "expected an artifact whose rows name media, or a file with a media id a line"


@dataclass
class Excluded:
    """The media that one source names: their ids, and the hashes (hexadecimal) it knows."""

    name: str
    ids: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)

    def add(self, rows: pa.Table) -> None:
        """Take in the media that rows name in `media_id` or `media`."""
        if "media" not in rows.column_names:
            ids: list[Any] = rows.column("media_id").to_pylist()
            self.ids.update(ids)
            return
        media: Any = pc.list_flatten(rows.column("media")).combine_chunks()
        self.ids.update(media.field("media_id").to_pylist())
        self.hashes.update(pc.drop_null(media.field("sha256")).to_pylist())


def recorded(path: str) -> str:
    """`NAME@sha256:…` of an artifact's rows or of a file's bytes; `NAME@none` without either.

    This stands for the path in a fingerprint: it changes with what is excluded, not with its place.
    """
    try:
        given = Artifact.open(Path(path)) if is_artifact(Path(path)) else Path(path)
        described = describe_input(given)
    except (OSError, QbuildError):
        return f"{Path(path).name}@none"
    return f"{described['name']}@{described['hash']}"


def read_all(
    paths: Iterable[str], read_one: Callable[[Path], Excluded] | None = None
) -> list[Excluded]:
    """What each path names by `read_one` (`read`), in order; the errors of all paths at once."""
    found: list[Excluded] = []
    problems: list[QbuildError] = []
    for path in paths:
        try:
            found.append((read_one or read)(Path(path)))
        except QbuildError as error:
            problems.append(error)
    raise_all(problems)
    return found


def read(path: Path) -> Excluded:
    """The media that an artifact's rows name, or a text file with one media id a line.

    Raises InputError for a file that is missing, empty or no list of ids, and for an artifact
    that is not finished; SchemaError for one whose rows name no media.
    """
    if not path.exists():
        raise InputError(str(path), "no such file", _EXPECTED, "Check the path.")
    try:
        found = _of_artifact(path) if path.is_dir() or _is_parquet(path) else _of_text(path)
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from error
    if not found.ids:
        raise InputError(str(path), "names no media", _EXPECTED, "Leave it out, or fill it.")
    return found


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_PARQUET)) == _PARQUET


def _of_artifact(path: Path) -> Excluded:
    artifact = Artifact.open(path)
    names = artifact.schema.arrow.names
    column = "media" if "media" in names else "media_id"
    if column not in names:
        raise SchemaError(
            str(path),
            f"rows of schema {artifact.schema.name} name no media",
            "expected rating, level or instruction",
            "Give the artifact that the rows were made from.",
        )
    if not artifact.description["complete"]:
        raise InputError(
            str(path),
            f"incomplete: {artifact.description['pending']} rows are pending",
            "expected a finished artifact",
            "Run the stage that makes it again.",
        )
    found = Excluded(describe_input(artifact)["name"])
    for index in range(artifact.groups):
        found.add(artifact.group(index, [column]))
    return found


def _of_text(path: Path) -> Excluded:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte 0x{error.object[error.start]:02x} at offset {error.start} is not UTF-8"
        raise InputError(str(path), what, "expected one media id a line", "Save it so.") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    raise_all(
        InputError(
            f"{path}: line {number}",
            f"{line!r} is no media id",
            "expected <dataset>:<path>",
            "`qbuild show` prints the ids of an artifact.",
        )
        for number, line in lines
        if line and not all(line.partition(":"))
    )
    return Excluded(path.name, {line for _, line in lines if line})


# --------------------------------------------------------------------------------- by content


@dataclass
class SameContent:
    """For each source, the ids whose file has the bytes of a medium it names."""

    ids: list[set[str]]
    missing: dict[str, int]  # media without a file below the roots, by dataset


def same_content(
    sources: list[Excluded], candidates: Iterable[tuple[str, str, str]], roots: MediaRoots
) -> SameContent:
    """Which candidates (media id, dataset, path) have the content of an excluded medium.

    Only files are hashed whose size agrees with another one's; all of them where a source knows
    hashes alone. A path that leaves its root is an InputError.
    """
    found = SameContent([set() for _ in sources], {})
    places: dict[str, Path] = {}
    for media_id, dataset, path in candidates:
        place = _file(roots, dataset, path)
        if place is None:
            found.missing[dataset] = found.missing.get(dataset, 0) + 1
        else:
            places[media_id] = place
    sizes = {media_id: place.stat().st_size for media_id, place in places.items()}
    there = set(sizes.values())
    known: dict[str, set[int]] = {}
    looked_for: set[int] = set()
    for number, source in enumerate(sources):
        for digest in source.hashes:
            known.setdefault(digest, set()).add(number)
        for place in _files(source, roots):
            size = place.stat().st_size
            if size in there:
                looked_for.add(size)
                known.setdefault(_digest(place), set()).add(number)
    everything = any(source.hashes for source in sources)
    for media_id, place in places.items():
        if everything or sizes[media_id] in looked_for:
            for number in known.get(_digest(place), ()):
                found.ids[number].add(media_id)
    return found


def _files(source: Excluded, roots: MediaRoots) -> Iterator[Path]:
    for media_id in sorted(source.ids):
        place = _file(roots, dataset_of(media_id), media_id.partition(":")[2])
        if place is not None:
            yield place


def _file(roots: MediaRoots, dataset: str, path: str) -> Path | None:
    """The file of a medium; None where it is not there or its dataset has no root."""
    if dataset not in roots.folders and ANY not in roots.folders:
        return None
    place = roots.find(dataset, path)
    return place if place.is_file() else None


def _digest(path: Path) -> str:
    return hash_file(path).removeprefix("sha256:")
