"""The rows of one rating file with their final types, and the rejected rows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qbuild.core.canonical import escape_dataset
from qbuild.core.errors import StageError
from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.ratings.layout import LayoutTable
from qbuild.labels.ratings.options import RatingOptions, parse_by_dataset
from qbuild.labels.tables.cells import is_null, to_numbers, to_text
from qbuild.labels.tables.media_paths import read_paths
from qbuild.labels.tables.rejections import NOT_A_NUMBER, OUT_OF_RANGE, RowRejections
from qbuild.quality.arrays import Floats

NUMBERS = ("mos", "mos_std", "num_ratings", "scale_low", "scale_high")
COLUMNS = ("path", *NUMBERS, "votes", "split", "dataset", "source_row")
MIN_GRADES, MAX_GRADES = 2, 100  # in a list of votes
MAX_RATINGS = 2**31 - 1  # num_ratings is int32


@dataclass(frozen=True)
class FileRows:
    """The rows of one file: `rows` has the rating columns and `at`, the position in its table."""

    rows: pd.DataFrame
    rejected: list[RejectedRow]
    notes: list[str]
    datasets: set[str]
    unprefixed: int  # paths that do not begin with strip_prefix
    records: Callable[[Sequence[int]], list[Any]]


def validate_rows(table: LayoutTable, path: Path, options: RatingOptions) -> FileRows:
    """The layout's rows checked and typed; a row is rejected for its first fault."""
    _check_layout_columns(table, path)
    frame = table.frame.reset_index(drop=True)
    rejections, notes = RowRejections(), list(table.notes)
    paths, unprefixed = read_paths(frame["path"], options, rejections)
    rows = pd.DataFrame(
        {
            "dataset": _datasets(frame, table, path, options, notes),
            "path": paths.to_pandas(),
            **_numbers(frame, rejections),
            "votes": _votes(frame, rejections),
            "split": _text_or_none(frame, "split"),
            "source_file": path.name,
            "source_row": frame.get("source_row", np.arange(1, len(frame) + 1)),
            "at": np.arange(len(frame)),
        }
    )
    datasets = {str(name) for name in rows["dataset"].unique()}
    records = table.records or (lambda at: frame.iloc[list(at)].to_dict(orient="records"))
    rejected = rejections.rows(path.name, records, rows["source_row"].to_numpy())
    valid = rows.drop(index=list(rejections.by_position)).reset_index(drop=True)
    if options.direction == "down":
        valid = _mirror(valid, notes)
    return FileRows(
        _identify(valid, options),
        sorted([*table.rejected, *rejected], key=lambda row: row.row),
        notes,
        datasets,
        unprefixed,
        records,
    )


def _check_layout_columns(table: LayoutTable, path: Path) -> None:
    """A column that a layout misspells would be lost silently."""
    names = set(table.frame.columns)
    wrong = sorted(names - set(COLUMNS)) + sorted({"path", "mos"} - names)
    if wrong:
        raise StageError(
            path.name,
            f"the layout's table lacks or misspells the columns {', '.join(map(str, wrong))}",
            f"expected path, mos and others of {', '.join(COLUMNS)}",
        )


def _datasets(
    frame: pd.DataFrame, table: LayoutTable, path: Path, options: RatingOptions, notes: list[str]
) -> pd.Series[Any]:
    """Each row's dataset: the option's, else its own, else the layout's or the file's stem."""
    default = options.dataset or table.default_dataset or path.stem
    own = _text_or_none(frame, "dataset")
    if not options.dataset:
        return own.fillna(default)
    others = sorted(set(own.dropna()) - {options.dataset})
    if others:
        names = ", ".join(others[:5])
        notes.append(f"the dataset column ({names}) was replaced by {options.dataset}")
    return pd.Series(default, index=frame.index, dtype="str")


def _text_or_none(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """The text of a column, missing where a cell is empty or the column is."""
    if name not in frame:
        return pd.Series(None, index=frame.index, dtype="str")
    return to_text(frame[name]).to_pandas().astype("str").replace("", None)


def _numbers(frame: pd.DataFrame, rejections: RowRejections) -> dict[str, Floats]:
    """The numeric columns as float64, NaN where a cell is empty."""
    columns: dict[str, Floats] = {}
    for name in NUMBERS:
        if name not in frame:
            columns[name] = np.full(len(frame), np.nan)
            continue
        numbers = to_numbers(frame[name])
        rejections.reject_numbers(numbers, name, frame[name], required=name == "mos")
        columns[name] = numbers.values
    count = columns["num_ratings"]
    whole = (count >= 1) & (count <= MAX_RATINGS) & (count == np.rint(count))
    faults = {
        "mos_std": (columns["mos_std"] < 0, "{value} is below 0; expected a standard deviation"),
        "num_ratings": (
            ~np.isnan(count) & ~whole,
            "{value} is not a number of ratings; expected a whole number from 1",
        ),
        "scale_low": (
            columns["scale_low"] >= columns["scale_high"],
            "the low end {value} of the scale is not below its high end",
        ),
    }
    for name, (mask, message) in faults.items():
        rejections.reject(mask, OUT_OF_RANGE, name, frame.get(name), message)
    return columns


def _votes(frame: pd.DataFrame, rejections: RowRejections) -> pd.Series[Any]:
    """Votes as lists of floats, worst to best; text is parsed as a JSON list."""
    if "votes" not in frame:
        return pd.Series([None] * len(frame), index=frame.index, dtype=object)
    parsed = [_parse_votes(cell) for cell in frame["votes"]]
    wrong = np.array([votes is False for votes in parsed], dtype=np.bool_)
    message = "{value} is not a list of 2 to 100 numbers from 0"
    rejections.reject(wrong, NOT_A_NUMBER, "votes", frame["votes"], message)
    return pd.Series(parsed, index=frame.index, dtype=object)


def _parse_votes(cell: object) -> list[float] | bool | None:
    """The cell's numbers, None where it is empty, False where it holds anything else."""
    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    if isinstance(cell, str) and cell.strip():
        try:
            cell = json.loads(cell)
        except ValueError:
            return False
    if not isinstance(cell, list):
        return None if is_null(cell) or cell == "" else False
    counts = all(type(v) in (int, float) and 0 <= v <= sys.float_info.max for v in cell)
    if not counts or not MIN_GRADES <= len(cell) <= MAX_GRADES:
        return False
    return [float(v) for v in cell]


def _mirror(rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Scores mirrored in their declared scale, else in the range of the dataset in this file."""
    scores = rows.groupby("dataset", sort=False)["mos"]
    declared = (rows["scale_low"] + rows["scale_high"]).to_numpy()
    observed = (scores.transform("min") + scores.transform("max")).to_numpy()
    undeclared = np.isnan(declared)
    for dataset, ends in rows[undeclared].groupby("dataset", sort=False):
        total = observed[ends.index[0]]
        notes.append(f"{dataset}: scores mirrored as {total:g} - score, from the observed range")
    votes = rows["votes"].map(lambda vote: None if vote is None else vote[::-1])
    return rows.assign(mos=np.where(undeclared, observed, declared) - rows["mos"], votes=votes)


def _identify(rows: pd.DataFrame, options: RatingOptions) -> pd.DataFrame:
    """The rows with licence, source and media id."""
    dataset = rows["dataset"]

    def look_up(texts: tuple[str, ...]) -> pd.Series[Any]:
        by_dataset = parse_by_dataset(texts)
        known = {name: by_dataset.get(name, by_dataset.get("")) for name in dataset.unique()}
        return dataset.map(known).astype("str")

    escaped = {name: escape_dataset(name) for name in dataset.unique()}
    return rows.assign(
        licence=look_up(options.licence),
        source=look_up(options.source),
        media_id=dataset.map(escaped).astype("str") + ":" + rows["path"],
    )
