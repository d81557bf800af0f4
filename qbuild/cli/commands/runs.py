"""The commands `run`, `graph` and `status`: pipelines."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qbuild.cli.flags import Debug, Json, MediaRoot, Recipe, Workdir
from qbuild.cli.output import print_json, say, warn
from qbuild.cli.render.text import aligned, number, short_hash
from qbuild.core.plural import plural

if TYPE_CHECKING:
    from qbuild.core.engine.request import Result
    from qbuild.core.pipeline.load import Pipeline
    from qbuild.core.pipeline.run import Verdict

_DRY = typer.Option("--dry-run", help="Run nothing; say for each step whether it would and why.")
_FORCE = typer.Option(metavar="STEP", help="Run this step in any case; repeatable.")
_SHARE = typer.Option(min=0, max=1, help="Share of rejected rows above which a step fails.")
_EXECUTOR = typer.Option(help="What runs the steps; ray comes later.")
_WORKERS = typer.Option(min=1, help="Processes that transform rows.")
_BATCH = typer.Option(min=1, help="Rows handled at a time.")
_FORMAT = typer.Option("--format", help="A Mermaid flowchart, or an indented tree.")


def run(
    recipe: Recipe,
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
    """Run a pipeline: only the steps that have to run.

    A step has to run when its output is missing, incomplete or damaged, or when its options,
    inputs, stage or schema changed. A pipeline that stops before its last row ends with code 1.
    """
    from qbuild.core.engine.stage import Runtime
    from qbuild.core.media_roots import MediaRoots
    from qbuild.core.pipeline.run import media_roots

    _refuse_ray(executor)
    MediaRoots.parse(media_root or ())
    pipeline, place = _load(recipe, workdir)
    if dry_run:
        media_roots(pipeline, tuple(media_root or ()))
        _dry_run(pipeline, place, tuple(force or ()), json_)
        return
    runtime = Runtime(
        workers=workers,
        batch_rows=batch_rows,
        max_reject_share=max_reject_share,
        media_roots=tuple(media_root or ()),
    )
    if not _run(pipeline, place, runtime, tuple(force or ()), json_):
        raise typer.Exit(1)


def graph(
    recipe: Recipe,
    format_: Annotated[Literal["mermaid", "text"], _FORMAT] = "mermaid",
    workdir: Annotated[
        Path | None, typer.Option(help="Mark the steps whose artifacts stand in this folder.")
    ] = None,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Draw a pipeline's steps as Mermaid or text."""
    from qbuild.core.pipeline import status as overview

    pipeline, _ = _load(recipe, workdir)
    stands = None
    if workdir is not None:
        stands = {step["id"]: step["stands"] for step in overview.overview(pipeline, workdir)}
    draw = overview.mermaid if format_ == "mermaid" else overview.tree
    drawing = draw(pipeline, stands)
    if json_:
        steps = [{"id": step.id, "stage": step.stage.name} for step in pipeline.steps]
        edges = [{"from": start, "to": end} for start, end in overview.edges(pipeline)]
        print_json({"title": pipeline.title, "steps": steps, "edges": edges, "drawing": drawing})
    else:
        say(drawing)


def status(
    recipe: Recipe, workdir: Workdir = None, json_: Json = False, _debug: Debug = False
) -> None:
    """Say for each step of a pipeline what stands."""
    from qbuild.core.pipeline.status import overview

    pipeline, place = _load(recipe, workdir)
    steps = overview(pipeline, place)
    if json_:
        print_json({"pipeline": str(pipeline.path), "workdir": str(place), "steps": steps})
        return
    header = ("step", "stage", "rows", "rejected", "content", "state")
    rows = [
        (
            step["id"],
            step["stage"],
            number(step["rows"]),
            number(step["rejected"]),
            short_hash(step["content_hash"]),
            "stands" if step["stands"] else _reasons(step),
        )
        for step in steps
    ]
    say("\n".join(aligned([header, *rows])))


def _load(recipe: str, workdir: Path | None) -> "tuple[Pipeline, Path]":
    from qbuild.core.pipeline.load import find_pipeline, load_pipeline
    from qbuild.stages import STAGES, get_stage

    path = find_pipeline(recipe)
    pipeline = load_pipeline(path, STAGES, get_stage)
    for notice in pipeline.notices:
        warn(f"warning: {notice}")
    return pipeline, workdir or Path("work") / path.stem


def _refuse_ray(executor: str) -> None:
    from qbuild.core.errors import MissingPartError

    if executor == "ray":
        raise MissingPartError(
            "--executor",
            "'ray' is not part of this version",
            "expected local",
            "It comes later; until then use --executor local with --workers.",
        )


def _dry_run(pipeline: "Pipeline", workdir: Path, force: tuple[str, ...], as_json: bool) -> None:
    from qbuild.core.pipeline.run import refuse_missing_inputs
    from qbuild.core.pipeline.status import overview

    refuse_missing_inputs(pipeline)
    steps = overview(pipeline, workdir, force)
    if as_json:
        found = {"pipeline": str(pipeline.path), "workdir": str(workdir), "dry_run": True}
        print_json({**found, "steps": steps})
    else:
        say("\n".join(aligned([(s["id"], s["stage"], _state(s, "would run")) for s in steps])))


def _run(
    pipeline: "Pipeline", workdir: Path, runtime: Any, force: tuple[str, ...], as_json: bool
) -> bool:
    """Run and print a line a step; whether all steps were handled to their last row."""
    from qbuild.core.pipeline.run import run as run_pipeline
    from qbuild.core.pipeline.status import verdict_of

    steps: list[dict[str, Any]] = []
    since = time.monotonic()

    def tell(verdict: "Verdict", result: "Result | None") -> None:
        nonlocal since
        now = time.monotonic()
        step = verdict_of(verdict) | {"ran": result is not None, "seconds": round(now - since, 3)}
        since = now
        if result is not None:
            step["report"] = result.report
            for note in result.report.get("warnings", []):
                warn(f"warning: {verdict.step.id}: {note}")
        steps.append(step)
        if not as_json:
            say(_line(step, pipeline))

    run_pipeline(pipeline, workdir, runtime, force, tell)
    complete = len(steps) == len(pipeline.steps) and all(step["complete"] for step in steps)
    if as_json:
        found = {"pipeline": str(pipeline.path), "workdir": str(workdir), "complete": complete}
        print_json({**found, "steps": steps})
    elif complete:
        say(f"in {workdir}")
    else:
        say(f"incomplete: {steps[-1]['id']} stopped early, nothing below it ran; run it again")
    return complete


def _line(step: dict[str, Any], pipeline: "Pipeline") -> str:
    names = max(len(s.id) for s in pipeline.steps), max(len(s.stage.name) for s in pipeline.steps)
    start = f"{step['id']:<{names[0]}}  {step['stage']:<{names[1]}}"
    counts = plural(step["rows"], "row")
    if step["rejected"]:
        counts += f", {step['rejected']:,} rejected"
    seconds = f", {step['seconds']:.1f} s" if step["ran"] else ""
    return f"{start}  {counts}{seconds}  {_state(step, 'ran')}"


def _state(step: dict[str, Any], verb: str) -> str:
    return "stands" if step["stands"] else f"{verb} ({_reasons(step)})"


def _reasons(step: dict[str, Any]) -> str:
    return "; ".join(
        f"{r['kind']}: {r['detail']}" if r["detail"] else r["kind"] for r in step["reasons"]
    )
