"""Tables of depictions: wide (a row per medium and annotator) and long (a row per depiction)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qbuild.core.errors import SchemaError
from qbuild.labels.depictions.entries import Entry, FileAnnotations, is_empty
from qbuild.labels.depictions.names import ABOUT, LONG, TEXTS, WIDE, find_aspect
from qbuild.labels.tables.columns import (
    check_canonical,
    column_cells,
    find_names,
    normalise_name,
    resolve_columns,
    suggest_columns,
)
from qbuild.labels.tables.table import Grid, read_grid


def read_annotations(path: Path, user_columns: Mapping[str, str]) -> FileAnnotations:
    """The annotations of a table file, wide or long by its columns.

    SchemaError where no column holds a text or names the medium. Its message names only columns
    that resemble an expected one, since the first row of a file without header may name a person.
    """
    grid = read_grid(path)
    check_canonical(user_columns, WIDE | LONG)
    long = _is_long(grid, user_columns)
    names = LONG if long else WIDE
    _check_text_column(grid, user_columns, ("text",) if long else tuple(TEXTS))
    columns = _columns(grid, names, user_columns)
    file = FileAnnotations(notes=list(grid.notes))
    for number, cells in enumerate(_rows(grid, columns), 1):
        file.add(number, cells, _long_entry(cells) if long else None)
    return file


def _is_long(grid: Grid, user_columns: Mapping[str, str]) -> bool:
    """Whether the table has a column of kinds or aspects, and one for the text."""
    if user_columns.keys() & {"kind", "text", "aspect", "aspect_level"}:
        return True
    if user_columns.keys() & TEXTS.keys() - {"question"}:
        return False
    kinds = find_names(grid.names, ("kind", "depiction_kind", "aspect"))
    return bool(kinds and find_names(grid.names, LONG["text"]))


def _columns(
    grid: Grid, names: Mapping[str, tuple[str, ...]], user_columns: Mapping[str, str]
) -> dict[str, str]:
    """Canonical name → column; with a column `media_id`, several path columns are ignored."""
    paths = find_names(grid.names, ABOUT["path"])
    has_id = "media_id" in user_columns or find_names(grid.names, ["media_id"])
    if not (has_id or paths or "path" in user_columns):
        raise _missing(grid, "the medium", ABOUT["path"], "path")
    own = {name: column for name, column in user_columns.items() if name in names}
    _check_user_columns(grid, own)
    ambiguous = has_id and "path" not in user_columns and len(paths) > 1
    kept = {name: known for name, known in names.items() if not (ambiguous and name == "path")}
    return resolve_columns(grid, kept, own, () if has_id else ("path",))


def _check_user_columns(grid: Grid, user_columns: Mapping[str, str]) -> None:
    """Raise a SchemaError for a missing column, without the names of all others."""
    for canonical, column in user_columns.items():
        parts = [column] if column in grid.names else column.split("+")
        if not all(find_names(grid.names, [normalise_name(part)]) for part in parts):
            raise SchemaError(
                str(grid.path),
                f"no column is named {column!r}",
                f"expected the one column for {canonical}",
                suggest_columns(grid.names, (normalise_name(column),)),
            )


def _check_text_column(grid: Grid, user_columns: Mapping[str, str], names: tuple[str, ...]) -> None:
    by_name = LONG if names == ("text",) else WIDE
    synonyms = tuple(dict.fromkeys(one for name in names for one in by_name[name]))
    if not user_columns.keys() & set(names) and not find_names(grid.names, synonyms):
        raise _missing(grid, "a depiction", synonyms, names[0])


def _missing(grid: Grid, what: str, synonyms: tuple[str, ...], canonical: str) -> SchemaError:
    known = [one for names in (*WIDE.values(), *LONG.values()) for one in names]
    hint = "; the first row holds no known name: is it a header?"
    suggestion = suggest_columns(grid.names, synonyms)
    return SchemaError(
        str(grid.path),
        f"no column holds {what}" + ("" if find_names(grid.names, known) else hint),
        f"expected one of {', '.join(synonyms[:12])}",
        f"Name it with --columns {canonical}=NAME. {suggestion}".rstrip(),
    )


def _rows(grid: Grid, columns: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    series = {name: column_cells(grid, column).tolist() for name, column in columns.items()}
    for row in zip(*series.values(), strict=True):
        cells = zip(series, row, strict=True)
        # lists in Parquet are read as arrays
        yield {name: cell.tolist() if hasattr(cell, "tolist") else cell for name, cell in cells}


def _long_entry(cells: Mapping[str, Any]) -> Entry:
    """The depiction of a row; a kind may be the name of an aspect."""
    kind, aspect = cells.get("kind"), cells.get("aspect")
    if isinstance(kind, str) and find_aspect(kind) is not None:
        kind, aspect = "aspect", kind
    question, level = cells.get("question"), cells.get("aspect_level")
    if is_empty(kind):
        other = "overall" if is_empty(question) else "conversation"
        kind = other if is_empty(aspect) else "aspect"
    return Entry(kind, cells.get("text"), question, aspect, level)
