"""The named columns of a table file, whatever it is kept in: text, JSON, Parquet or Excel."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError, QbuildError, SchemaError
from qbuild.labels.tables.files import delimiter_of, first_bytes, kind_of
from qbuild.labels.tables.json_records import read_bytes, read_records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pandas as pd

    from qbuild.labels.tables.files import Kind

_UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")
_RAGGED = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


@dataclass(frozen=True)
class Grid:
    """A table as it stands in its file: `names` may repeat, so `frame` counts its columns."""

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
        """Rows as objects; a name that repeats counts on: `Brightness`, `Brightness.1`."""
        part = self.frame.iloc[list(positions)]
        rows: Any = part.set_axis(unrepeated(self.names), axis=1).to_dict(orient="records")
        return list(rows)


def unrepeated(names: list[str]) -> list[str]:
    """The names, each made single by a number: the second `a` becomes `a.1`."""
    count: dict[str, int] = {}
    result = []
    for name in names:
        count[name] = count.get(name, -1) + 1
        result.append(f"{name}.{count[name]}" if count[name] else name)
    return result


def read_grid(path: Path) -> Grid:
    """The whole table; InputError where it cannot be read or has no row."""
    kind = kind_of(path, first_bytes(path))
    grid = _READERS[kind](path)
    if grid.frame.empty:
        raise InputError(
            str(path),
            "holds no row below its header",
            "expected at least one rating",
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
    import pandas as pd

    data = read_bytes(path)
    start = data[: 1 << 16].decode("utf-8", errors="ignore")
    try:
        frame = pd.read_csv(
            io.BytesIO(data),
            sep=delimiter_of(path, start),
            header=None,  # the header is a row like others: its names may repeat
            dtype=str,  # 00001.jpg and 007 keep their zeros; numbers are parsed later, exactly
            keep_default_na=False,
            skipinitialspace=True,
            encoding="utf-8",
        )
    except pd.errors.EmptyDataError as error:
        raise _unreadable(path, "holds only blank lines") from error
    except pd.errors.ParserError as error:
        raise _unreadable(path, _ragged(str(error))) from error
    return _below_header(path, frame)


def _below_header(path: Path, frame: pd.DataFrame, notes: Sequence[str] = ()) -> Grid:
    """The grid of a frame whose first row holds the names."""
    names = [str(cell).strip() for cell in frame.iloc[0]] if len(frame) else []
    return Grid(path, names, frame.iloc[1:].reset_index(drop=True), list(notes))


def _ragged(message: str) -> str:
    if opened := _UNCLOSED.search(message):
        place = f"row {opened[1]}" if opened[1] != "0" else "the header"
        return f"the quotation mark that opens a cell in {place} is never closed"
    found = _RAGGED.search(message)
    if found is None:
        return message.strip().rsplit(": ", 1)[-1]
    expected, line, cells = found.groups()
    return f"line {line} has {cells} cells where the first line has {expected}"


def _read_json(path: Path) -> Grid:
    import pandas as pd

    records = read_records(path)
    names = list(dict.fromkeys(name for record in records for name in record))
    # object columns keep what JSON said: true is no number, 7 is not 7.0
    columns = {
        at: pd.Series([record.get(name) for record in records], dtype=object)
        for at, name in enumerate(names)
    }
    return Grid(path, [str(name) for name in names], pd.DataFrame(columns))


def _read_parquet(path: Path) -> Grid:
    from qbuild.core.artifact.reader import UNREADABLE

    file = _parquet(path)
    try:
        table = file.read()
        table.validate(full=True)  # Parquet carries any bytes as text
    except UNREADABLE as error:
        raise _unreadable(path, f"no readable Parquet: {error}") from error
    names = [str(name) for name in table.column_names]
    frame = table.rename_columns([str(at) for at in range(len(names))]).to_pandas()
    return Grid(path, names, frame.set_axis(range(len(names)), axis=1))


def _parquet(path: Path) -> Any:
    import pyarrow.parquet as pq

    from qbuild.core.artifact.reader import UNREADABLE

    try:
        file: Any = pq.ParquetFile(path)
    except UNREADABLE as error:
        raise _unreadable(path, f"no readable Parquet: {error}") from error
    _refuse_artifact(path)
    return file


def _refuse_artifact(path: Path) -> None:
    """An artifact's columns mean what its schema says, so none is read as a foreign table."""
    from qbuild.core.artifact.reader import read_description

    described = read_description(path)
    if described is None:
        return
    name = (described["schema"] or {}).get("name", "unknown")
    raise SchemaError(
        str(path),
        f"an artifact of the schema {name!r}, no rating file",
        "expected a table that qbuild did not write",
        f"Give it to a command that reads {name!r} artifacts.",
    )


def _read_excel(path: Path) -> Grid:
    frame, notes = _sheet(path, rows=None)
    return _below_header(path, frame, notes)


def _sheet(path: Path, rows: int | None) -> tuple[pd.DataFrame, list[str]]:
    """The first sheet as text, and a note where there are others."""
    import pandas as pd

    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheets = [str(name) for name in book.sheet_names]
            frame = pd.read_excel(
                book, sheet_name=0, header=None, dtype=str, na_filter=False, nrows=rows
            )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _unreadable(path, f"no readable Excel workbook: {error}") from error
    note = f"sheet {sheets[0]!r} was read; not read: {', '.join(map(repr, sheets[1:]))}"
    return frame, [note] if sheets[1:] else []


def _unreadable(path: Path, what: str) -> QbuildError:
    return InputError(
        str(path), what, "expected a whole table with a header", "Fetch or export it again."
    )


_READERS: dict[Kind, Callable[[Path], Grid]] = {
    "delimited": _read_delimited,
    "json": _read_json,
    "parquet": _read_parquet,
    "excel": _read_excel,
}
