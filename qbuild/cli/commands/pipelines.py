"""The commands that work on a pipeline: `run`, `graph`, `status`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qbuild.cli.command import Debug, Json, MediaRoot, PipelineName, Workdir
from qbuild.cli.output import print_report, print_text, print_warnings
from qbuild.cli.render.pipelines import (
    format_end,
    format_plan,
    format_status,
    format_step,
)
from qbuild.core.engine.stage import Runtime
from qbuild.core.errors import MissingPartError
from qbuild.core.media_roots import MediaRoots
from qbuild.stages import STAGES, get_stage

if TYPE_CHECKING:
    from qbuild.core.engine.request import Result
    from qbuild.core.pipeline.load import Pipeline
    from qbuild.core.pipeline.run import StepDecision

EXAMPLES = {
    "run": "qbuild run demo --workdir work/demo",
    "graph": "qbuild graph demo --format text",
    "status": "qbuild status demo --workdir work/demo",
}

_DRY = typer.Option("--dry-run", help="Run nothing; show which steps would run and why.")
_FORCE = typer.Option(metavar="STEP", help="Run this step even if it is up to date; repeatable.")
_SHARE = typer.Option(
    min=0, max=1, metavar="X", help="Share of rejected rows above which a step fails."
)
_EXECUTOR = typer.Option(metavar="local|ray", help="What runs the steps; ray is not available yet.")
_WORKERS = typer.Option(min=1, metavar="N", help="Number of processes that transform rows.")
_BATCH = typer.Option(min=1, metavar="N", help="Number of rows per batch.")
_FORMAT = typer.Option(
    "--format", metavar="mermaid|text", help="A Mermaid flowchart, or an indented tree."
)
_MARKED = typer.Option(metavar="DIR", help="Mark the steps whose artifacts in DIR are up to date.")


def run(
    pipeline: PipelineName,
    workdir: Workdir = None,
    executor: Annotated[Literal["local", "ray"], _EXECUTOR] = "local",
    dry_run: Annotated[bool, _DRY] = False,
    force: Annotated[list[str] | None, _FORCE] = None,
    workers: Annotated[int, _WORKERS] = 1,
    batch_rows: Annotated[int, _BATCH] = 65_536,
    max_reject_share: Annotated[float, _SHARE] = 0.05,
    media_root: MediaRoot = None,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Run the steps of a pipeline that are not up to date.

    A step runs if its output is missing, incomplete or damaged, or if its options, inputs, stage
    or schema changed. The exit code is 1 if a step stops before its last row.
    """
    from qbuild.core.pipeline.run import media_roots

    if executor == "ray":
        raise MissingPartError(
            "--executor",
            "'ray' is not part of this version",
            "expected local",
            "Use --executor local with --workers.",
        )
    roots, forced = tuple(media_root or ()), tuple(force or ())
    MediaRoots.parse(roots)
    loaded, folder = _load(pipeline, workdir)
    if dry_run:
        media_roots(loaded, roots)
        _dry_run(loaded, folder, forced, json_)
        return
    runtime = Runtime(
        workers=workers,
        batch_rows=batch_rows,
        max_reject_share=max_reject_share,
        media_roots=roots,
    )
    if not _run(loaded, folder, runtime, forced, json_):
        raise typer.Exit(1)


def graph(
    pipeline: PipelineName,
    format_: Annotated[Literal["mermaid", "text"], _FORMAT] = "mermaid",
    workdir: Annotated[Path | None, _MARKED] = None,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Draw the steps of a pipeline as Mermaid or text."""
    from qbuild.core.pipeline import status

    loaded, _ = _load(pipeline, workdir)
    up_to_date = None
    if workdir is not None:
        up_to_date = {
            step["id"]: step["up_to_date"] for step in status.pipeline_status(loaded, workdir)
        }
    draw = status.mermaid if format_ == "mermaid" else status.tree
    report = {
        "title": loaded.title,
        "steps": [{"id": step.id, "stage": step.stage.name} for step in loaded.steps],
        "edges": [{"from": start, "to": end} for start, end in status.edges(loaded)],
        "drawing": draw(loaded, up_to_date),
    }
    print_report(report, lambda _: str(report["drawing"]), json_)


def status(
    pipeline: PipelineName, workdir: Workdir = None, json_: Json = False, _debug: Debug = False
) -> None:
    """Show which steps of a pipeline are up to date."""
    from qbuild.core.pipeline.status import pipeline_status

    loaded, folder = _load(pipeline, workdir)
    steps = pipeline_status(loaded, folder)
    report = {"pipeline": str(loaded.path), "workdir": str(folder), "steps": steps}
    print_report(report, format_status, json_)


def _load(name: str, workdir: Path | None) -> "tuple[Pipeline, Path]":
    """Load a pipeline and the folder of its artifacts; warns of options under old names."""
    from qbuild.core.pipeline.load import find_pipeline, load_pipeline

    path = find_pipeline(name)
    pipeline = load_pipeline(path, STAGES, get_stage)
    print_warnings(pipeline.notices)
    return pipeline, workdir or Path("work") / path.stem


def _dry_run(pipeline: "Pipeline", workdir: Path, force: tuple[str, ...], as_json: bool) -> None:
    from qbuild.core.pipeline.run import check_inputs_exist
    from qbuild.core.pipeline.status import pipeline_status

    check_inputs_exist(pipeline)
    steps = pipeline_status(pipeline, workdir, force)
    report = {"pipeline": str(pipeline.path), "workdir": str(workdir), "dry_run": True}
    print_report({**report, "steps": steps}, format_plan, as_json)


def _run(
    pipeline: "Pipeline",
    workdir: Path,
    runtime: "Runtime",
    force: tuple[str, ...],
    as_json: bool,
) -> bool:
    """Run and print a line per step; whether every step was completed."""
    from qbuild.core.pipeline.run import run as run_pipeline
    from qbuild.core.pipeline.status import step_status

    steps: list[dict[str, Any]] = []
    since = time.monotonic()

    def report_step(decision: "StepDecision", result: "Result | None") -> None:
        nonlocal since
        now = time.monotonic()
        step = step_status(decision) | {"ran": result is not None, "seconds": round(now - since, 3)}
        since = now
        if result is not None:
            step["report"] = result.report
            warnings = result.report.get("warnings", [])
            print_warnings(f"{decision.step.id}: {warning}" for warning in warnings)
        steps.append(step)
        if not as_json:
            print_text(format_step(step, pipeline))

    run_pipeline(pipeline, workdir, runtime, force, report_step)
    complete = len(steps) == len(pipeline.steps) and all(step["complete"] for step in steps)
    report = {"pipeline": str(pipeline.path), "workdir": str(workdir), "complete": complete}
    print_report({**report, "steps": steps}, format_end, as_json)
    return complete
