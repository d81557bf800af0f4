"""Tables of labels, in one column of names or in one column per distortion.

names   a column `distortions` (or `labels`, `attributes`, …) with one or several names, separated
        by `;`, `|` or `,`; next to it, optionally, `severity`: 1 to 5 for each name in turn, or one
        number where there is one name. An empty cell: no distortion.
shares  a column per distortion with 0 and 1, true and false, or the share of observers who saw it
        (KonIQ++: Su et al., 2021); from the threshold on it is present. An empty cell: not judged.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qbuild.core.errors import SchemaError, UsageError
from qbuild.labels.distortions import names as distortion_names
from qbuild.labels.distortions.label import Label, LabelTable, make_label
from qbuild.labels.distortions.names import (
    find_distortion,
    is_attribute,
    is_none,
    possible_distortions,
)
from qbuild.labels.distortions.options import LabelOptions
from qbuild.labels.tables.cells import is_null, to_numbers, to_text
from qbuild.labels.tables.columns import (
    PATH,
    SYNONYMS,
    column_cells,
    resolve_columns,
    suggest_columns,
)
from qbuild.labels.tables.rejections import OUT_OF_RANGE, RowRejections
from qbuild.labels.tables.table import Grid, read_grid
from qbuild.quality.arrays import Floats

LABELS = (
    "labels", "label", "distortions", "distortion", "distortion_type", "distortion_types",
    "distortion_name", "distortion_names", "attributes", "attribute",
)  # fmt: skip
COLUMNS = {
    "path": PATH,
    "labels": LABELS,
    "severity": ("severity", "severities", "distortion_severity", "distortion_level"),
    "split": SYNONYMS["split"],
    "dataset": SYNONYMS["dataset"],
}
_BOOLEANS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
_NO_SEVERITY = re.compile(r"0(?:\.0*)?", re.ASCII)  # of a medium without distortion
_SEVERITY = re.compile(r"([1-5])(?:\.0*)?", re.ASCII)


def read(path: Path, options: LabelOptions) -> LabelTable:
    """One row per record, of either form; SchemaError where no column holds a label."""
    grid = read_grid(path)
    columns = resolve_columns(grid, COLUMNS, options.column_names, required=("path",))
    if "labels" in columns:
        return _read_names(grid, columns, options)
    return _read_shares(grid, columns, options)


def _table(grid: Grid, columns: dict[str, str], **details: Any) -> LabelTable:
    cells = {
        name: column_cells(grid, columns[name])
        for name in ("path", "dataset", "split")
        if name in columns
    }
    return LabelTable(
        grid, cells["path"], datasets=cells.get("dataset"), splits=cells.get("split"), **details
    )


def _read_names(grid: Grid, columns: dict[str, str], options: LabelOptions) -> LabelTable:
    labels = [_split(cell) for cell in column_cells(grid, columns["labels"])]
    rejections = RowRejections()
    severities: list[list[int | None]] = [[None] * len(names) for names in labels]
    if "severity" in columns:
        severities = _read_severities(column_cells(grid, columns["severity"]), labels, rejections)
    unknown = Counter(
        name
        for names in labels
        for name in names
        if not (find_distortion(name) or is_none(name) or is_attribute(name))
    )
    judged = options.judged_names
    return _table(
        grid,
        columns,
        label=lambda at, kind: make_label(labels[at], severities[at], kind, judged),
        rejections=rejections,
        notes=grid.notes,
        unknown=unknown,
    )


def _split(cell: object) -> list[str]:
    """The names in a cell, which may be a list in JSON and Parquet."""
    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    if is_null(cell):
        return []
    parts = [str(part) for part in cell] if isinstance(cell, list) else _parts(str(cell))
    return [part.strip() for part in parts if part.strip()]


def _parts(text: str) -> list[str]:
    return re.split(r"[;|,]", text)


def _read_severities(
    cells: pd.Series[Any], labels: list[list[str]], rejections: RowRejections
) -> list[list[int | None]]:
    """A severity per name; rows are rejected whose cell does not hold one for each name."""
    text = to_text(cells).to_pylist()
    parsed = [_parse_severities(t or "", names) for t, names in zip(text, labels, strict=True)]
    wrong = np.array([one is None for one in parsed])
    message = (
        "{value} is not a severity of each label; expected a whole number from 1 to 5 for each"
    )
    rejections.reject(wrong, "bad-severity", "severity", cells, message)
    severities = [one or [] for one in parsed]
    twofold = np.array([_differ(*both) for both in zip(labels, severities, strict=True)])
    message = "{value} gives one distortion two severities; expected one"
    rejections.reject(twofold, "bad-severity", "severity", cells, message)
    return severities


def _parse_severities(text: str, names: list[str]) -> list[int | None] | None:
    """A severity per name; None where the cell does not hold as many from 1 to 5."""
    if all(map(is_none, names)) and _NO_SEVERITY.fullmatch(text):
        return [None] * len(names)
    parts = [part.strip(" []") for part in _parts(text)] if text.strip(" []") else []
    if not parts:
        return [None] * len(names)
    matches = [_SEVERITY.fullmatch(part) for part in parts]
    wrong = any(part and not match for match, part in zip(matches, parts, strict=True))
    if wrong or len(parts) != len(names):
        return None
    return [int(match[1]) if match else None for match in matches]


def _differ(names: list[str], severities: list[int | None]) -> bool:
    """Whether labels of a row that mean one distortion have different severities."""
    pairs = {(find_distortion(n), one) for n, one in zip(names, severities, strict=False)}
    known = [name for name, _ in pairs if name]
    return len(known) > len(set(known))


def _read_shares(grid: Grid, columns: dict[str, str], options: LabelOptions) -> LabelTable:
    if options.judged:
        raise UsageError(
            "--judged",
            f"the columns of {grid.path.name} state which distortions were judged",
            "expected a column of labels",
            "Leave out --judged, or name the column with --columns labels=NAME.",
        )
    taken = columns.values()
    names = [n for n in grid.names if n not in taken and (find_distortion(n) or is_attribute(n))]
    if not names:
        raise _no_label(grid)
    rejections = RowRejections()
    parsed = [_parse_shares(grid.column(name), name, rejections) for name in names]
    shares = np.stack(parsed, axis=1)  # [row, name]
    return _table(
        grid,
        columns,
        label=lambda at, kind: _label_of_shares(names, shares[at], kind, options.threshold),
        rejections=rejections,
        notes=[*grid.notes, *_note_columns(grid, names, columns)],
    )


def _parse_shares(column: pd.Series[Any], name: str, rejections: RowRejections) -> Floats:
    """The cells as shares, NaN where a cell is empty; other cells are rejected."""
    text = to_text(column).to_pylist()
    numbers = to_numbers(
        pd.Series(
            [str(_BOOLEANS.get((cell or "").lower(), cell or "")) for cell in text], dtype=object
        )
    )
    rejections.reject_numbers(numbers, name, column, required=False)
    outside = (numbers.values < 0) | (numbers.values > 1)
    message = "{value} is not a share; expected a number from 0 to 1, or true or false"
    rejections.reject(outside, OUT_OF_RANGE, name, column, message)
    return numbers.values


def _label_of_shares(names: list[str], shares: Floats, kind: str, threshold: float) -> Label:
    """The distortions with at least the threshold; judged are those with any share."""
    by_name = dict(zip(names, shares.tolist(), strict=True))
    present = [name for name, share in by_name.items() if share >= threshold]
    judged = {find_distortion(name) for name, share in by_name.items() if not is_null(share)}
    covered = tuple(name for name in possible_distortions(kind) if name in judged)
    return make_label(present, [None] * len(present), kind, covered)


def _note_columns(grid: Grid, names: list[str], columns: dict[str, str]) -> list[str]:
    """The distortion of each column, and the columns that were not read."""
    read = ", ".join(f"{n} = {find_distortion(n) or 'none of the thirteen'}" for n in names)
    taken = {*names, *(part for name in columns.values() for part in (name, *name.split("+")))}
    unread = [name for name in grid.names if name not in taken]
    notes = [f"columns read: {read}"]
    return [*notes, f"columns not read: {', '.join(unread)}"] if unread else notes


def _no_label(grid: Grid) -> SchemaError:
    synonyms = (w for name, known in distortion_names.SYNONYMS.items() for w in (name, *known))
    hint = suggest_columns(grid.names, (*LABELS, *(word.replace(" ", "_") for word in synonyms)))
    return SchemaError(
        str(grid.path),
        f"no column holds labels among {', '.join(map(repr, grid.names[:12]))}",
        f"expected {' or '.join(LABELS[:4])}, or a column per distortion, such as noise",
        f"Name it with --columns labels=NAME. {hint}".rstrip(),
    )
