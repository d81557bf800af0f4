"""One label file as typed rows, apart from the rows that had to be rejected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import media_id
from qbuild.core.errors import InputError, UsageError
from qbuild.core.plural import plural
from qbuild.labels.distortions.names import near_names
from qbuild.labels.ratings import kadid
from qbuild.labels.tables import rejections
from qbuild.labels.tables.layout import ReadOptions
from qbuild.labels.tables.sniff import look
from qbuild.quality.media_types import IMAGES, VIDEOS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from qbuild.labels.distortions.label import Label, LabelTable
    from qbuild.labels.distortions.options import LabelOptions

_UNSAFE = "{value} is not safely below a root; expected a relative path with / and no .. component"
_UNKNOWN_KIND = "{value} is neither an image nor a video by its name; expected a known ending"
_IMAGE, _VIDEO = (
    re.compile(rf".*\.({endings})", re.IGNORECASE | re.ASCII | re.DOTALL)
    for endings in (IMAGES, VIDEOS)
)
_LABELS_TOLD = 20


@dataclass(frozen=True)
class Piece:
    """What one file gave: rows and rejected rows, each with its place in the file."""

    rows: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    records: Callable[[Sequence[int]], list[Any]]
    notes: list[str]
    foreign: int  # paths that do not begin with strip_prefix
    count: int


def read_piece(path: Path, options: LabelOptions) -> Piece:
    """One file's rows, typed; a row is rejected for the first thing found wrong with it.

    InputError for a folder: a stage that stopped early leaves one without its artifact.
    """
    if path.is_dir():
        raise InputError(
            str(path),
            "is a folder without artifact.parquet",
            "expected a label file, or what corrupt or motion-clips made",
            "Run that stage to its end, or give the label file.",
        )
    layout = _layout(path, options)
    _refuse_unheeded(path, layout, options)
    table: LabelTable = import_module(f"qbuild.labels.distortions.{layout}").read(path, options)
    names, foreign = _paths(table, options)
    kinds = _kinds(table, names)
    rows = []
    for at, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if at not in table.bad.found:
            rows.append(_row(path, at, name, table.label(at, kind), table, options))
            rows[-1]["kind"] = kind
    _add_references(rows, table, options)
    rows = [row for row in rows if row["source_row"] - 1 not in table.bad.found]
    return Piece(
        rows,
        _rejected(path, table),
        table.records,
        _notes(path, table, foreign),
        foreign,
        len(names),
    )


def _layout(path: Path, options: LabelOptions) -> str:
    if options.layout != "auto":
        return options.layout
    return "kadid" if not options.columns and kadid.matches(look(path)) else "attributes"


def _refuse_unheeded(path: Path, layout: str, options: LabelOptions) -> None:
    for name in ("columns", "judged"):
        if layout == "kadid" and getattr(options, name):
            raise UsageError(
                f"--{name}",
                f"the layout kadid of {path.name} does not use it",
                "expected a table of attributes",
                f"Leave out --{name}, or give --layout attributes.",
            )


def _paths(table: LabelTable, options: LabelOptions) -> tuple[list[str], int]:
    """The paths by the prefix rules in one spelling; missing and unsafe ones are refused."""
    from qbuild.labels.tables.media_paths import unsafe

    text, foreign = _spelled(table.paths, options)
    cells, bad = table.paths, table.bad
    found = ["" if name is None else str(name) for name in text.to_pylist()]
    bad.refuse(
        _array([not name for name in found]), rejections.MISSING_PATH, "path", cells,
        "the row names no media file",
    )  # fmt: skip
    bad.refuse(unsafe(text), rejections.UNSAFE_PATH, "path", cells, _UNSAFE)
    return found, foreign


def _spelled(cells: Any, options: LabelOptions) -> tuple[Any, int]:
    from qbuild.labels.tables.cells import texts
    from qbuild.labels.tables.media_paths import prefixed, tidy

    rules = ReadOptions(strip_prefix=options.strip_prefix, add_prefix=options.add_prefix)
    text, foreign = prefixed(texts(cells), rules)
    return tidy(text), foreign


def _array(which: list[bool]) -> Any:
    import numpy as np

    return np.array(which, dtype=np.bool_)


def _kinds(table: LabelTable, names: list[str]) -> list[str]:
    """`image` or `video` by the ending of each path; others are refused."""
    kinds = [
        "image" if _IMAGE.fullmatch(name) else "video" if _VIDEO.fullmatch(name) else ""
        for name in names
    ]
    which = _array([not kind for kind in kinds])
    table.bad.refuse(which, "unknown-kind", "path", table.paths, _UNKNOWN_KIND)
    return kinds


def _row(
    path: Path, at: int, name: str, label: Label, table: LabelTable, options: LabelOptions
) -> dict[str, Any]:
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
        "source_media_id": None,
        "distortions": [{"name": n, "severity": s} for n, s in label.distortions],
        "others": list(label.others),
        "judged": None if label.judged is None else list(label.judged),
        "source_file": path.name,
        "source_row": at + 1,
    }


def _cell(column: Any, at: int) -> str | None:
    """The text of a cell; None where there is no such column or the cell is empty."""
    if column is None:
        return None
    cell = column.iloc[at]
    text = "" if cell is None or cell != cell else str(cell).strip()  # noqa: PLR0124 - NaN
    return text or None


def _add_references(rows: list[dict[str, Any]], table: LabelTable, options: LabelOptions) -> None:
    """Name the medium that each was made from, by the rules of its own path."""
    if table.references is None:
        return
    from qbuild.labels.tables.media_paths import unsafe

    text, _ = _spelled(table.references, options)
    table.bad.refuse(
        unsafe(text), rejections.UNSAFE_PATH, "source_media_id", table.references, _UNSAFE
    )
    names = text.to_pylist()
    for row in rows:
        row["source_media_id"] = media_id(row["dataset"], str(names[row["source_row"] - 1]))


def _rejected(path: Path, table: LabelTable) -> list[dict[str, Any]]:
    at = sorted(table.bad.found)
    records = table.records(at) if at else []
    return [
        {"source": path.name, "row": place + 1, **vars(table.bad.found[place]),
         "record": rejections.as_json(record)}
        for place, record in zip(at, records, strict=True)
    ]  # fmt: skip


def _notes(path: Path, table: LabelTable, foreign: int) -> list[str]:
    notes = list(table.notes)
    for name, count in table.unknown.most_common(_LABELS_TOLD):
        hint = near_names(name)
        rows = plural(count, "row")
        notes.append(f"{name!r} ({rows}) is none of the thirteen{f'; {hint}' if hint else ''}")
    if more := len(table.unknown) - _LABELS_TOLD:
        notes += [f"{more} more labels are none of the thirteen"] if more > 0 else []
    if foreign:
        notes.append(f"{foreign} paths do not begin with the prefix")
    return [f"{path.name}: {note}" for note in notes]
