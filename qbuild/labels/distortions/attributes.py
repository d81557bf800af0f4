"""Any table that says what is wrong with media, in one column of names or a column a distortion.

names   a column `distortions` (or `labels`, `attributes`, …) with one name or several, separated
        by `;`, `|` or `,`; beside it, where there is one, `severity`: 1 to 5 for each name in
        turn, or one number where there is one name. An empty cell: nothing was found.
shares  a column a distortion with 0 and 1, true and false, or the share of observers who saw it
        (KonIQ++: Su et al., 2021); it is there from the threshold on. An empty cell: nobody looked.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import SchemaError, UsageError
from qbuild.labels.distortions import names as words
from qbuild.labels.distortions.label import Label, LabelTable, label_of
from qbuild.labels.distortions.names import is_attribute, named, possible, says_none
from qbuild.labels.tables.columns import PATH, SYNONYMS, cells, nearest, resolve

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from qbuild.labels.distortions.options import LabelOptions
    from qbuild.labels.tables.rejections import Refusals
    from qbuild.labels.tables.table import Grid

LABELS = (
    "labels", "label", "distortions", "distortion", "distortion_type", "distortion_types",
    "distortion_name", "distortion_names", "attributes", "attribute",
)  # fmt: skip
WANTED = {
    "path": PATH,
    "labels": LABELS,
    "severity": ("severity", "severities", "distortion_severity", "distortion_level"),
    "split": SYNONYMS["split"],
    "dataset": SYNONYMS["dataset"],
}
_SHARES_OF = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
_NO_SEVERITY = re.compile(r"0(?:\.0*)?", re.ASCII)  # of a medium in which nothing was found
_SEVERITY = re.compile(r"([1-5])(?:\.0*)?", re.ASCII)


def read(path: Path, options: LabelOptions) -> LabelTable:
    """One row a record, of either form; SchemaError where no column holds a label."""
    from qbuild.labels.tables.rejections import Refusals
    from qbuild.labels.tables.table import read_grid

    grid = read_grid(path)
    found = resolve(grid, WANTED, options.column_names, required=("path",))
    bad = Refusals()
    if "labels" in found:
        return _of_names(grid, found, options, bad)
    return _of_shares(grid, found, options, bad)


def _table(grid: Grid, found: dict[str, str], **given: Any) -> LabelTable:
    beside = {name: cells(grid, found[name]) for name in ("dataset", "split") if name in found}
    return LabelTable(
        paths=cells(grid, found["path"]),
        records=grid.records,
        datasets=beside.get("dataset"),
        splits=beside.get("split"),
        **given,
    )


# ----------------------------------------------------------------------------------------- names


def _of_names(
    grid: Grid, found: dict[str, str], options: LabelOptions, bad: Refusals
) -> LabelTable:
    from qbuild.labels.tables.cells import texts

    column = cells(grid, found["labels"])
    said = [_split(cell) for cell in column]
    severities: list[list[int | None]] = [[None] * len(names) for names in said]
    if "severity" in found:
        given = cells(grid, found["severity"])
        read_ones = [
            _severities(text or "", names)
            for text, names in zip(texts(given).to_pylist(), said, strict=True)
        ]
        _refuse_severities(bad, given, read_ones)
        severities = [one or [] for one in read_ones]
        _refuse_quarrels(bad, given, said, severities)
    unknown = Counter(
        name
        for names in said
        for name in names
        if named(name) is None and not says_none(name) and not is_attribute(name)
    )
    judged = options.judged_names
    return _table(
        grid,
        found,
        label=lambda at, kind: label_of(said[at], severities[at], kind, judged),
        bad=bad,
        notes=list(grid.notes),
        unknown=unknown,
    )


def _split(cell: object) -> list[str]:
    """The names in a cell, which JSON and Parquet may hold as a list."""
    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN is the float unlike itself
        return []
    parts = [str(part) for part in cell] if isinstance(cell, list) else _parts(str(cell))
    return [part.strip() for part in parts if part.strip()]


def _parts(text: str) -> list[str]:
    return re.split(r"[;|,]", text)


def _severities(text: str, names: list[str]) -> list[int | None] | None:
    """A severity a name; None where the cell does not hold as many from 1 to 5."""
    if all(map(says_none, names)) and _NO_SEVERITY.fullmatch(text):
        return [None] * len(names)
    parts = [part.strip(" []") for part in _parts(text)] if text.strip(" []") else []
    if not parts:
        return [None] * len(names)
    found = [_SEVERITY.fullmatch(part) for part in parts]
    bad = any(part and not one for one, part in zip(found, parts, strict=True))
    if bad or len(parts) != len(names):
        return None
    return [int(one[1]) if one else None for one in found]


def _refuse_severities(
    bad: Refusals, cell: pd.Series[Any], severities: list[list[int | None] | None]
) -> None:
    import numpy as np

    wording = "{value} is no severity of each label; expected a whole number from 1 to 5 for each"
    which = np.array([one is None for one in severities])
    bad.refuse(which, "bad-severity", "severity", cell, wording)


def _refuse_quarrels(
    bad: Refusals,
    cell: pd.Series[Any],
    said: list[list[str]],
    severities: list[list[int | None]],
) -> None:
    """Two labels of a row that mean one distortion cannot have two severities."""
    import numpy as np

    which = []
    for names, ones in zip(said, severities, strict=True):
        known = [(named(name), one) for name, one in zip(names, ones, strict=False) if named(name)]
        which.append(len(set(known)) > len({name for name, _ in known}))
    wording = "{value} gives one distortion two severities; expected one"
    bad.refuse(np.array(which), "bad-severity", "severity", cell, wording)


# ---------------------------------------------------------------------------------------- shares


def _of_shares(
    grid: Grid, found: dict[str, str], options: LabelOptions, bad: Refusals
) -> LabelTable:
    import numpy as np

    if options.judged:
        raise UsageError(
            "--judged",
            f"the columns of {grid.path.name} say what was looked for",
            "expected a column of labels",
            "Leave out --judged, or name the column with --columns labels=NAME.",
        )
    columns = [name for name in grid.names if name not in found.values() and _is_label(name)]
    if not columns:
        raise _no_label(grid)
    shares = np.stack([_shares(grid.column(name), name, bad) for name in columns], axis=1)
    return _table(
        grid,
        found,
        label=lambda at, kind: _label_of_shares(columns, shares[at], kind, options.threshold),
        bad=bad,
        notes=[*grid.notes, *_noted(grid, columns, found)],
    )


def _is_label(name: str) -> bool:
    return named(name) is not None or is_attribute(name)


def _shares(column: pd.Series[Any], name: str, bad: Refusals) -> NDArray[np.float64]:
    """The cells as shares, NaN where there is nothing; other cells are refused."""
    import pandas as pd

    from qbuild.labels.tables.cells import numbers, texts
    from qbuild.labels.tables.rejections import OUT_OF_RANGE

    text: list[Any] = texts(column).to_pylist()
    plain = [_SHARES_OF.get((cell or "").lower()) for cell in text]
    said = [cell if one is None else str(one) for cell, one in zip(text, plain, strict=True)]
    number = numbers(pd.Series(said, dtype=object))
    bad.refuse_numbers(number, name, column, required=False)
    outside = (number.values < 0) | (number.values > 1)
    wording = "{value} is no share; expected a number from 0 to 1, or true or false"
    bad.refuse(outside, OUT_OF_RANGE, name, column, wording)
    return number.values


def _label_of_shares(
    columns: list[str], shares: NDArray[np.float64], kind: str, threshold: float
) -> Label:
    """What is there from the threshold on; looked for is what has a share."""
    there = [name for name, share in zip(columns, shares, strict=True) if share >= threshold]
    judged = {named(name) for name, share in zip(columns, shares, strict=True) if share == share}  # noqa: PLR0124
    looked_for = tuple(name for name in possible(kind) if name in judged)
    return label_of(there, [None] * len(there), kind, looked_for)


def _noted(grid: Grid, columns: list[str], found: dict[str, str]) -> list[str]:
    """What the columns were taken for."""
    read_as = ", ".join(f"{name} = {named(name) or 'outside the thirteen'}" for name in columns)
    taken = {*columns, *(part for name in found.values() for part in (name, *name.split("+")))}
    left = [name for name in grid.names if name not in taken]
    return [f"columns read: {read_as}", *([f"columns not read: {', '.join(left)}"] if left else [])]


def _no_label(grid: Grid) -> SchemaError:
    synonyms = (word for name, known in words.SYNONYMS.items() for word in (name, *known))
    hint = nearest(grid.names, (*LABELS, *(word.replace(" ", "_") for word in synonyms)))
    return SchemaError(
        str(grid.path),
        f"no column holds labels among {', '.join(map(repr, grid.names[:12]))}",
        f"expected {' or '.join(LABELS[:4])}, or a column a distortion, such as noise",
        f"Name it with --columns labels=NAME. {hint}".rstrip(),
    )
