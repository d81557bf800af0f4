"""Tables of depictions: wide (a row a medium and annotator) and long (a row a depiction)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.errors import SchemaError, UsageError, near
from qbuild.labels.depictions.entries import (
    Entry,
    Found,
    annotation,
    is_empty,
    levels_alone,
    says_anything,
    wide_entries,
)
from qbuild.labels.depictions.names import ABOUT, LONG, TEXTS, WIDE, aspect_named
from qbuild.labels.tables.columns import known, nearest, resolve, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from qbuild.labels.tables.table import Grid

    Cells = Mapping[str, Any]


def read_table(path: Path, given: Mapping[str, str]) -> Found:
    """The annotations of a CSV, TSV, JSON, JSONL, Parquet or Excel file.

    SchemaError where no column holds a text or names the medium; names in it are only such as
    resemble a column's, since the first row of a headless file may name a person.
    """
    from qbuild.labels.tables.table import read_grid

    return read_rows(read_grid(path), given)


def read_rows(grid: Grid, given: Mapping[str, str]) -> Found:
    """The annotations of a grid, in the form that its columns have."""
    refuse_unknown(given)
    long = _is_long(grid, given)
    wanted = LONG if long else WIDE
    _refuse_wordless(grid, given, ("text",) if long else tuple(TEXTS))
    columns = _columns(grid, wanted, given)
    found = Found([], list(grid.notes))
    for number, cells in enumerate(_rows(grid, columns), 1):
        entries = (_long_entry(cells),) if long else tuple(wide_entries(cells))
        found.tally["levels alone"] += 0 if long else levels_alone(cells)
        if not long and not says_anything(cells):
            entries = (Entry("overall", None, column="overall"),)
        found.annotations.append(annotation(number, cells, entries))
    return found


def refuse_unknown(given: Mapping[str, str]) -> None:
    """Raise a UsageError for a name given with `--columns` that no form has."""
    names = {*WIDE, *LONG}
    for name in given:
        if name not in names:
            raise UsageError(
                "--columns",
                f"{name!r} is no column of depictions",
                f"expected {', '.join(dict.fromkeys((*WIDE, *LONG)))}",
                near(name, names),
            )


def _is_long(grid: Grid, given: Mapping[str, str]) -> bool:
    """Whether the file says kind or aspect in a column of its own, beside one for the text."""
    if given.keys() & {"kind", "text", "aspect", "aspect_level"}:
        return True
    if given.keys() & TEXTS.keys() - {"question"}:
        return False
    told = known(grid.names, ("kind", "depiction_kind", "aspect"))
    return bool(told and known(grid.names, LONG["text"]))


def _columns(
    grid: Grid, wanted: Mapping[str, tuple[str, ...]], given: Mapping[str, str]
) -> dict[str, str]:
    """Canonical name → column; rows that name their `media_id` need no path, nor a sole one."""
    paths = known(grid.names, ABOUT["path"])
    named = "media_id" in given or known(grid.names, ["media_id"])
    if not (named or paths or "path" in given):
        raise _missing(grid, "the medium", ABOUT["path"], "path")
    mine = {name: column for name, column in given.items() if name in wanted}
    _refuse_absent(grid, mine)
    unclear = named and "path" not in given and len(paths) > 1
    kept = {name: names for name, names in wanted.items() if not (unclear and name == "path")}
    return resolve(grid, kept, mine, () if named else ("path",))


def _refuse_absent(grid: Grid, given: Mapping[str, str]) -> None:
    """Raise a SchemaError for a column that is not there, without the names of all others."""
    for canonical, column in given.items():
        parts = [column] if column in grid.names else column.split("+")
        if not all(known(grid.names, [spelled(part)]) for part in parts):
            raise SchemaError(
                str(grid.path),
                f"no column is named {column!r}",
                f"expected the one column for {canonical}",
                nearest(grid.names, (spelled(column),)),
            )


def _refuse_wordless(grid: Grid, given: Mapping[str, str], names: tuple[str, ...]) -> None:
    wanted = LONG if names == ("text",) else WIDE
    synonyms = tuple(dict.fromkeys(one for name in names for one in wanted[name]))
    if not given.keys() & set(names) and not known(grid.names, synonyms):
        raise _missing(grid, "a depiction", synonyms, names[0])


def _missing(grid: Grid, what: str, synonyms: tuple[str, ...], canonical: str) -> SchemaError:
    every = [one for names in (*WIDE.values(), *LONG.values()) for one in names]
    why = "" if known(grid.names, every) else "the first row holds no known name: is it a header?"
    return SchemaError(
        str(grid.path),
        f"no column holds {what}" + (f"; {why}" if why else ""),
        f"expected one of {', '.join(synonyms[:12])}",
        f"Name it with --columns {canonical}=NAME. {nearest(grid.names, synonyms)}".rstrip(),
    )


def _rows(grid: Grid, columns: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    from qbuild.labels.tables.columns import cells

    series = {name: cells(grid, column).tolist() for name, column in columns.items()}
    for row in zip(*series.values(), strict=True):
        yield {name: _plain(cell) for name, cell in zip(series, row, strict=True)}


def _plain(cell: Any) -> Any:
    """The cell without numpy: Parquet's lists come as arrays."""
    return cell.tolist() if hasattr(cell, "tolist") else cell


def _long_entry(cells: Cells) -> Entry:
    """The one depiction of a row; a kind that names an aspect says both."""
    kind, aspect = cells.get("kind"), cells.get("aspect")
    if isinstance(kind, str) and aspect_named(kind) is not None:
        kind, aspect = "aspect", kind
    question, level = cells.get("question"), cells.get("aspect_level")
    if is_empty(kind):
        asked = "overall" if is_empty(question) else "conversation"
        kind = asked if is_empty(aspect) else "aspect"
    return Entry(kind, cells.get("text"), question, aspect, level)
