"""Prediction files as typed rows of schema `prediction`, and the rejected rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from qbuild.core.canonical import escape_dataset
from qbuild.core.engine.stage import Output
from qbuild.core.errors import SchemaError
from qbuild.core.rows.rejections import rejected_table
from qbuild.core.schema import load_schema
from qbuild.labels.predictions import forms
from qbuild.labels.predictions.columns import fuse, read_column, read_logits
from qbuild.labels.predictions.options import FILE_MODEL, PredictionOptions, split_words
from qbuild.labels.tables.columns import column_cells, resolve_columns
from qbuild.labels.tables.media_paths import check_strip_prefix, read_paths
from qbuild.labels.tables.options import read_each
from qbuild.labels.tables.rejections import RowRejections
from qbuild.labels.tables.table import Grid, read_grid
from qbuild.quality.arrays import Floats, Ints

BACKEND = "file"


def read_files(paths: list[Path], options: PredictionOptions, limit: int | None) -> list[Output]:
    """The rows of each file; with a limit, the first of them all. All files' errors at once."""
    outputs: list[Output] = []

    def until_limit() -> Iterator[Path]:
        for path in paths:
            if left() != 0:
                yield path

    def left() -> int | None:
        return None if limit is None else limit - sum(len(output.rows or ()) for output in outputs)

    def read(path: Path) -> Output:
        outputs.append(_read_file(path, options, left()))
        return outputs[-1]

    return read_each(until_limit(), read, "prediction file")


def _read_file(path: Path, options: PredictionOptions, limit: int | None) -> Output:
    grid = read_grid(path)
    form, rejections = forms.choose_form(grid, options.form), RowRejections()
    columns = _resolve(grid, form, options)
    path_cells = column_cells(grid, columns["path"])
    text, unprefixed = read_paths(path_cells, options, rejections)
    check_strip_prefix(options, unprefixed, len(text))
    scores = _scores(grid, form, columns, rejections)
    logits = read_logits(grid, split_words(options.words), rejections)
    if scores is None and logits is None:
        raise SchemaError(
            str(path),
            f"no column of scores or logits among {', '.join(map(repr, grid.names[:12]))}",
            f"expected one of {', '.join(forms.SCORE)}, or columns logit_WORD",
            "Name it with --columns score=NAME.",
        )
    mos = np.full(len(text), np.nan)
    if "mos" in columns:
        mos = read_column(grid.column(columns["mos"]), "mos", rejections, required=False)
    valid = [at for at in range(len(text)) if at not in rejections.by_position][:limit]
    good = np.array(valid, dtype=np.int64)
    rejected = rejections.rows(path.name, grid.records)
    if limit is not None and len(good) == limit:
        rejected = [row for row in rejected if row.row <= good[-1]]
    rows = {
        **_identify(text.take(pa.array(good)), path, options),
        **_score_column(scores, good),
        **_logit_columns(logits, form.temperature, good),
        "mos": pa.array(mos[good], from_pandas=True),
        "source_row": good + 1,
    }
    return Output(
        rows=load_schema("prediction").cast(pa.table(rows), str(path)),
        rejected=rejected_table(rejected),
    )


def _identify(paths: pa.Array[Any], file: Path, options: PredictionOptions) -> dict[str, Any]:
    """The columns that identify medium, model and file."""
    dataset = escape_dataset(options.dataset or file.stem)
    return {
        "media_id": [f"{dataset}:{path}" for path in paths.to_pylist()],
        "path": paths,
        "backend": [BACKEND] * len(paths),
        "model": [options.model or FILE_MODEL] * len(paths),
        "source_file": [file.name] * len(paths),
    }


def _resolve(grid: Grid, form: forms.Form, options: PredictionOptions) -> dict[str, str]:
    given = options.column_names
    synonyms = {"path": forms.PATH, "score": forms.SCORE, "mos": forms.MOS}
    if form.fused and not {"score", "mos"} & given.keys():
        del synonyms["score"]
    return resolve_columns(grid, synonyms, given, required=("path",))


def _scores(
    grid: Grid, form: forms.Form, columns: dict[str, str], rejections: RowRejections
) -> Floats | None:
    if "score" in columns:
        return read_column(grid.column(columns["score"]), "score", rejections, required=True)
    return fuse(grid, form.fused, rejections) if form.fused else None


def _score_column(scores: Floats | None, good: Ints) -> dict[str, Any]:
    """`score` where the whole file is in [0, 1], else `raw_score`, on another scale."""
    if scores is None:
        return {}
    kept = scores[good]
    within = bool(((kept >= 0) & (kept <= 1)).all())
    return {"score" if within else "raw_score": kept}


def _logit_columns(
    logits: tuple[list[str], Floats] | None, temperature: float | None, good: Ints
) -> dict[str, Any]:
    if logits is None:
        return {}
    words, values = logits
    return {
        "words": pa.array([words] * len(good), pa.list_(pa.string())),
        "logits": pa.array(list(values[good]), pa.list_(pa.float64())),
        "temperature": pa.array([temperature] * len(good), pa.float64()),
    }
