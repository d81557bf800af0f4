"""Small artifacts built in code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from qbuild.core.artifact.description import Description, Recipe, RejectedRef, StageRef, schema_ref
from qbuild.core.artifact.writer import ArtifactWriter
from qbuild.core.schema import load_schema


def rating_table(count: int, datasets: int = 2, seed: int = 0, **columns: object) -> pa.Table:
    """`count` ratings in the schema's form; columns may be given, the rest is made up."""
    rng = np.random.default_rng(seed)
    names = [f"set{at % datasets}" for at in range(count)]
    paths = [f"clips/{at:06d}.mp4" for at in range(count)]
    given = {
        "media_id": [f"{n}:{p}" for n, p in zip(names, paths, strict=True)],
        "dataset": names,
        "path": paths,
        "mos": np.round(rng.uniform(0.5, 99.5, count), 3),
        "mos_std": np.round(rng.uniform(1, 20, count), 3),
        "num_ratings": rng.integers(5, 60, count).astype(np.int32),
        "source_file": ["made.csv"] * count,
        "source_row": np.arange(1, count + 1),
        **columns,
    }
    schema = load_schema("rating")
    return schema.cast(pa.table(given), "made")


def write_artifact(
    path: Path, table: pa.Table, schema: str = "rating", stage: str = "ingest-ratings"
) -> Path:
    """The table as an artifact, described as if that stage had written it."""
    form = load_schema(schema)
    writer = ArtifactWriter(path, form)
    writer.add(form.cast(table, str(path)))
    rows, content_hash = writer.finish_rows()
    recipe = Recipe(
        stage=StageRef(name=stage, version=1),
        options={},
        limit=None,
        inputs=[],
        prompts={},
        row_schema=schema_ref(form),
    )
    rejected = RejectedRef(rows=0, content_hash=None)
    outcome = {"rows": rows, "content_hash": content_hash, "rejected": rejected, "report": {}}
    writer.seal(Description.of_run(recipe, pending=0, **outcome).to_json())
    writer.commit()
    return path
