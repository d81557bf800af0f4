"""Prediction files as typed rows of schema `prediction`, apart from the rows that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from qbuild.core.canonical import escape_dataset
from qbuild.core.engine.stage import Output
from qbuild.core.errors import QbuildError, SchemaError, UsageError, raise_all
from qbuild.core.schema import load_schema
from qbuild.labels.predictions import forms
from qbuild.labels.predictions.columns import fused, logits_of
from qbuild.labels.predictions.options import FILE_MODEL, PredictionOptions, worded
from qbuild.labels.tables import rejections
from qbuild.labels.tables.cells import numbers, texts
from qbuild.labels.tables.columns import cells, resolve
from qbuild.labels.tables.layout import ReadOptions
from qbuild.labels.tables.media_paths import prefixed, tidy, unsafe
from qbuild.labels.tables.options import named_columns
from qbuild.labels.tables.rejections import Refusals
from qbuild.labels.tables.table import Grid, read_grid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BACKEND = "file"
_UNSAFE = "{value} is not safely below a root; expected a relative path with / and no .. component"


def gathered(paths: list[Path], options: PredictionOptions, limit: int | None) -> Iterator[Output]:
    """The rows of each file; with a limit, the first of them all. All files' errors at once."""
    found: list[Output] = []
    problems: list[QbuildError] = []
    left = limit
    for path in paths:
        if left is not None and left <= 0:
            break
        try:
            found.append(_of_file(path, options, left))
        except UsageError:
            raise
        except QbuildError as error:
            problems.append(error)
        else:
            rows = found[-1].rows
            left = left if left is None or rows is None else left - rows.num_rows
    raise_all(problems)
    yield from found


def _of_file(path: Path, options: PredictionOptions, limit: int | None) -> Output:
    grid = read_grid(path)
    form, bad = forms.form_of(grid, options.form), Refusals()
    columns = _resolved(grid, form, options)
    count = len(grid.frame)
    paths = _paths(cells(grid, columns["path"]), options, bad)
    scores = _scores(grid, form, columns, bad)
    logits = logits_of(grid, worded(options.words), bad)
    if scores is None and logits is None:
        raise SchemaError(
            str(path),
            f"no column of scores or logits among {', '.join(map(repr, grid.names[:12]))}",
            f"expected one of {', '.join(forms.SCORE)}, or columns logit_WORD",
            "Name it with --columns score=NAME.",
        )
    opinions = _numbers(grid, columns.get("mos"), "mos", bad, required=False)
    rejected = bad.frame(np.arange(1, count + 1), grid.records)
    good = np.array([at for at in range(count) if at not in bad.found][:limit], dtype=np.int64)
    if limit is not None and len(good) == limit:
        rejected = rejected[rejected["row"] <= good[-1]]
    said = {
        **_named(paths[good], path, options),
        **_scored(scores, good),
        **_lettered(logits, form.temperature, good),
        "mos": pa.array(opinions[good], from_pandas=True),
        "source_row": good + 1,
    }
    return Output(
        rows=load_schema("prediction").cast(pa.table(said), str(path)),
        rejected=_rejected(rejected, path.name),
    )


def _named(paths: NDArray[Any], file: Path, options: PredictionOptions) -> dict[str, Any]:
    """What a row is of, and who said it."""
    dataset = escape_dataset(options.dataset or file.stem)
    return {
        "media_id": [f"{dataset}:{path}" for path in paths],
        "path": paths,
        "backend": [BACKEND] * len(paths),
        "model": [options.model or FILE_MODEL] * len(paths),
        "source_file": [file.name] * len(paths),
    }


def _resolved(grid: Grid, form: forms.Form, options: PredictionOptions) -> dict[str, str]:
    given = named_columns(options.columns, "score")
    if not {"score", "mos"} & given.keys() and form.fused:
        wanted = {"path": forms.PATH, "mos": forms.MOS}
    else:
        wanted = {"path": forms.PATH, "score": forms.SCORE, "mos": forms.MOS}
    return resolve(grid, wanted, given, required=("path",))


def _paths(column: pd.Series[Any], options: PredictionOptions, bad: Refusals) -> NDArray[Any]:
    rules = ReadOptions(strip_prefix=options.strip_prefix, add_prefix=options.add_prefix)
    text, foreign = prefixed(texts(column), rules)
    if options.strip_prefix and foreign >= len(column):
        raise UsageError(
            "--strip-prefix",
            f"no path begins with {options.strip_prefix!r}",
            "expected the beginning of the paths as the file has them",
        )
    text = tidy(text)
    path = text.to_pandas()
    empty = (path.isna() | (path == "")).to_numpy(dtype=bool)
    bad.refuse(empty, rejections.MISSING_PATH, "path", column, "the row names no media file")
    bad.refuse(unsafe(text), rejections.UNSAFE_PATH, "path", column, _UNSAFE)
    return path.to_numpy(dtype=object)


def _scores(grid: Grid, form: forms.Form, columns: dict[str, str], bad: Refusals) -> Floats | None:
    if "score" in columns:
        return _numbers(grid, columns["score"], "score", bad, required=True)
    return fused(grid, form.fused, bad) if form.fused else None


def _numbers(grid: Grid, column: str | None, name: str, bad: Refusals, *, required: bool) -> Floats:
    if column is None:
        return np.full(len(grid.frame), np.nan)
    found = numbers(grid.column(column))
    bad.refuse_numbers(found, name, grid.column(column), required=required)
    return found.values


def _scored(scores: Floats | None, good: NDArray[np.int64]) -> dict[str, Any]:
    """`score` where the whole file lies in [0, 1], else `raw_score`: on a scale of its own."""
    if scores is None:
        return {}
    kept = scores[good]
    within = bool(((kept >= 0) & (kept <= 1)).all())
    return {"score" if within else "raw_score": kept}


def _lettered(
    logits: tuple[list[str], Floats] | None, temperature: float | None, good: NDArray[np.int64]
) -> dict[str, Any]:
    if logits is None:
        return {}
    words, values = logits
    return {
        "words": pa.array([words] * len(good), pa.list_(pa.string())),
        "logits": pa.array(list(values[good]), pa.list_(pa.float64())),
        "temperature": pa.array([temperature] * len(good), pa.float64()),
    }


def _rejected(rows: pd.DataFrame, name: str) -> pa.Table:
    schema = load_schema("rejected").arrow
    whole: Any = rows.assign(source=name).astype(object).to_dict(orient="records")
    return pa.Table.from_pylist(
        [{key: None if value != value else value for key, value in row.items()} for row in whole],  # noqa: PLR0124
        schema=schema,
    )
