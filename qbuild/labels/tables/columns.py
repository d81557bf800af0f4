"""Which column of a file means what: by the user's word, else by known synonyms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import QbuildError, SchemaError, UsageError, near, raise_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from qbuild.labels.tables.layout import ReadOptions
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
DEGRADATION = "dmos"  # up in KADID-10k, down in most other data: never read without a word on it


def spelled(name: str) -> str:
    """A column's name without the accidents of spelling: `Image name` is `image_name`."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def known(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The names that are one of the wanted ones, however spelled."""
    synonyms = set(wanted)
    return [name for name in names if spelled(name) in synonyms]


def resolve(
    grid: Grid,
    wanted: Mapping[str, tuple[str, ...]],
    given: Mapping[str, str],
    required: tuple[str, ...],
) -> dict[str, str]:
    """Canonical name → the file's column; all that is missing or ambiguous is told at once.

    The user's word comes first, then a column with the canonical name itself, then the only
    synonym. A path may be `a+b`: the cells of two columns with a slash between them.
    """
    _refuse_unknown(given, wanted)
    problems: list[QbuildError] = []
    found: dict[str, str] = {}
    for canonical, name in given.items():
        try:
            found[canonical] = _as_given(grid, canonical, name)
        except SchemaError as error:
            problems.append(error)
    taken = {part for name in found.values() for part in (name, *name.split("+"))}
    for canonical in (name for name in wanted if name not in given):
        names = known((name for name in grid.names if name not in taken), wanted[canonical])
        chosen = _exact(names, canonical)
        if len(chosen) == 1:
            found[canonical] = chosen[0]
        elif chosen or canonical in required:
            problems.append(_unclear(grid, canonical, chosen, wanted[canonical]))
    raise_all(problems)
    return found


def cells(grid: Grid, name: str) -> pd.Series[Any]:
    """The cells of a resolved column, or of several joined by `+`."""
    if name in grid.names:
        return grid.column(name)
    from qbuild.labels.tables.cells import texts

    parts = [texts(grid.column(part)).to_pandas().astype("str") for part in name.split("+")]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + "/" + part
    return joined  # missing where a part is missing


def column_of(grid: Grid, name: str) -> pd.Series[Any]:
    """The cells of the one column of that name, however spelled, or SchemaError."""
    return grid.column(resolve(grid, {name: (name,)}, {}, required=(name,))[name])


def has(grid: Grid, name: str) -> bool:
    """Whether a column of that name is there, however spelled."""
    return bool(known(grid.names, [name]))


def synonyms_for(options: ReadOptions) -> dict[str, tuple[str, ...]]:
    """The synonyms of a table; `dmos` is a score only once its direction was given as down."""
    if options.direction == "down":
        return SYNONYMS | {"mos": (*MOS, DEGRADATION)}
    return SYNONYMS


def _refuse_unknown(given: Mapping[str, str], wanted: Mapping[str, object]) -> None:
    for canonical in given:
        if canonical not in wanted:
            raise UsageError(
                "--columns",
                f"{canonical!r} is no column that this layout reads",
                f"expected {', '.join(wanted)}",
                near(canonical, wanted),
            )


def _as_given(grid: Grid, canonical: str, name: str) -> str:
    if canonical == "path" and name not in grid.names and "+" in name:
        return "+".join(_one(grid, canonical, part) for part in name.split("+"))
    return _one(grid, canonical, name)


def _one(grid: Grid, canonical: str, name: str) -> str:
    exact = [column for column in grid.names if column == name]
    alike = exact or known(grid.names, [spelled(name)])
    if len(alike) == 1:
        return alike[0]
    raise SchemaError(
        str(grid.path),
        f"{len(alike)} columns are named {name!r}" if alike else f"no column is named {name!r}",
        f"expected the one column for {canonical}",
        "Rename them in the file." if alike else near(name, grid.names),
    )


def _exact(names: list[str], canonical: str) -> list[str]:
    exact = [name for name in names if spelled(name) == canonical]
    return exact or names


def _unclear(
    grid: Grid, canonical: str, names: list[str], synonyms: tuple[str, ...]
) -> SchemaError:
    if names:
        what = f"several columns could be {canonical}: {', '.join(names)}"
        repeated = len(set(names)) < len(names)
        todo = f"Choose one with --columns {canonical}={names[0]}."
        todo = "Rename them in the file." if repeated else todo
    elif canonical == "mos" and known(grid.names, [DEGRADATION]):
        what = "the only score column is 'dmos', which counts up in some data and down in other"
        todo = "Say --columns mos=dmos where higher is better, --direction down where it is worse."
    else:
        what = f"no column for {canonical} among {', '.join(map(repr, grid.names[:12]))}"
        todo = f"Name it with --columns {canonical}=NAME. {nearest(grid.names, synonyms)}".rstrip()
    return SchemaError(str(grid.path), what, f"expected one of {', '.join(synonyms)}", todo)


def nearest(names: list[str], synonyms: tuple[str, ...]) -> str:
    """A hint `Did you mean …?` with the columns whose names resemble a synonym, or `""`."""
    import difflib

    close = [n for n in names if difflib.get_close_matches(spelled(n), synonyms, n=1, cutoff=0.6)]
    return f"Did you mean {', '.join(close)}?" if close else ""
