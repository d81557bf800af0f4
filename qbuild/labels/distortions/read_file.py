"""One label file as typed rows, and the rejected rows."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from qbuild.core.canonical import media_id
from qbuild.core.errors import InputError, UsageError
from qbuild.core.plural import plural
from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.distortions.label import Label, LabelTable
from qbuild.labels.distortions.names import similar_distortions
from qbuild.labels.distortions.options import LabelOptions
from qbuild.labels.ratings import kadid
from qbuild.labels.tables.cells import is_null, to_text
from qbuild.labels.tables.media_paths import (
    UNSAFE,
    is_unsafe,
    media_kind,
    normalise_paths,
    read_paths,
)
from qbuild.labels.tables.rejections import UNSAFE_PATH
from qbuild.labels.tables.sniff import sniff
from qbuild.labels.tables.table import Grid

Row = dict[str, Any]

UNKNOWN_KIND = "the suffix of {value} is not that of an image or a video; expected a known suffix"
_LABELS_NOTED = 20


@dataclass(frozen=True)
class FileRows:
    """The rows and rejected rows of one file, each with its number in the file."""

    grid: Grid
    rows: list[Row]
    rejected: list[RejectedRow]
    notes: list[str]
    unprefixed: int  # paths that do not begin with strip_prefix


def read_file(path: Path, options: LabelOptions) -> FileRows:
    """One file's rows, typed; a row is rejected for its first fault.

    InputError for a folder: a stage that stopped early leaves one without its artifact.
    """
    if path.is_dir():
        raise InputError(
            str(path),
            "is a folder without artifact.parquet",
            "expected a label file, or the output of corrupt or motion-clips",
            "Run that stage to its end, or give the label file.",
        )
    layout = _choose_layout(path, options)
    table: LabelTable = import_module(f"qbuild.labels.distortions.{layout}").read(path, options)
    rejections = table.rejections
    text, unprefixed = read_paths(table.paths, options, rejections)
    names = [name or "" for name in text.to_pylist()]
    kinds = [media_kind(name) or "" for name in names]
    unknown = np.array([not kind for kind in kinds])
    rejections.reject(unknown, "unknown-kind", "path", table.paths, UNKNOWN_KIND)
    references = _read_references(table, options)
    rows = []
    for at, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if at not in rejections.by_position:
            reference = references[at] if references else None
            label = table.label(at, kind)
            rows.append(_row(path, at, (name, kind, reference), label, table, options))
    rejected = rejections.rows(path.name, table.grid.records)
    return FileRows(table.grid, rows, rejected, _notes(path, table, unprefixed), unprefixed)


def _choose_layout(path: Path, options: LabelOptions) -> str:
    layout = options.layout
    if layout == "auto":
        is_kadid = not options.columns and kadid.matches(sniff(path))
        layout = "kadid" if is_kadid else "attributes"
    for name in ("columns", "judged"):
        if layout == "kadid" and getattr(options, name):
            raise UsageError(
                f"--{name}",
                f"the layout kadid of {path.name} does not use it",
                "expected a table of attributes",
                f"Leave out --{name}, or give --layout attributes.",
            )
    return layout


def _read_references(table: LabelTable, options: LabelOptions) -> list[str | None]:
    """The path of each medium's source, read by the same rules as its own path."""
    if table.references is None:
        return []
    paths, _ = normalise_paths(to_text(table.references), options)
    table.rejections.reject(
        is_unsafe(paths), UNSAFE_PATH, "source_media_id", table.references, UNSAFE
    )
    return paths.to_pylist()


def _row(
    path: Path,
    at: int,
    medium: tuple[str, str, str | None],
    label: Label,
    table: LabelTable,
    options: LabelOptions,
) -> Row:
    name, kind, reference = medium
    default = options.dataset or table.default_dataset or path.stem
    own = _cell(table.datasets, at) if not options.dataset else None
    dataset = own or default
    return {
        "media_id": media_id(dataset, name),
        "dataset": dataset,
        "path": name,
        "split": _cell(table.splits, at),
        "licence": options.licence or None,
        "source": options.source or None,
        "kind": kind,
        "source_media_id": None if table.references is None else media_id(dataset, str(reference)),
        "distortions": [{"name": n, "severity": s} for n, s in label.distortions],
        "others": list(label.others),
        "judged": None if label.judged is None else list(label.judged),
        "source_file": path.name,
        "source_row": at + 1,
    }


def _cell(column: Any, at: int) -> str | None:
    """The text of a cell; None where there is no such column or the cell is empty."""
    cell = None if column is None else column.iloc[at]
    text = "" if is_null(cell) else str(cell).strip()
    return text or None


def _notes(path: Path, table: LabelTable, unprefixed: int) -> list[str]:
    notes = list(table.notes)
    for name, count in table.unknown.most_common(_LABELS_NOTED):
        hint = similar_distortions(name)
        rows = plural(count, "row")
        notes.append(f"{name!r} ({rows}) is none of the thirteen{f'; {hint}' if hint else ''}")
    if (more := len(table.unknown) - _LABELS_NOTED) > 0:
        notes.append(f"{more} more labels are none of the thirteen")
    if unprefixed:
        notes.append(f"{unprefixed} paths do not begin with the prefix")
    return [f"{path.name}: {note}" for note in notes]
