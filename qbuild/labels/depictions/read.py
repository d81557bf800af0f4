"""Files of depictions as typed rows, and the rejected rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from qbuild.core.canonical import hash_value, media_id
from qbuild.core.engine.stage import Output
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import plural
from qbuild.core.rows.duplicates import Deduplicator
from qbuild.core.rows.rejections import RejectedError, RejectedRow, rejected_table
from qbuild.core.schema import load_schema
from qbuild.labels.depictions import cells
from qbuild.labels.depictions.entries import Annotation, Entry, FileAnnotations, is_empty, single
from qbuild.labels.depictions.label_studio import is_export, read_export
from qbuild.labels.depictions.media_places import MediaPlace, find_places
from qbuild.labels.depictions.names import ASPECTS, KINDS, find_aspect, find_kind
from qbuild.labels.depictions.options import DepictionOptions
from qbuild.labels.depictions.tables import read_annotations
from qbuild.labels.tables.files import first_bytes, kind_of
from qbuild.labels.tables.json_records import read_records
from qbuild.labels.tables.media_paths import check_strip_prefix, media_kind
from qbuild.labels.tables.options import read_each
from qbuild.labels.tables.rejections import cell_text, record_json

Row = dict[str, Any]


def read_depictions(
    paths: list[Path], options: DepictionOptions, limit: int | None = None
) -> Iterator[Output]:
    """All files' depictions, identical ones collapsed, and the rejected rows.

    With a limit, the first usable rows, and the rejected ones before the last of them.
    """
    files = read_each(paths, lambda path: (path, read_file(path, options)), "file of depictions")
    places = [find_places(file, options) for _, file in files]
    rows_in_files = sum(len(file.annotations) for _, file in files)
    check_strip_prefix(options, sum(unprefixed for _, unprefixed in places), rows_in_files)
    unique, tally = Deduplicator(), Tally()
    rows: list[Row] = []
    rejected: list[RejectedRow] = []
    for (path, file), (file_places, _) in zip(files, places, strict=True):
        _count(tally, path, file)
        for row in _rows(path, file, file_places, options):
            if limit is not None and len(rows) == limit:
                break
            if isinstance(row, RejectedRow):
                rejected.append(row)
            elif unique.is_first(row["depiction_id"]):
                rows.append(row)
    tally.add("collapsed", count=unique.collapsed)
    table = pa.Table.from_pylist(rows, schema=load_schema("depiction").arrow)
    yield Output(table, rejected_table(rejected), tally=tally)


def depiction_id(medium: str, row: Row) -> str:
    """The id of a depiction: 32 hexadecimal digits."""
    parts = [row[name] for name in ("kind", "aspect", "question", "text", "annotator")]
    return hash_value([medium, *parts]).removeprefix("sha256:")[:32]


def read_file(path: Path, options: DepictionOptions) -> FileAnnotations:
    """The annotations of one file, a table or a Label Studio export."""
    if kind_of(path, first_bytes(path)) == "json":
        records = read_records(path)
        if is_export(records):
            return read_export(path, records, options.column_names)
    return read_annotations(path, options.column_names)


def _rows(
    path: Path, file: FileAnnotations, places: list[MediaPlace], options: DepictionOptions
) -> Iterator[Row | RejectedRow]:
    """The rows of a file in order, the rejected ones among them."""
    secret = options.secret
    for annotation, place in zip(file.annotations, places, strict=True):
        try:
            about = _about(path, annotation, place, options, secret)
        except RejectedError as error:
            yield _rejected(path, annotation, error)
            continue
        for entry in annotation.entries:
            try:
                yield _row(about, entry)
            except RejectedError as error:
                yield _rejected(path, annotation, error)


def _about(
    path: Path, annotation: Annotation, place: MediaPlace, options: DepictionOptions, secret: str
) -> Row:
    """The values that all depictions of an annotation share."""
    if place.error is not None:
        raise place.error
    medium = media_kind(place.path, options.medium)
    if medium is None:
        message = f"the suffix of {place.path!r} is not that of an image or a video"
        raise RejectedError(
            "unknown-medium", f"{message}; expected --medium, or a known suffix", "path"
        )
    about = annotation.about
    dataset = options.dataset or place.dataset or _text(about.get("dataset")) or path.stem
    level, word = cells.parse_level(about.get("level"), about.get("word"))
    return {
        "media_id": media_id(dataset, place.path),
        "dataset": dataset,
        "path": place.path,
        "medium": medium,
        "level": level,
        "word": word,
        "mos_norm": cells.parse_number(single(about.get("mos_norm")), "mos_norm", 0, 100),
        "annotator": cells.pseudonymise(about.get("annotator"), secret),
        "annotated_on": cells.parse_day(about.get("date")),
        "split": _text(about.get("split")),
        "licence": options.licence or None,
        "source": options.source or None,
        "source_file": path.name,
        "source_row": annotation.number,
    }


def _row(about: Row, entry: Entry) -> Row:
    """The row of one depiction; RejectedError for its first fault."""
    kind = find_kind(str(single(entry.kind)))
    if kind is None:
        message = f"{entry.kind!r} is not a kind of depiction; expected one of {', '.join(KINDS)}"
        raise RejectedError("unknown-kind", message, "kind", cell_text(entry.kind))
    conversation, aspect = kind == "conversation", kind == "aspect"
    row = {
        **about,
        "kind": kind,
        "text": cells.parse_text(entry.text, entry.column),
        "question": cells.parse_text(entry.question, "question") if conversation else None,
        "aspect": _aspect(entry.aspect) if aspect else None,
        "aspect_level": _aspect_level(entry.aspect_level) if aspect else None,
    }
    return {"depiction_id": depiction_id(row["media_id"], row), **row}


def _aspect(cell: Any) -> str:
    aspect = None if is_empty(cell) else find_aspect(str(cell))
    if aspect is None:
        message = f"{cell_text(cell)!r} is not an aspect; expected one of {', '.join(ASPECTS)}"
        raise RejectedError("unknown-aspect", message, "aspect", cell_text(cell))
    return aspect


def _aspect_level(cell: Any) -> int:
    level = cells.parse_integer(cell, "aspect_level", 1, 4)
    if level is None:
        message = "the aspect has no level; expected 1 (bad) to 4 (perfect)"
        raise RejectedError("missing-aspect-level", message, "aspect_level")
    return level


def _text(cell: Any) -> str | None:
    return None if is_empty(cell) else str(cell).strip()


def _rejected(path: Path, annotation: Annotation, error: RejectedError) -> RejectedRow:
    record = record_json(annotation.record)
    return RejectedRow(path.name, annotation.number, error.rejection, record)


def _count(tally: Tally, path: Path, file: FileAnnotations) -> None:
    notes = list(file.notes)
    if count := file.levels_without_text:
        notes.append(f"{plural(count, 'aspect level')} without a text left out")
    if count := file.unannotated_tasks:
        notes.append(f"{plural(count, 'task')} without annotation")
    tally.add("cancelled", count=file.cancelled)
    tally.add_each("note", {f"{path.name}: {note}" for note in notes})
