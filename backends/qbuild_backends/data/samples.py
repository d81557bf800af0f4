"""The samples of files: instruction artifacts, and exported JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from qbuild.core.artifact.reader import is_artifact
from qbuild.core.errors import QbuildError, raise_all
from qbuild.core.media_roots import MediaRoots
from qbuild_backends.data.from_artifact import read_artifact
from qbuild_backends.data.from_json import read_json
from qbuild_backends.data.sample import Samples


def read_samples(
    paths: Sequence[Path], roots: MediaRoots, kind: Literal["image", "video"] | None = None
) -> Samples:
    """The samples of all files, in order; `kind` where the plan trains on one kind alone.

    Such a plan does not train the language model, and rejects text without a medium.

    Raises the errors of `Artifact.open`, InputError for a file that is neither artifact nor JSON,
    UsageError for a dataset without a media root.
    """
    samples = Samples()
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
    return samples
