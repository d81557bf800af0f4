"""The rows of `corrupt`, and what it reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import media_id
from qbuild.core.plural import plural
from qbuild.media.files.ignored import left_out, left_out_line
from qbuild.quality.distortions import SPATIAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qbuild.core.engine.tally import Tally
    from qbuild.media.distort.tasks import Engine, Task


def corruption_row(row: dict[str, Any], task: Task, name: str, engine: Engine) -> dict[str, Any]:
    """What the row of a spoiled picture takes from that of its source and from the task."""
    dataset = f"{row['dataset']}-corrupt"
    came = f" from {row['source']}" if row["source"] else ""
    return {
        "media_id": media_id(dataset, name),
        "dataset": dataset,
        "path": name,
        "split": row["split"],
        "licence": row["licence"],
        "source": f"synthetic: spoiled by qbuild corrupt{came}",
        "kind": "image",
        "source_media_id": row["media_id"],
        "family": task.family,
        "engine": engine,
        "corruption": task.name,
        "severity": task.severity,
        "seed": f"{task.seed:016x}",
        "parameters": task.parameters,
        "source_path": row["path"],
    }


def labels_of(task: Task, changed: bool, pristine: bool) -> dict[str, Any]:
    """What is wrong with a spoiled picture, and what that was judged for.

    Nothing is wrong where the source came out as it was: a grey picture loses no saturation. Where
    the source is not `pristine`, nobody can say what the picture lacks.
    """
    known = task.distortion if changed else None
    return {
        "judged": list(SPATIAL) if pristine else [known] if known else [],
        "distortions": [{"name": known, "severity": task.severity}] if known else [],
        "others": [] if known else [task.name if changed else unchanged(task)],
    }


def unchanged(task: Task) -> str:
    """The label of a picture that a corruption left as it was."""
    return f"{task.name}, unchanged"


def report_of(tally: Tally, names: Sequence[str]) -> dict[str, Any]:
    """Pictures read, pictures written, how many of each corruption, how many without a trace."""
    made = {name: tally["made", name] for name in names}
    return {
        "images": tally["images"],
        "written": sum(made.values()),
        "corruptions": {name: count for name, count in made.items() if count},
        "unchanged": tally["unchanged"],
        **left_out(tally),
    }


def render(report: dict[str, Any]) -> str:
    """The report as lines."""
    kinds = ", ".join(f"{name} {count}" for name, count in report["corruptions"].items())
    read, written = plural(report["images"], "image"), plural(report["written"], "picture")
    lines = [f"{read} read, {written} written: {kinds}"]
    if report["unchanged"]:
        lines.append(f"{plural(report['unchanged'], 'picture')} as the source: no trace to be seen")
    return "\n".join([*lines, *left_out_line(report)])
