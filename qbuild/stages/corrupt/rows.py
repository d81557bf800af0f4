"""The rows of `corrupt`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.media.files.made_media import made_columns, synthetic_source
from qbuild.quality.distortions import SPATIAL

if TYPE_CHECKING:
    from qbuild.media.distort.tasks import Engine, Task


def corruption_row(row: dict[str, Any], task: Task, name: str, engine: Engine) -> dict[str, Any]:
    """The columns of a distorted image that come from its source's row and from the task."""
    return {
        **made_columns(row, "corrupt", name, task.seed),
        "source": synthetic_source(row, "spoiled by qbuild corrupt"),
        "kind": "image",
        "family": task.family,
        "engine": engine,
        "corruption": task.name,
        "severity": task.severity,
        "parameters": task.parameters,
    }


def labels_of(task: Task, changed: bool, pristine: bool) -> dict[str, Any]:
    """The distortions of a distorted image, and those it was judged for.

    An image that did not change has none: a grey image loses no saturation. If the source is not
    `pristine`, it is unknown which distortions the image does not have.
    """
    known = task.distortion if changed else None
    return {
        "judged": list(SPATIAL) if pristine else [known] if known else [],
        "distortions": [{"name": known, "severity": task.severity}] if known else [],
        "others": [] if known else [task.name if changed else unchanged(task)],
    }


def unchanged(task: Task) -> str:
    """The label of an image that a corruption did not change."""
    return f"{task.name}, unchanged"
