"""One file's rows with their final types, apart from the rows that had to be rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import escape_dataset
from qbuild.core.errors import StageError
from qbuild.labels.tables import rejections
from qbuild.labels.tables.rejections import Refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from qbuild.labels.tables.layout import LayoutTable, ReadOptions

COLUMNS = (
    "path", "mos", "mos_std", "num_ratings", "votes", "scale_low", "scale_high", "split",
    "dataset", "source_row",
)  # fmt: skip
FEWEST, MOST = 2, 100  # grades in a list of votes
MOST_RATINGS = 2**31 - 1  # num_ratings is int32
_UNSAFE = "{value} is not safely below a root; expected a relative path with / and no .. component"


@dataclass(frozen=True)
class Piece:
    """What one file gave: `rows` has the rating columns and `at`, the position in its frame."""

    rows: pd.DataFrame
    rejected: pd.DataFrame  # row, reason, message, column, value, record
    notes: list[str]
    datasets: set[str]
    foreign: int  # paths that do not begin with strip_prefix
    records: Callable[[Sequence[int]], list[Any]]


def type_rows(table: LayoutTable, path: Path, options: ReadOptions) -> Piece:
    """The layout's rows checked and typed; a row is rejected for the first thing found wrong."""
    import numpy as np
    import pandas as pd

    _refuse_columns(table, path)
    frame = table.frame.reset_index(drop=True)
    bad, notes = Refusals(), list(table.notes)
    paths, foreign = _paths(frame["path"], options, bad)
    rows = pd.DataFrame({"dataset": _datasets(frame, table, path, options, notes), "path": paths})
    rows = rows.assign(**_numbers(frame, bad), votes=_votes(frame, bad), split=_split(frame))
    rows["source_file"] = path.name
    rows["source_row"] = _source_rows(frame)
    rows["at"] = np.arange(len(rows))
    datasets = {str(name) for name in rows["dataset"].unique()}
    records = table.records or (lambda at: frame.iloc[list(at)].to_dict(orient="records"))
    rejected = bad.frame(rows["source_row"].to_numpy(), records)
    good = rows.drop(index=list(bad.found)).reset_index(drop=True)
    if options.direction == "down":
        good = _turned(good, notes)
    good = _named(good, options)
    rejected = _both(table.rejected, rejected)
    return Piece(good, rejected, notes, datasets, foreign, records)


def _refuse_columns(table: LayoutTable, path: Path) -> None:
    """A layout that misspells a column would lose it without a word."""
    given = set(table.frame.columns)
    wrong = sorted(given - set(COLUMNS)) + sorted({"path", "mos"} - given)
    if wrong:
        raise StageError(
            path.name,
            f"the layout's table lacks or misspells the columns {', '.join(map(str, wrong))}",
            f"expected path, mos and others of {', '.join(COLUMNS)}",
        )


def _paths(
    cells: pd.Series[Any], options: ReadOptions, bad: Refusals
) -> tuple[pd.Series[Any], int]:
    from qbuild.labels.tables.cells import texts
    from qbuild.labels.tables.media_paths import prefixed, tidy, unsafe

    text, foreign = prefixed(texts(cells), options)
    text = tidy(text)
    path = text.to_pandas()
    empty = (path.isna() | (path == "")).to_numpy(dtype=bool)
    bad.refuse(empty, rejections.MISSING_PATH, "path", cells, "the row names no media file")
    bad.refuse(unsafe(text), rejections.UNSAFE_PATH, "path", cells, _UNSAFE)
    return path, foreign


def _datasets(
    frame: pd.DataFrame, table: LayoutTable, path: Path, options: ReadOptions, notes: list[str]
) -> pd.Series[Any]:
    """Each row's dataset: the option's, else its own, else the layout's or the file's stem."""
    import pandas as pd

    from qbuild.labels.tables.cells import texts

    default = options.dataset or table.default_dataset or path.stem
    if "dataset" not in frame:
        return pd.Series(default, index=frame.index, dtype="str")
    own = texts(frame["dataset"]).to_pandas().astype("str").replace("", None)
    if options.dataset is None:
        return own.fillna(default)
    others = sorted(set(own.dropna()) - {options.dataset})
    if others:
        notes.append(f"the dataset column ({', '.join(others[:5])}) gave way to {options.dataset}")
    return pd.Series(default, index=frame.index, dtype="str")


def _numbers(frame: pd.DataFrame, bad: Refusals) -> dict[str, NDArray[np.float64]]:
    """The numeric columns as float64, NaN where there is nothing."""
    import numpy as np

    from qbuild.labels.tables.cells import numbers

    columns: dict[str, NDArray[np.float64]] = {}
    for name in ("mos", "mos_std", "num_ratings", "scale_low", "scale_high"):
        if name not in frame:
            columns[name] = np.full(len(frame), np.nan)
            continue
        number = numbers(frame[name])
        bad.refuse_numbers(number, name, frame[name], required=name == "mos")
        columns[name] = number.values
    _refuse_ranges(frame, columns, bad)
    return columns


def _refuse_ranges(
    frame: pd.DataFrame, columns: Mapping[str, NDArray[np.float64]], bad: Refusals
) -> None:
    import numpy as np

    std, count = columns["mos_std"], columns["num_ratings"]
    bad.refuse(
        std < 0, rejections.OUT_OF_RANGE, "mos_std", frame.get("mos_std"),
        "{value} is below 0; expected a standard deviation",
    )  # fmt: skip
    whole = (count >= 1) & (count <= MOST_RATINGS) & (count == np.rint(count))
    bad.refuse(
        ~np.isnan(count) & ~whole, rejections.OUT_OF_RANGE, "num_ratings", frame.get("num_ratings"),
        "{value} is no number of ratings; expected a whole number from 1",
    )  # fmt: skip
    bad.refuse(
        columns["scale_low"] >= columns["scale_high"], rejections.OUT_OF_RANGE, "scale_low",
        frame.get("scale_low"), "the scale's low end {value} is not below its high end",
    )  # fmt: skip


def _votes(frame: pd.DataFrame, bad: Refusals) -> pd.Series[Any]:
    """Votes as lists of floats, worst to best; text is read as a JSON list."""
    import numpy as np
    import pandas as pd

    if "votes" not in frame:
        return pd.Series([None] * len(frame), index=frame.index, dtype=object)
    parsed = [_vote_list(cell) for cell in frame["votes"]]
    wrong = np.array([votes is False for votes in parsed], dtype=np.bool_)
    wording = "{value} is no list of 2 to 100 numbers from 0"
    bad.refuse(wrong, rejections.NOT_A_NUMBER, "votes", frame["votes"], wording)
    return pd.Series(parsed, index=frame.index, dtype=object)


def _vote_list(cell: object) -> list[float] | bool | None:
    """The cell's numbers, None where it is empty, False where it holds something else."""
    import json
    import sys

    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    if isinstance(cell, str) and cell.strip():
        try:
            cell = json.loads(cell)
        except ValueError:
            return False
    if not isinstance(cell, list):
        return None if cell is None or cell == "" or cell != cell else False  # noqa: PLR0124 - NaN
    counts = all(type(v) in (int, float) and 0 <= v <= sys.float_info.max for v in cell)
    return [float(v) for v in cell] if counts and FEWEST <= len(cell) <= MOST else False


def _split(frame: pd.DataFrame) -> pd.Series[Any]:
    import pandas as pd

    from qbuild.labels.tables.cells import texts

    if "split" not in frame:
        return pd.Series(None, index=frame.index, dtype="str")
    return texts(frame["split"]).to_pandas().astype("str").replace("", None)


def _source_rows(frame: pd.DataFrame) -> NDArray[np.int64]:
    import numpy as np

    if "source_row" in frame:
        return frame["source_row"].to_numpy(dtype=np.int64)
    return np.arange(1, len(frame) + 1, dtype=np.int64)


def _turned(rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Scores mirrored in their declared scale, else in what this file shows of the dataset."""
    import numpy as np

    scores = rows.groupby("dataset", sort=False)["mos"]
    declared = (rows["scale_low"] + rows["scale_high"]).to_numpy()
    observed = (scores.transform("min") + scores.transform("max")).to_numpy()
    undeclared = np.isnan(declared)
    for dataset, ends in rows[undeclared].groupby("dataset", sort=False):
        total = observed[ends.index[0]]
        notes.append(f"{dataset}: scores turned round to {total:g} - score, the observed ends")
    votes = rows["votes"].map(lambda vote: None if vote is None else vote[::-1])
    return rows.assign(mos=np.where(undeclared, observed, declared) - rows["mos"], votes=votes)


def _named(rows: pd.DataFrame, options: ReadOptions) -> pd.DataFrame:
    """The rows with licence, source and media id."""
    dataset = rows["dataset"]
    given: dict[str, Any] = {
        "licence": _looked_up(dataset, options.licence),
        "source": _looked_up(dataset, options.source),
    }
    names = {name: escape_dataset(name) for name in dataset.unique()}
    return rows.assign(**given, media_id=dataset.map(names).astype("str") + ":" + rows["path"])


def _looked_up(dataset: pd.Series[Any], said: Mapping[str, str]) -> pd.Series[Any]:
    known = {name: said.get(name, said.get("")) for name in dataset.unique()}
    return dataset.map(known).astype("str")


def _both(first: pd.DataFrame | None, second: pd.DataFrame) -> pd.DataFrame:
    """Rejected rows of the layout and of the checks, in the file's order."""
    import pandas as pd

    parts = [part for part in (first, second) if part is not None and len(part)]
    return pd.concat(parts).sort_values("row", kind="stable") if parts else second
