"""Several rating files as one table of ratings, beside the rows that had to be rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import InputError, Problems, QbuildError, UsageError, near, raise_all
from qbuild.labels.ratings.registry import get_layout, recognise
from qbuild.labels.tables.layout import DEFAULTS, Layout, LayoutTable, ReadOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from qbuild.labels.ratings.validate import Piece

REASONS_QUOTED = 3


@dataclass(frozen=True)
class Ratings:
    """What the files gave: tables in the order of files and records, and what a reader must know.

    `collapsed` counts the rows that repeated another one in every value.
    """

    rows: pa.Table
    rejected: pa.Table
    notes: list[str]
    collapsed: int


def read_ratings(
    paths: Sequence[Path], layout: str | Layout = "auto", options: ReadOptions = DEFAULTS
) -> Ratings:
    """All files' ratings; InputError where none can be used, every file's problem at once."""
    found = gathered(paths, layout, options)
    if not found.rows.num_rows:
        raise _nothing_usable(paths, found.rejected)
    return found


def gathered(
    paths: Sequence[Path],
    layout: str | Layout = "auto",
    options: ReadOptions = DEFAULTS,
    limit: int | None = None,
) -> Ratings:
    """As `read_ratings`, but where every row was rejected there are just no rows.

    With a limit, the first usable rows, and the rejected ones that stand before the last of them.
    """
    _refuse_options(options, layout)
    pieces: list[Piece] = []
    problems: list[QbuildError] = []
    for path in paths:
        piece = _piece(path, layout, options)
        if isinstance(piece, QbuildError):
            problems.extend(piece.problems if isinstance(piece, Problems) else [piece])
        else:
            pieces.append(piece)
    raise_all(problems)
    if not pieces:
        raise InputError("", "no rating file was given", "expected at least one")
    _refuse_idle(pieces, options)
    return _merged(list(paths), pieces, limit)


def _piece(path: Path, layout: str | Layout, options: ReadOptions) -> Piece | QbuildError:
    """The file's rows, or what stands against reading it."""
    from qbuild.labels.ratings.validate import type_rows

    try:
        chosen = _chosen(path, layout, options)
        _refuse_unheeded(path, chosen, options)
        table: LayoutTable = chosen.read(path, options)
        return type_rows(table, path, options)
    except UsageError:
        raise
    except QbuildError as error:
        return error


def _chosen(path: Path, layout: str | Layout, options: ReadOptions) -> Layout:
    if isinstance(layout, Layout):
        return layout
    if layout != "auto":
        return get_layout(layout)
    if options.columns:  # whoever names columns has a table
        return get_layout("subject-votes" if _names_votes(path, options) else "table")
    return recognise(path)


def _names_votes(path: Path, options: ReadOptions) -> bool:
    from qbuild.labels.tables.sniff import look

    return "subject" in options.columns or get_layout("subject-votes").matches(look(path))


def _refuse_options(options: ReadOptions, layout: str | Layout) -> None:
    if isinstance(layout, str) and layout != "auto":
        get_layout(layout)
    _refuse_value("--direction", options.direction, ("up", "down"))
    _refuse_value("--screen", options.screen, ("none", "bt500"))
    if options.dataset is not None and not options.dataset.strip():
        raise UsageError("--dataset", "the name is empty", "expected a dataset's name")


def _refuse_value(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(option, f"{value!r} is unknown", f"expected {' or '.join(known)}")


def _refuse_unheeded(path: Path, layout: Layout, options: ReadOptions) -> None:
    given = {"columns": bool(options.columns), "screen": options.screen != "none"}
    for name, is_given in given.items():
        if is_given and name not in layout.heeds:
            raise UsageError(
                f"--{name}",
                f"the layout {layout.name} of {path.name} does not use it",
                "expected a table" if name == "columns" else "expected votes of single subjects",
                f"Leave out --{name}, or give --layout.",
            )


def _refuse_idle(pieces: list[Piece], options: ReadOptions) -> None:
    """Refuse options that touched nothing: a misspelled dataset or prefix must not pass."""
    datasets = {name for piece in pieces for name in piece.datasets}
    for option, said in (("--licence", options.licence), ("--source", options.source)):
        for name in said:
            if name and name not in datasets:
                raise UsageError(
                    option, f"no row is of dataset {name!r}", "expected a dataset of the inputs",
                    near(name, datasets),
                )  # fmt: skip
    rows = sum(len(piece.rows) + len(piece.rejected) for piece in pieces)
    if options.strip_prefix and sum(piece.foreign for piece in pieces) >= rows:
        raise UsageError(
            "--strip-prefix", f"no path begins with {options.strip_prefix!r}",
            "expected the beginning of the paths as the file has them",
        )  # fmt: skip


def _merged(paths: list[Path], pieces: list[Piece], limit: int | None) -> Ratings:
    import pandas as pd

    from qbuild.core.schema import load_schema
    from qbuild.labels.ratings.duplicates import settle

    rows = pd.concat(
        [piece.rows.assign(piece=number) for number, piece in enumerate(pieces)],
        ignore_index=True,
    )
    settled = settle(rows)
    refused = [
        piece.rejected.assign(piece=number, source=path.name)
        for number, (path, piece) in enumerate(zip(paths, pieces, strict=True))
    ]
    rejected = pd.concat([*refused, _as_rejected(settled.conflicting, pieces)], ignore_index=True)
    rejected = rejected.sort_values(["piece", "row"], kind="stable")
    kept = settled.rows
    if limit is not None and limit <= len(kept):
        kept = kept.iloc[:limit]
        rejected = _before(rejected, kept["piece"].iloc[-1], kept["source_row"].iloc[-1])
    return Ratings(
        _table(kept, load_schema("rating").arrow),
        _table(rejected, load_schema("rejected").arrow),
        _noted(paths, pieces),
        settled.collapsed,
    )


def _before(rejected: pd.DataFrame, piece: int, row: int) -> pd.DataFrame:
    """The rejected rows that stand before a row of a piece; files may share a name."""
    earlier = (rejected["piece"] == piece) & (rejected["row"] < row)
    return rejected[(rejected["piece"] < piece) | earlier]


def _as_rejected(conflicting: pd.DataFrame, pieces: list[Piece]) -> pd.DataFrame:
    """Conflicting rows in the shape of rejected ones, with the record as its file has it."""
    import pandas as pd

    from qbuild.labels.tables.rejections import as_json

    record = pd.Series(index=conflicting.index, dtype=object)
    for number, part in conflicting.groupby("piece"):
        found = pieces[int(str(number))].records(part["at"].tolist())
        record[part.index] = [as_json(one) for one in found]
    kept = conflicting[["piece", "reason", "message", "column", "value"]]
    return kept.assign(
        record=record, source=conflicting["source_file"], row=conflicting["source_row"]
    )


def _nothing_usable(paths: Sequence[Path], rejected: pa.Table) -> InputError:
    first = "; ".join(
        f"{row['source']} row {row['row']}: {row['reason']}: {row['message']}"
        for row in rejected.slice(0, REASONS_QUOTED).to_pylist()
    )
    return InputError(
        ", ".join(path.name for path in paths),
        f"none of {rejected.num_rows} rows can be used: {first}",
        "expected at least one usable rating",
        "Correct the file, or name its layout or columns.",
    )


def _noted(paths: list[Path], pieces: list[Piece]) -> list[str]:
    notes = []
    for path, piece in zip(paths, pieces, strict=True):
        notes += [f"{path.name}: {note}" for note in piece.notes]
        if piece.foreign:
            notes.append(f"{path.name}: {piece.foreign} paths do not begin with the prefix")
    return notes


def _table(frame: pd.DataFrame, types: pa.Schema) -> pa.Table:
    """The frame's columns with exact types; what pandas calls missing is null."""
    import pyarrow as pa

    arrays = []
    for field in types:
        cells: Any = frame[field.name]
        if pa.types.is_integer(field.type):
            cells = cells.astype("Int64")  # a float column with NaN: whole numbers and nulls
        array = pa.array(cells, type=field.type, from_pandas=True)
        arrays.append(array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array)
    return pa.Table.from_arrays(arrays, schema=types)
