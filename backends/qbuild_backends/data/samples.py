"""The samples of files: instruction artifacts here, exported JSON by `from_json`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from qbuild.backends.conversation import turns_of
from qbuild.core.artifact.reader import Artifact, is_artifact
from qbuild.core.engine.inputs import check_rows, describe_input, reject_incomplete
from qbuild.core.errors import InputError, QbuildError, SchemaError, raise_all
from qbuild.core.media_roots import MediaRoots
from qbuild.core.rows.rejections import RejectedError
from qbuild.core.rows.split_filter import SplitFilter
from qbuild_backends.data.from_json import read_json
from qbuild_backends.data.sample import Sample, Samples, source_ids
from qbuild_backends.models.inputs import Turn

BATCH_ROWS = 1_024


def read_samples(
    paths: Sequence[Path],
    roots: MediaRoots,
    kind: Literal["image", "video"] | None = None,
    splits: SplitFilter | None = None,
) -> Samples:
    """The samples of all files, in order; `kind` where the plan trains on only one kind.

    Without `splits`, rows of every split are read. Rows of other splits are counted, not checked.

    Such a plan does not train the language model, and rejects text without a medium.

    Raises the errors of `Artifact.open`, InputError for a file that is neither artifact nor JSON,
    UsageError for a dataset without a media root.
    """
    samples = Samples(splits=splits or SplitFilter())
    problems: list[QbuildError] = []
    for path in paths:
        try:
            if is_artifact(path):
                samples.inputs.append(read_artifact(path, roots, kind, samples))
            else:
                samples.inputs.append(read_json(path, roots, kind, samples))
        except QbuildError as error:
            problems.append(error)
    raise_all(problems)
    samples.splits.check(", ".join(str(given["name"]) for given in samples.inputs))
    return samples


def read_artifact(path: Path, roots: MediaRoots, kind: str | None, samples: Samples) -> Any:
    """Add the samples of one artifact; its name and hash."""
    artifact = Artifact.open(path)
    _check_artifact(artifact)
    own = roots.next_to(artifact.path)
    described = describe_input(artifact).as_dict()
    number = 0
    for batch in artifact.batches(BATCH_ROWS):
        check_rows(artifact.schema, batch, str(path), number)
        for row in batch.to_pylist():
            number += 1
            if not samples.wants(row["split"]):
                continue
            name = f"{described['name']} row {number} (sample {row['sample_id']})"
            samples.add(name, partial(_sample, row, name, own), kind)
    return described


def _check_artifact(artifact: Artifact) -> None:
    if artifact.schema.name != "instruction":
        raise SchemaError(
            str(artifact.path),
            f"an artifact of schema {artifact.schema.name}",
            "expected instruction: questions with their answers",
            "Make pairs of it with `qbuild scoring-qa` or another stage.",
        )
    reject_incomplete(artifact)


def _sample(row: dict[str, Any], name: str, roots: MediaRoots) -> Sample:
    turns = tuple(Turn(role, text) for role, text in turns_of(row))
    if not row["media"]:
        return Sample(name, turns, "text")
    if len(row["media"]) > 1:
        message = f"{len(row['media'])} media; expected one image or video"
        raise RejectedError("several-media", message)
    medium = row["media"][0]
    if medium["start_s"] is not None or medium["end_s"] is not None:
        message = "a part of a video by time; expected a complete video, cut beforehand"
        raise RejectedError("part-of-video", message)
    try:
        file = roots.locate(medium["media_id"], medium["path"]).file
    except InputError as error:  # the path leaves its root; a missing root ends the run
        raise RejectedError("path-leaves-root", str(error)) from error
    parents = row["provenance"]["parents"]
    return Sample(
        name=name,
        turns=turns,
        kind=medium["kind"],
        media_id=medium["media_id"],
        file=file,
        sha256=medium["sha256"],
        source_media_id=next((one for one in parents if one != medium["media_id"]), ""),
        num_frames=medium["num_frames"] or 0,
        fps=medium["fps"] or 0.0,
        sources=source_ids(row["provenance"]["parents"], medium["media_id"]),
    )
