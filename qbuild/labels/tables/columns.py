"""Which column of a file means what: as named with `--columns`, else by known synonyms."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from qbuild.core.errors import QbuildError, SchemaError, UsageError, raise_all, suggest
from qbuild.labels.tables.cells import to_text
from qbuild.labels.tables.table import Grid

PATH = (
    "path", "image", "image_name", "image_path", "img", "img_name", "img_path",
    "video", "video_name", "video_path", "media", "media_path", "file", "file_name",
    "file_path", "filename", "filepath", "name", "dist_name", "dist_img", "streaming_log",
    "pvs", "pvs_id", "stimulus",
)  # fmt: skip
MOS = ("mos", "score", "gt_score", "mos_score", "mean_opinion_score", "rating", "label")
SYNONYMS: dict[str, tuple[str, ...]] = {
    "path": PATH,
    "mos": MOS,
    "mos_std": ("mos_std", "mos_sd", "std", "sd", "std_dev", "stddev", "stdev"),
    "num_ratings": ("num_ratings", "num_votes", "c_total", "count", "n", "n_ratings", "n_votes"),
    "votes": ("votes",),
    "scale_low": ("scale_low", "scale_min"),
    "scale_high": ("scale_high", "scale_max"),
    "split": ("split", "set", "subset"),
    "dataset": ("dataset", "dataset_name"),
}
DMOS = "dmos"  # higher is better in KADID-10k, worse in most other data: never read by default


def normalise_name(name: str) -> str:
    """A column's name without case, blanks and hyphens: `Image name` becomes `image_name`."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def find_names(names: Iterable[str], synonyms: Iterable[str]) -> list[str]:
    """The names that are one of the synonyms after normalisation."""
    wanted = set(synonyms)
    return [name for name in names if normalise_name(name) in wanted]


def resolve_columns(
    grid: Grid,
    synonyms: Mapping[str, tuple[str, ...]],
    user_columns: Mapping[str, str],
    required: tuple[str, ...],
) -> dict[str, str]:
    """Canonical name → the file's column; all missing and ambiguous columns are raised together.

    A column named by the user comes first, then one with the canonical name, then the only
    synonym. A path may be `a+b`: the cells of two columns joined by a slash.
    """
    check_canonical(user_columns, synonyms)
    problems: list[QbuildError] = []
    columns: dict[str, str] = {}
    for canonical, name in user_columns.items():
        try:
            columns[canonical] = _find_user_column(grid, canonical, name)
        except SchemaError as error:
            problems.append(error)
    taken = {part for name in columns.values() for part in (name, *name.split("+"))}
    for canonical in (name for name in synonyms if name not in user_columns):
        names = find_names((name for name in grid.names if name not in taken), synonyms[canonical])
        exact = [name for name in names if normalise_name(name) == canonical]
        candidates = exact or names
        if len(candidates) == 1:
            columns[canonical] = candidates[0]
        elif candidates or canonical in required:
            problems.append(_unclear(grid, canonical, candidates, synonyms[canonical]))
    raise_all(problems)
    return columns


def column_cells(grid: Grid, name: str) -> pd.Series[Any]:
    """The cells of a resolved column, or of several joined by `+`; missing where a part is."""
    if name in grid.names:
        return grid.column(name)
    first, *rest = (
        to_text(grid.column(part)).to_pandas().astype("str") for part in name.split("+")
    )
    for part in rest:
        first = first + "/" + part
    return first


def column_named(grid: Grid, name: str) -> pd.Series[Any]:
    """The cells of the one column of that normalised name, or SchemaError."""
    return grid.column(resolve_columns(grid, {name: (name,)}, {}, required=(name,))[name])


def has_column(grid: Grid, name: str) -> bool:
    """Whether the table has a column of that normalised name."""
    return bool(find_names(grid.names, [name]))


def suggest_columns(names: list[str], synonyms: tuple[str, ...]) -> str:
    """A hint `Did you mean …?` with the columns whose names resemble a synonym, or `""`."""
    close = [
        name
        for name in names
        if difflib.get_close_matches(normalise_name(name), synonyms, n=1, cutoff=0.6)
    ]
    return f"Did you mean {', '.join(close)}?" if close else ""


def check_canonical(user_columns: Mapping[str, str], synonyms: Mapping[str, object]) -> None:
    """Raise a UsageError for a name in `--columns` that no layout of the files has."""
    for canonical in user_columns:
        if canonical not in synonyms:
            raise UsageError(
                "--columns",
                f"{canonical!r} is not the name of a column",
                f"expected {', '.join(synonyms)}",
                suggest(canonical, synonyms),
            )


def _find_user_column(grid: Grid, canonical: str, name: str) -> str:
    joined = canonical == "path" and name not in grid.names
    parts = name.split("+") if joined else [name]
    return "+".join(_only_column(grid, canonical, part) for part in parts)


def _only_column(grid: Grid, canonical: str, name: str) -> str:
    exact = [column for column in grid.names if column == name]
    same = exact or find_names(grid.names, [normalise_name(name)])
    if len(same) == 1:
        return same[0]
    raise SchemaError(
        str(grid.path),
        f"{len(same)} columns are named {name!r}" if same else f"no column is named {name!r}",
        f"expected the one column for {canonical}",
        "Rename them in the file." if same else suggest(name, grid.names),
    )


def _unclear(
    grid: Grid, canonical: str, names: list[str], synonyms: tuple[str, ...]
) -> SchemaError:
    if names:
        what = f"several columns could be {canonical}: {', '.join(names)}"
        todo = f"Choose one with --columns {canonical}={names[0]}."
        if len(set(names)) < len(names):
            todo = "Rename them in the file."
    elif canonical == "mos" and find_names(grid.names, [DMOS]):
        what = "the only score column is 'dmos', which is higher for better quality in some data"
        todo = "Give --columns mos=dmos where higher is better, --direction down where it is worse."
    else:
        what = f"no column for {canonical} among {', '.join(map(repr, grid.names[:12]))}"
        hint = suggest_columns(grid.names, synonyms)
        todo = f"Name it with --columns {canonical}=NAME. {hint}".rstrip()
    return SchemaError(str(grid.path), what, f"expected one of {', '.join(synonyms)}", todo)
