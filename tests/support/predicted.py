"""Predictions and opinion scores that agree to a known degree, as artifacts and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tables

from qbuild.core.schema import load_schema


def ids(count: int, dataset: str = "d", start: int = 0) -> list[str]:
    return [f"{dataset}:v/{at:05d}.mp4" for at in range(start, start + count)]


def points(count: int, seed: int = 0, noise: float = 0.5) -> tuple[Any, Any]:
    """Predictions in [0, 1] and opinion scores on 1 to 5 that rise with them."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=count)
    predicted = 1 / (1 + np.exp(-(quality + noise * rng.normal(size=count))))
    return predicted, np.clip(np.round(3 + quality, 2), 1, 5)


def prediction_table(media: list[str], model: str = "tiny", **columns: Any) -> pa.Table:
    """Predictions of these media; columns may be given, the rest is null."""
    given = {
        "media_id": media,
        "path": [one.partition(":")[2] for one in media],
        "backend": ["fake"] * len(media),
        "model": [model] * len(media),
        **columns,
    }
    return load_schema("prediction").cast(pa.table(given), "made")


def predictions(path: Path, media: list[str], scores: Any, **columns: Any) -> Path:
    """An artifact of predictions with these scores."""
    table = prediction_table(media, score=scores, **columns)
    return tables.write_artifact(path, table, "prediction", "score")


def ratings(path: Path, media: list[str], mos: Any, **columns: Any) -> Path:
    """An artifact of ratings of these media."""
    given = {
        "media_id": media,
        "dataset": [one.partition(":")[0] for one in media],
        "path": [one.partition(":")[2] for one in media],
        "mos": np.asarray(mos, dtype=np.float64),
        **columns,
    }
    return tables.write_artifact(path, tables.rating_table(len(media), **given))


def levels(path: Path, media: list[str], mos: Any, norm: Any) -> Path:
    """An artifact of levels of these media."""
    count = len(media)
    table = tables.rating_table(
        count,
        media_id=media,
        dataset=[one.partition(":")[0] for one in media],
        path=[one.partition(":")[2] for one in media],
        mos=np.asarray(mos, dtype=np.float64),
    )
    table = (
        table.append_column("mos_norm", pa.array(np.asarray(norm, dtype=np.float64)))
        .append_column("level", pa.array(np.full(count, 3, dtype=np.int8)))
        .append_column("word", pa.array(["Fair"] * count))
        .append_column("level_probs", pa.nulls(count, pa.list_(pa.float64())))
    )
    return tables.write_artifact(path, table, "level", "mos-to-levels")
