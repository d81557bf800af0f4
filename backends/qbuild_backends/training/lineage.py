"""What a checkpoint was trained on, and the records of its run.

`trained_on.parquet` is read by `qbuild.quality.lineage`, so that `evaluate --trained-on` can reject
those media.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qbuild.backends.protocol import Rejected
from qbuild.core.artifact.reader import Artifact
from qbuild.core.canonical import canonical_json, hash_file
from qbuild.core.engine.inputs import describe_input
from qbuild.quality import lineage as leakage
from qbuild.quality.lineage import TRAINED_ON
from qbuild_backends.checkpoints.description import RUN
from qbuild_backends.data.sample import Samples, rejection_record

STAGE = {"name": "train", "version": 1}
SKIPPED, LOSSES = "skipped.jsonl", "losses.jsonl"


def lineage_of(samples: Samples, base: str, fingerprint: str) -> list[dict[str, Any]]:
    """Name and content hash of each file trained on, then of the base, then of the base's media.

    A checkpoint without a record of its media, such as an imported one, is marked as unknown, and
    so are those that it came from.
    """
    place = Path(base)
    named = {"name": place.resolve().name, "hash": fingerprint}
    if not place.is_dir():  # a preset, trained on nothing
        return [*samples.inputs, named]
    if not (place / TRAINED_ON).is_file():
        return [*samples.inputs, {**named, "media": leakage.UNKNOWN}]
    own = describe_input(Artifact.open(place / TRAINED_ON)).as_dict()
    return [*samples.inputs, named, own, *leakage.unknown_bases(place)]


def write_trained_on(
    place: Path, samples: Samples, base: str, lineage: list[dict[str, Any]]
) -> None:
    """Write the media of the samples and of the base's own lineage, each once, with its hash.

    The media from which those were made are known to the model too; their hashes are not recorded.
    """
    own = Path(base) / TRAINED_ON
    media = leakage.media_hashes(own) if own.is_file() else {}
    for sample in samples.good:
        if sample.file is not None:
            known = sample.sha256 or media.get(sample.media_id)
            media[sample.media_id] = known or _digest(sample.file)
            for source in sample.sources:
                media.setdefault(source, None)
    leakage.write_trained_on(place, media, lineage, STAGE)


def _digest(file: Path) -> str | None:
    """The hash of a file; None for one that cannot be read, known only by its id."""
    try:
        return hash_file(file).removeprefix("sha256:")
    except OSError:  # its samples were skipped, or it was removed since
        return None


def write_records(
    place: Path, losses: Sequence[float], skipped: Sequence[Rejected], run: dict[str, Any]
) -> None:
    """Write the loss of each step, the samples skipped, and the run's time and memory."""
    steps = [{"step": step, "loss": loss} for step, loss in enumerate(losses, 1)]
    _write_lines(place / LOSSES, steps)
    _write_lines(place / SKIPPED, [rejection_record(one) for one in skipped])
    (place / RUN).write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")


def _write_lines(place: Path, values: Sequence[dict[str, Any]]) -> None:
    place.write_text("".join(canonical_json(value) + "\n" for value in values), encoding="utf-8")
