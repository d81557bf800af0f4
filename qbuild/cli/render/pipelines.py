"""The steps of a pipeline as text, for `run` and `status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.cli.render.text import aligned, number, short_hash
from qbuild.core.plural import plural

if TYPE_CHECKING:
    from qbuild.core.pipeline.load import Pipeline

_HEADER = ("step", "stage", "rows", "rejected", "content", "state")


def format_step(step: dict[str, Any], pipeline: Pipeline) -> str:
    """A line for a step after its turn: rows, seconds, and whether and why it ran."""
    wide_id = max(len(s.id) for s in pipeline.steps)
    wide_stage = max(len(s.stage.name) for s in pipeline.steps)
    counts = plural(step["rows"], "row")
    if step["rejected"]:
        counts += f", {step['rejected']:,} rejected"
    seconds = f", {step['seconds']:.1f} s" if step["ran"] else ""
    start = f"{step['id']:<{wide_id}}  {step['stage']:<{wide_stage}}"
    return f"{start}  {counts}{seconds}  {_state(step, 'ran')}"


def format_end(report: dict[str, Any]) -> str:
    """The last line of a run."""
    steps = report["steps"]
    if not report["complete"]:
        return f"incomplete: {steps[-1]['id']} stopped early, no step after it ran; run it again"
    if not any(step["ran"] for step in steps):
        return f"all steps in {report['workdir']} are up to date; nothing ran"
    return f"artifacts are in {report['workdir']}"


def format_plan(report: dict[str, Any]) -> str:
    """For each step, whether and why it would run."""
    rows = [(s["id"], s["stage"], _state(s, "would run")) for s in report["steps"]]
    return "\n".join(aligned(rows))


def format_status(report: dict[str, Any]) -> str:
    """A table of the steps and their artifacts."""
    rows = [
        (
            step["id"],
            step["stage"],
            number(step["rows"]),
            number(step["rejected"]),
            short_hash(step["content_hash"]),
            "up to date" if step["up_to_date"] else _reasons(step),
        )
        for step in report["steps"]
    ]
    return "\n".join(aligned([_HEADER, *rows]))


def _state(step: dict[str, Any], verb: str) -> str:
    return "up to date" if step["up_to_date"] else f"{verb} ({_reasons(step)})"


def _reasons(step: dict[str, Any]) -> str:
    return "; ".join(
        f"{r['kind']}: {r['detail']}" if r["detail"] else r["kind"] for r in step["reasons"]
    )
