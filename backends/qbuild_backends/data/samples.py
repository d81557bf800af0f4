"""The samples of files: instruction artifacts, and JSON as it is exported."""

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
    """The samples of all files, in order; `kind` is the only one that the plan trains on.

    A plan that takes but one kind does not train the language model, and text is no kind of it.

    Raises the errors of `Artifact.open`, InputError for a file that is neither artifact nor JSON,
    UsageError for a dataset without a media root.
    """
    found = Samples()
    problems: list[QbuildError] = []
    for path in paths:
        try:
            if is_artifact(path):
                found.inputs.append(read_artifact(path, roots, kind, found))
            else:
                found.inputs.append(read_json(path, roots, kind, found))
        except QbuildError as error:
            problems.append(error)
    raise_all(problems)
    return found
