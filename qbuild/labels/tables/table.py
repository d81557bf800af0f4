"""Tables with named columns from delimited text, JSON, Parquet and Excel files."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from qbuild.core.artifact.reader import UNREADABLE, read_description
from qbuild.core.errors import InputError, QbuildError, SchemaError
from qbuild.labels.tables.files import Kind, delimiter_of, first_bytes, kind_of
from qbuild.labels.tables.json_records import read_records, read_utf8

_UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")
_RAGGED = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


@dataclass(frozen=True)
class Grid:
    """A table with untyped cells; names may repeat, so `frame` numbers its columns from 0."""

    path: Path
    names: list[str]
    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    def column(self, name: str) -> pd.Series[Any]:
        """The only column of that name; SchemaError where several share it."""
        at = [place for place, known in enumerate(self.names) if known == name]
        if len(at) > 1:
            raise SchemaError(
                str(self.path),
                f"{len(at)} columns are named {name!r}",
                "expected one",
                "Rename them in the file.",
            )
        return self.frame[at[0]]

    def records(self, positions: Sequence[int]) -> list[dict[str, Any]]:
        """Rows as objects; a repeated name is numbered: `Brightness`, `Brightness.1`."""
        count: Counter[str] = Counter()
        names = []
        for name in self.names:
            names.append(f"{name}.{count[name]}" if count[name] else name)
            count[name] += 1
        part = self.frame.iloc[list(positions)].set_axis(names, axis=1)
        rows: Any = part.to_dict(orient="records")
        return list(rows)


def read_grid(path: Path) -> Grid:
    """The whole table; InputError where it cannot be read or has no row."""
    kind = kind_of(path, first_bytes(path))
    grid = _READERS[kind](path)
    if grid.frame.empty:
        raise InputError(
            str(path),
            "holds no row below its header",
            "expected at least one record",
            "Fetch or export it again.",
        )
    return grid


def column_names(path: Path, kind: Kind) -> list[str]:
    """The column names of a Parquet or Excel file, without reading its rows."""
    if kind == "parquet":
        return [str(name) for name in _parquet(path).schema_arrow.names]
    frame, _ = _sheet(path, rows=1)
    return [str(cell).strip() for cell in frame.iloc[0]] if len(frame) else []


def _read_delimited(path: Path) -> Grid:
    data = read_utf8(path)
    start = data[: 1 << 16].decode("utf-8", errors="ignore")
    try:
        frame = pd.read_csv(
            io.BytesIO(data),
            sep=delimiter_of(path, start),
            header=None,  # the header is read as a row, since its names may repeat
            dtype=str,  # 00001.jpg and 007 keep their zeros; numbers are parsed later, exactly
            keep_default_na=False,
            skipinitialspace=True,
            encoding="utf-8",
        )
    except pd.errors.EmptyDataError as error:
        raise _unreadable(path, "holds only blank lines") from error
    except pd.errors.ParserError as error:
        raise _unreadable(path, _format_parser_error(str(error))) from error
    return _below_header(path, frame)


def _below_header(path: Path, frame: pd.DataFrame, notes: Sequence[str] = ()) -> Grid:
    """The table of a frame whose first row holds the names."""
    names = [str(cell).strip() for cell in frame.iloc[0]] if len(frame) else []
    return Grid(path, names, frame.iloc[1:].reset_index(drop=True), list(notes))


def _format_parser_error(message: str) -> str:
    if opened := _UNCLOSED.search(message):
        place = f"row {opened[1]}" if opened[1] != "0" else "the header"
        return f"the quotation mark that opens a cell in {place} is not closed"
    ragged = _RAGGED.search(message)
    if ragged is None:
        return message.strip().rsplit(": ", 1)[-1]
    expected, line, cells = ragged.groups()
    return f"line {line} has {cells} cells where the first line has {expected}"


def _read_json(path: Path) -> Grid:
    records = read_records(path)
    names = list(dict.fromkeys(name for record in records for name in record))
    # object columns keep JSON's types: true is not a number, 7 is not 7.0
    columns = {
        at: pd.Series([record.get(name) for record in records], dtype=object)
        for at, name in enumerate(names)
    }
    return Grid(path, [str(name) for name in names], pd.DataFrame(columns))


def _read_parquet(path: Path) -> Grid:
    file = _parquet(path)
    try:
        table = file.read()
        table.validate(full=True)  # a Parquet string may hold any bytes
    except UNREADABLE as error:
        raise _unreadable(path, f"not readable Parquet: {error}") from error
    names = [str(name) for name in table.column_names]
    frame = table.rename_columns([str(at) for at in range(len(names))]).to_pandas()
    return Grid(path, names, frame.set_axis(range(len(names)), axis=1))


def _parquet(path: Path) -> Any:
    try:
        file: Any = pq.ParquetFile(path)
    except UNREADABLE as error:
        raise _unreadable(path, f"not readable Parquet: {error}") from error
    _reject_artifact(path)
    return file


def _reject_artifact(path: Path) -> None:
    """An artifact's schema defines its columns, so it is never read as any other table."""
    description = read_description(path)
    if description is None:
        return
    name = description.schema_name or "unknown"
    raise SchemaError(
        str(path),
        f"an artifact of the schema {name!r}, not a label file",
        "expected a table that qbuild did not write",
        f"Give it to a command that reads {name!r} artifacts.",
    )


def _read_excel(path: Path) -> Grid:
    frame, notes = _sheet(path, rows=None)
    return _below_header(path, frame, notes)


def _sheet(path: Path, rows: int | None) -> tuple[pd.DataFrame, list[str]]:
    """The first sheet as text, and a note where there are more."""
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheets = [str(name) for name in book.sheet_names]
            frame = pd.read_excel(
                book, sheet_name=0, header=None, dtype=str, na_filter=False, nrows=rows
            )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _unreadable(path, f"not a readable Excel workbook: {error}") from error
    note = f"sheet {sheets[0]!r} was read; not read: {', '.join(map(repr, sheets[1:]))}"
    return frame, [note] if sheets[1:] else []


def _unreadable(path: Path, what: str) -> QbuildError:
    return InputError(
        str(path), what, "expected a complete table with a header", "Fetch or export it again."
    )


_READERS: dict[Kind, Callable[[Path], Grid]] = {
    "delimited": _read_delimited,
    "json": _read_json,
    "parquet": _read_parquet,
    "excel": _read_excel,
}
