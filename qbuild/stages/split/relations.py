"""What relates the media of rows: their sources, references, contents, and columns to group by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qbuild.core.artifact.reader import Artifact, is_artifact
from qbuild.core.canonical import dataset_of, hash_file
from qbuild.core.engine.stage import Inputs
from qbuild.core.errors import InputError, UsageError, suggest
from qbuild.core.media_roots import MediaRoots
from qbuild.labels.tables.cells import to_text
from qbuild.labels.tables.columns import PATH, find_names, normalise_name, resolve_columns
from qbuild.labels.tables.table import read_grid
from qbuild.stages.split.options import (
    CONTENT,
    MEDIUM,
    REFERENCE,
    RELATIONS,
    SOURCE,
    SplitStageOptions,
)

Row = dict[str, Any]
# KADID-10k: I01_01_01.png of I01.png; TID2013: I01_01_1.bmp, i01_01_1.bmp of I01.BMP
_REFERENCE = r"(?:^|/)(i[0-9]{2,})(?:_[0-9]{2}_[0-9]{1,2})?\.(?:png|bmp)$"


@dataclass
class SideValues:
    """What the files of `--groups` say of media, by media id and by path; all column names."""

    by_medium: dict[str, Row] = field(default_factory=dict)
    by_path: dict[str, Row] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def of(self, media_id: str, path: str) -> Row:
        """The values of a medium; none where no file names it."""
        return self.by_medium.get(media_id) or self.by_path.get(path) or {}

    @classmethod
    def read(cls, paths: Iterable[str]) -> SideValues:
        """The values of all files; InputError for one that is missing or contradicts another."""
        values = cls()
        for path in paths:
            place = Path(path)
            if not place.exists():
                expected = "expected a table or an artifact with columns to group by"
                raise InputError(f"--groups {path}", "no such file", expected, "Check the path.")
            records = _artifact_rows(place) if is_artifact(place) else _table_rows(place)
            for media_id, name, record in records:
                values.names |= record.keys()
                known = values.by_medium if media_id else values.by_path
                _add(known.setdefault(media_id or name, {}), record, f"{path}: {media_id or name}")
        return values


def _add(known: Row, record: Row, where: str) -> None:
    for name, value in record.items():
        if known.setdefault(name, value) != value:
            raise InputError(
                where,
                f"has two values of {name}, {known[name]!r} and {value!r}",
                "expected one per medium",
                "Correct the file.",
            )


def _artifact_rows(path: Path) -> Iterator[tuple[str, str, Row]]:
    artifact = Artifact.open(path)
    names = artifact.schema.arrow.names
    if "media_id" not in names:
        what = f"rows of schema {artifact.schema.name} have no media id"
        raise InputError(f"--groups {path}", what, "expected one per row", "Give a table.")
    for index in range(artifact.groups):
        for row in artifact.group(index).to_pylist():
            values = {n: v for n, v in row.items() if isinstance(v, str | int | float)}
            yield row["media_id"], "", {n: v for n, v in values.items() if n != "media_id"}


def _table_rows(path: Path) -> Iterator[tuple[str, str, Row]]:
    """Media id or path of each row, and its other cells as text by normalised column name."""
    grid = read_grid(path)
    if find_names(grid.names, ["media_id"]):
        key = resolve_columns(grid, {"media_id": ("media_id",)}, {}, ("media_id",))["media_id"]
    else:
        key = resolve_columns(grid, {"path": PATH}, {}, ("path",))["path"]
    others = [name for name in dict.fromkeys(grid.names) if name != key]
    keys = to_text(grid.column(key)).to_pylist()
    columns = [to_text(grid.column(name)).to_pylist() for name in others]
    names = [normalise_name(name) for name in others]
    for at, identity in enumerate(keys):
        cells = ((name, column[at]) for name, column in zip(names, columns, strict=True))
        values = {name: cell for name, cell in cells if cell is not None}
        if identity is not None:
            by_id = normalise_name(key) == "media_id"
            yield identity if by_id else "", "" if by_id else identity, values


class Relations:
    """The keys of rows: rows with a key in common stay together."""

    def __init__(self, inputs: Inputs, options: SplitStageOptions, names: list[str]) -> None:
        self._side = SideValues.read(options.groups)
        self._roots = MediaRoots.parse(inputs.media_roots)
        self._hashes: dict[str, str | None] = {}
        pattern = options.reference_pattern
        self._reference = re.compile(pattern or _REFERENCE, 0 if pattern else re.IGNORECASE)
        self.explicit = bool(options.group_by)
        self.names = options.group_by or RELATIONS
        known = {*RELATIONS, *names, *self._side.names}
        for name in options.group_by:
            if name not in known and normalise_name(name) not in self._side.names:
                raise UsageError(
                    f"--group-by {name}",
                    "is not a column of the rows or of a table given with --groups",
                    f"expected {', '.join(RELATIONS)}, or a column",
                    suggest(name, known),
                )
        self.found: Counter[str] = Counter()  # rows with a value of each name

    def keys(self, row: Row, media: list[Row]) -> list[str]:
        """The keys of a row about these media (id, path, sha256), its media first."""
        keys = [f"{MEDIUM}:{medium['media_id']}" for medium in media]
        for name in self.names:
            values = [one for one in self._values(name, row, media) if one not in (None, "")]
            self.found[name] += bool(values)
            # a source is a medium too: it stays with the media that are made from it
            kind = MEDIUM if name == SOURCE else name
            keys += [f"{kind}:{value}" for value in values]
        return keys

    def _values(self, name: str, row: Row, media: list[Row]) -> Iterable[Any]:
        if name == MEDIUM:
            return [medium["media_id"] for medium in media]
        if name == SOURCE:
            return [
                *self._sources(row),
                *(self._side_value(one, "source_media_id") for one in media),
            ]
        if name == REFERENCE:
            return [self._reference_of(medium) for medium in media]
        if name == CONTENT:
            return [self._content_of(medium) for medium in media]
        if name in row:
            return [row[name]]
        return [self._side_value(medium, name) for medium in media]

    def _sources(self, row: Row) -> Iterable[str | None]:
        """The source media of a row: its column, or the parents of a pair that are media ids."""
        if "provenance" in row:
            return [one for one in row["provenance"]["parents"] if ":" in one]
        return [row.get("source_media_id")]

    def _side_value(self, medium: Row, name: str) -> Any:
        values = self._side.of(medium["media_id"], medium["path"])
        return values.get(name, values.get(normalise_name(name)))

    def _reference_of(self, medium: Row) -> str | None:
        match = self._reference.search(medium["path"])
        if match is None:
            return None
        return f"{dataset_of(medium['media_id'])}/{'/'.join(filter(None, match.groups())).lower()}"

    def _content_of(self, medium: Row) -> str | None:
        known: str | None = medium.get("sha256") or self._side_value(medium, "sha256")
        media_id = medium["media_id"]
        if known or not self._roots.has(dataset_of(media_id)):
            return known
        if media_id not in self._hashes:
            file = self._roots.locate(media_id, medium["path"]).file
            self._hashes[media_id] = (
                hash_file(file).removeprefix("sha256:") if file.is_file() else None
            )
        return self._hashes[media_id]
