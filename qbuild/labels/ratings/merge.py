"""Several rating files as one table of ratings, and the rejected rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from qbuild.core.errors import InputError, UsageError, suggest
from qbuild.core.rows.rejections import rejected_table
from qbuild.core.schema import load_schema
from qbuild.labels.ratings.duplicates import deduplicate
from qbuild.labels.ratings.layout import Layout
from qbuild.labels.ratings.options import RatingOptions, parse_by_dataset
from qbuild.labels.ratings.registry import get_layout, recognise
from qbuild.labels.ratings.validate import FileRows, validate_rows
from qbuild.labels.tables.media_paths import check_strip_prefix
from qbuild.labels.tables.options import read_each
from qbuild.labels.tables.sniff import sniff

QUOTED_REASONS = 3
DEFAULTS = RatingOptions()


@dataclass(frozen=True)
class Ratings:
    """The ratings of all files, in the order of files and records.

    `collapsed` counts the rows that were identical to an earlier one.
    """

    rows: pa.Table
    rejected: pa.Table
    notes: list[str]
    collapsed: int


def read_ratings(
    paths: Sequence[Path], layout: str | Layout = "auto", options: RatingOptions = DEFAULTS
) -> Ratings:
    """All files' ratings; InputError where none is usable; every file's errors at once."""
    ratings = merge_files(paths, layout, options)
    if not ratings.rows.num_rows:
        raise _none_usable(paths, ratings.rejected)
    return ratings


def merge_files(
    paths: Sequence[Path],
    layout: str | Layout = "auto",
    options: RatingOptions = DEFAULTS,
    limit: int | None = None,
) -> Ratings:
    """As `read_ratings`, but without rows where every row was rejected.

    With a limit, the first usable rows, and the rejected ones before the last of them.
    """
    if isinstance(layout, str) and layout != "auto":
        get_layout(layout)
    files = read_each(paths, lambda path: _read_file(path, layout, options), "rating file")
    _check_used(files, options)
    return _merge(list(paths), files, limit)


def _read_file(path: Path, layout: str | Layout, options: RatingOptions) -> FileRows:
    chosen = _choose_layout(path, layout, options)
    for name, is_set in (("columns", options.columns), ("screen", options.screen != "none")):
        if is_set and name not in chosen.uses:
            raise UsageError(
                f"--{name}",
                f"the layout {chosen.name} of {path.name} does not use it",
                "expected a table" if name == "columns" else "expected votes of single subjects",
                f"Leave out --{name}, or give --layout.",
            )
    return validate_rows(chosen.read(path, options), path, options)


def _choose_layout(path: Path, layout: str | Layout, options: RatingOptions) -> Layout:
    if isinstance(layout, Layout):
        return layout
    if layout != "auto":
        return get_layout(layout)
    if not options.columns:
        return recognise(path)
    votes = get_layout("subject-votes")  # columns are given: the file is a table
    is_votes = "subject" in options.column_names or votes.matches(sniff(path))
    return votes if is_votes else get_layout("table")


def _check_used(files: list[FileRows], options: RatingOptions) -> None:
    """Raise for options that changed nothing: a dataset or prefix may be misspelled."""
    datasets = {name for file in files for name in file.datasets}
    for option, texts in (("--licence", options.licence), ("--source", options.source)):
        for name in parse_by_dataset(texts):
            if name and name not in datasets:
                raise UsageError(
                    option,
                    f"no row is of dataset {name!r}",
                    "expected a dataset of the inputs",
                    suggest(name, datasets),
                )
    rows = sum(len(file.rows) + len(file.rejected) for file in files)
    check_strip_prefix(options, sum(file.unprefixed for file in files), rows)


def _merge(paths: list[Path], files: list[FileRows], limit: int | None) -> Ratings:
    schema = load_schema("rating").arrow
    rows = pd.concat(
        [file.rows.assign(file=number) for number, file in enumerate(files)], ignore_index=True
    )
    unique = deduplicate(rows, [file.records for file in files])
    rejected = [(number, row) for number, file in enumerate(files) for row in file.rejected]
    rejected = sorted([*rejected, *unique.conflicts], key=lambda one: (one[0], one[1].row))
    kept = unique.rows
    if limit is not None and limit <= len(kept):
        kept = kept.iloc[:limit]
        last = (kept["file"].iloc[-1], kept["source_row"].iloc[-1])
        rejected = [(number, row) for number, row in rejected if (number, row.row) < last]
    return Ratings(
        pa.Table.from_pandas(kept, schema, preserve_index=False).replace_schema_metadata(),
        rejected_table(row for _, row in rejected) or load_schema("rejected").arrow.empty_table(),
        _notes(paths, files),
        unique.collapsed,
    )


def _none_usable(paths: Sequence[Path], rejected: pa.Table) -> InputError:
    first = "; ".join(
        f"{row['source']} row {row['row']}: {row['reason']}: {row['message']}"
        for row in rejected.slice(0, QUOTED_REASONS).to_pylist()
    )
    return InputError(
        ", ".join(path.name for path in paths),
        f"none of {rejected.num_rows} rows can be used: {first}",
        "expected at least one usable rating",
        "Correct the file, or name its layout or columns.",
    )


def _notes(paths: list[Path], files: list[FileRows]) -> list[str]:
    notes = []
    for path, file in zip(paths, files, strict=True):
        notes += [f"{path.name}: {note}" for note in file.notes]
        if file.unprefixed:
            notes.append(f"{path.name}: {file.unprefixed} paths do not begin with the prefix")
    return notes
