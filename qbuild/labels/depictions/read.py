"""Files of depictions as typed rows, apart from the rows that had to be rejected."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import hash_value, media_id
from qbuild.core.engine.stage import Output
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, Problems, QbuildError, UsageError, raise_all
from qbuild.core.plural import plural
from qbuild.labels.depictions import cells
from qbuild.labels.depictions.cells import Fault
from qbuild.labels.depictions.entries import Annotation, Entry, is_empty, single
from qbuild.labels.depictions.media_places import Place, places_of
from qbuild.labels.depictions.names import ASPECTS, KINDS, aspect_named, kind_named
from qbuild.labels.tables import rejections
from qbuild.quality.media_types import IMAGES, VIDEOS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qbuild.labels.depictions.entries import Found
    from qbuild.labels.depictions.options import DepictionOptions

Row = dict[str, Any]

_MEDIUM = {
    medium: re.compile(rf".*\.({endings})", re.IGNORECASE | re.ASCII | re.DOTALL)
    for medium, endings in (("image", IMAGES), ("video", VIDEOS))
}


@dataclass
class Once:
    """Rows without repetition: the id tells medium, kind, question, text and annotator."""

    seen: set[str] = field(default_factory=set)
    collapsed: int = 0

    def first(self, row: Row) -> bool:
        """Whether this is the first row of its id; others are counted."""
        if row["depiction_id"] in self.seen:
            self.collapsed += 1
            return False
        self.seen.add(row["depiction_id"])
        return True


def gathered(paths: list[Path], options: DepictionOptions, limit: int | None = None) -> Output:
    """All files' depictions, repeated ones collapsed, beside the rejected rows.

    With a limit, the first usable rows, and the rejected ones that stand before the last of them.
    """
    files = _read(paths, options)
    once, tally = Once(), Tally()
    rows: list[Row] = []
    rejected: list[Row] = []
    for path, found, places in files:
        tally.update(_notes(path, found))
        for made in _rows(path, found, places, options):
            if limit is not None and len(rows) == limit:
                break
            if "reason" in made:
                rejected.append(made)
            elif once.first(made):
                rows.append(made)
    tally.add("collapsed", count=once.collapsed)
    return Output(_table(rows, "depiction"), _table(rejected, "rejected"), tally=tally)


def depiction_id(medium: str, row: Row) -> str:
    """What a depiction is: 32 hexadecimal digits."""
    parts = [row[name] for name in ("kind", "aspect", "question", "text", "annotator")]
    return hash_value([medium, *parts]).removeprefix("sha256:")[:32]


def medium_of(path: str, otherwise: str = "auto") -> str | None:
    """`image` or `video` by the ending of a path, else as given; None under `auto`."""
    for medium, ending in _MEDIUM.items():
        if ending.fullmatch(path):
            return medium
    return None if otherwise == "auto" else otherwise


def read_file(path: Path, options: DepictionOptions) -> Found:
    """The annotations of one file, whichever form it has."""
    from qbuild.labels.depictions.label_studio import is_export, read_export
    from qbuild.labels.depictions.tables import read_table
    from qbuild.labels.tables.files import first_bytes, kind_of
    from qbuild.labels.tables.json_records import read_records

    if kind_of(path, first_bytes(path)) == "json":
        records = read_records(path)
        if is_export(records):
            return read_export(path, records, options.column_names)
    return read_table(path, options.column_names)


def _read(paths: list[Path], options: DepictionOptions) -> list[tuple[Path, Found, list[Place]]]:
    """Every file's annotations with their places; all files' problems at once."""
    read: list[tuple[Path, Found, list[Place]]] = []
    problems: list[QbuildError] = []
    foreign = count = 0
    for path in paths:
        try:
            found = read_file(path, options)
        except UsageError:
            raise
        except QbuildError as error:
            problems.extend(error.problems if isinstance(error, Problems) else [error])
            continue
        places, strangers = places_of(found, options)
        foreign, count = foreign + strangers, count + len(places)
        read.append((path, found, places))
    raise_all(problems)
    if not paths:
        raise InputError("", "no file of depictions was given", "expected at least one")
    if options.strip_prefix and foreign >= count:
        raise UsageError(
            "--strip-prefix",
            f"no path begins with {options.strip_prefix!r}",
            "expected the beginning of the paths as the file has them",
        )
    return read


def _rows(
    path: Path, found: Found, places: list[Place], options: DepictionOptions
) -> Iterator[Row]:
    """The rows of a file in order, and among them the rejected ones, which have a reason."""
    secret = options.secret
    for done, place in zip(found.annotations, places, strict=True):
        try:
            about = _about(path, done, place, options, secret)
        except Fault as fault:
            yield _rejected(path, done, fault)
            continue
        for entry in done.entries:
            try:
                yield _row(about, entry)
            except Fault as fault:
                yield _rejected(path, done, fault)


def _about(
    path: Path, done: Annotation, place: Place, options: DepictionOptions, secret: str
) -> Row:
    """What all depictions of an annotation share."""
    if place.fault is not None:
        raise place.fault
    medium = medium_of(place.path, options.medium)
    if medium is None:
        told = f"{place.path!r} is neither an image nor a video by its name"
        raise Fault("unknown-medium", f"{told}; expected --medium, or a known ending", "path")
    said = done.about
    dataset = options.dataset or place.dataset or _text(said.get("dataset")) or path.stem
    level, word = cells.level_of(said.get("level"), said.get("word"))
    return {
        "media_id": media_id(dataset, place.path),
        "dataset": dataset,
        "path": place.path,
        "medium": medium,
        "level": level,
        "word": word,
        "mos_norm": cells.number_of(single(said.get("mos_norm")), "mos_norm", 0, 100),
        "annotator": cells.pseudonym(said.get("annotator"), secret),
        "annotated_on": cells.day_of(said.get("date")),
        "split": _text(said.get("split")),
        "licence": options.licence or None,
        "source": options.source or None,
        "source_file": path.name,
        "source_row": done.number,
    }


def _row(about: Row, entry: Entry) -> Row:
    """The row of one depiction; Fault for the first thing found wrong with it."""
    kind = kind_named(str(single(entry.kind)))
    if kind is None:
        told = f"{entry.kind!r} is no kind of depiction; expected one of {', '.join(KINDS)}"
        raise Fault("unknown-kind", told, "kind", entry.kind)
    written = {
        "kind": kind,
        "text": cells.text_of(entry.text, entry.column),
        "question": cells.text_of(entry.question, "question") if kind == "conversation" else None,
        "aspect": _aspect(entry.aspect) if kind == "aspect" else None,
        "aspect_level": _aspect_level(entry.aspect_level) if kind == "aspect" else None,
    }
    row = {**about, **written}
    return {"depiction_id": depiction_id(row["media_id"], row), **row}


def _aspect(cell: Any) -> str:
    found = None if is_empty(cell) else aspect_named(str(cell))
    if found is None:
        told = f"{rejections.as_text(cell)!r} is no aspect; expected one of {', '.join(ASPECTS)}"
        raise Fault("unknown-aspect", told, "aspect", cell)
    return found


def _aspect_level(cell: Any) -> int:
    level = cells.whole_of(cell, "aspect_level", 1, 4)
    if level is None:
        told = "the aspect has no level; expected 1 (bad) to 4 (perfect)"
        raise Fault("missing-aspect-level", told, "aspect_level")
    return level


def _text(cell: Any) -> str | None:
    return None if is_empty(cell) else str(cell).strip()


def _rejected(path: Path, done: Annotation, fault: Fault) -> Row:
    return {
        "source": path.name,
        "row": done.number,
        **vars(fault.refusal),
        "record": rejections.as_json(done.record),
    }


def _table(rows: list[Row], schema: str) -> Any:
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    return pa.Table.from_pylist(rows, schema=load_schema(schema).arrow)


def _notes(path: Path, found: Found) -> Tally:
    told = list(found.notes)
    if alone := found.tally["levels alone"]:
        told.append(f"{plural(alone, 'aspect level')} without a text left out")
    if empty := found.tally["tasks without annotation"]:
        told.append(f"{plural(empty, 'task')} without annotation")
    tally = Tally(cancelled=found.tally["cancelled"])
    tally.add_each("note", {f"{path.name}: {note}" for note in told})
    return tally
