"""What a checkpoint says of itself: the media it was trained on, its base, its settings, its files.

`trained_on.parquet` has the form that `qbuild.core.leakage` reads, so that `evaluate --trained-on`
can refuse those media. `qbuild.json` is written last: a folder with it is whole.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from qbuild.core import folder
from qbuild.core.artifact import Artifact
from qbuild.core.canonical import canonical_json, hash_file, hash_value
from qbuild.core.description import FORMAT, of_rows
from qbuild.core.leakage import SCHEMA, TRAINED_ON
from qbuild.core.schema import load_schema
from qbuild.core.sources import describe_input
from qbuild.core.writer import ArtifactWriter
from qbuild_backends.vqa2.samples import Samples, Skipped

STAGE = {"name": "train", "version": 1}
SKIPPED, LOSSES, RUN = "skipped.jsonl", "losses.jsonl", "run.json"
_UNHASHED = {RUN, folder.DESCRIPTION}  # what it took is another at each run


def lineage_of(samples: Samples, base: str, fingerprint: str) -> list[dict[str, Any]]:
    """Name and content hash of each file trained on, then of the base, then of the base's media."""
    place = Path(base)
    found = [*samples.inputs, {"name": place.resolve().name, "hash": fingerprint}]
    if (place / TRAINED_ON).is_file():
        found.append(describe_input(Artifact.open(place / TRAINED_ON)))
    return found


def write_trained_on(
    place: Path, samples: Samples, base: str, lineage: list[dict[str, Any]]
) -> None:
    """Write the media of the samples and of the base's own lineage, each once, by id."""
    media = _media_of(Path(base))
    for sample in (one for one in samples.good if one.media_id):
        media[sample.media_id] = sample.sha256 or media.get(sample.media_id)
    schema, ids = load_schema(SCHEMA), sorted(media)
    rows = pa.table({"media_id": ids, "sha256": [media[one] for one in ids]}, schema=schema.arrow)
    writer = ArtifactWriter(place / TRAINED_ON, schema)
    try:
        writer.add(rows)
        count, content_hash = writer.finish_rows()
        writer.seal({**of_rows(schema, STAGE, count, content_hash), "inputs": lineage})
        writer.commit()
    finally:
        writer.discard()


def _media_of(base: Path) -> dict[str, str | None]:
    """Media and hashes that the base was trained on; none for a base that does not say."""
    if not (base / TRAINED_ON).is_file():
        return {}
    table = Artifact.open(base / TRAINED_ON).table()
    ids: list[Any] = table.column("media_id").to_pylist()
    hashes: list[Any] = table.column("sha256").to_pylist()
    return dict(zip(ids, hashes, strict=True))


def write_records(
    place: Path, losses: Sequence[float], skipped: Sequence[Skipped], run: dict[str, Any]
) -> None:
    """Write the loss of each step, the samples left out, and what the run took."""
    steps = [{"step": step, "loss": loss} for step, loss in enumerate(losses, 1)]
    _write_lines(place / LOSSES, steps)
    _write_lines(place / SKIPPED, [asdict(one) for one in skipped])
    (place / RUN).write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")


def _write_lines(place: Path, values: Sequence[dict[str, Any]]) -> None:
    place.write_text("".join(canonical_json(value) + "\n" for value in values), encoding="utf-8")


def describe(
    place: Path,
    rows: int,
    options: dict[str, Any],
    lineage: list[dict[str, Any]],
    report: dict[str, Any],
) -> None:
    """Write `qbuild.json`, which says that the checkpoint is whole."""
    files = {
        path.relative_to(place).as_posix(): hash_file(path)
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name not in _UNHASHED
    }
    folder.describe(
        place,
        {
            "format": FORMAT,
            "stage": STAGE,
            "options": options,
            "inputs": lineage,
            "lineage": lineage,
            "rows": rows,
            "content_hash": hash_value(files),
            "files": files,
            "complete": True,
            "pending": 0,
            "report": report,
        },
    )
