"""Runs the stale steps of a pipeline, and reports why they are stale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qbuild.core.artifact import output_folder
from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.artifact.description import EXPORT_KEYS, Description
from qbuild.core.artifact.output_folder import FOLDER_ARTIFACT
from qbuild.core.artifact.reader import (
    Artifact,
    artifact_file,
    read_description,
    rejected_path,
)
from qbuild.core.canonical import hash_file
from qbuild.core.engine.fingerprint import Reason, find_changes, make_recipe
from qbuild.core.engine.inputs import adapt_stage, describe_input, open_inputs
from qbuild.core.engine.request import Request, Result
from qbuild.core.engine.run import run as run_stage
from qbuild.core.engine.stage import Runtime
from qbuild.core.errors import InputError, QbuildError, SchemaError, UsageError, raise_all, suggest
from qbuild.core.plural import plural

if TYPE_CHECKING:
    from qbuild.core.pipeline.load import Pipeline, Step


@dataclass(frozen=True)
class StepDecision:
    """Whether a step has to run, and why; without reasons it is up to date."""

    step: Step
    output: Path
    reasons: tuple[Reason, ...]

    @property
    def runs(self) -> bool:
        """Whether the step has to run."""
        return bool(self.reasons)


def plan(pipeline: Pipeline, workdir: Path, force: tuple[str, ...] = ()) -> list[StepDecision]:
    """For each step in order, whether it would run and why.

    A step after one that runs has the reason `upstream`: it runs if the content of its input
    changes.
    """
    _check_steps_exist(pipeline, force)
    decisions: list[StepDecision] = []
    running: set[str] = set()
    for step in pipeline.steps:
        above = [name for name in step.after if name in running]
        reasons = list(decide(pipeline, step, workdir, step.id in force, inputs_current=not above))
        reasons += [Reason("upstream", name) for name in above if not reasons]
        if reasons:
            running.add(step.id)
        decisions.append(StepDecision(step, step.output(workdir), tuple(reasons)))
    return decisions


def run(
    pipeline: Pipeline,
    workdir: Path,
    runtime: Runtime,
    force: tuple[str, ...] = (),
    on_step: Callable[[StepDecision, Result | None], None] = lambda _decision, _result: None,
) -> list[tuple[StepDecision, Result | None]]:
    """Run the stale steps; the decision on each step, with its result if it ran.

    The error of a step that fails names the step; earlier steps keep their artifacts.
    """
    _check_steps_exist(pipeline, force)
    check_inputs_exist(pipeline)
    roots = media_roots(pipeline, runtime.media_roots)
    with disk_errors(workdir):
        workdir.mkdir(parents=True, exist_ok=True)
    runtime = runtime.model_copy(update={"media_roots": roots})
    done: list[tuple[StepDecision, Result | None]] = []
    for step in pipeline.steps:
        reasons = decide(pipeline, step, workdir, step.id in force)
        decision = StepDecision(step, step.output(workdir), reasons)
        result = None
        if decision.runs:
            inputs = pipeline.inputs(step, workdir)
            request = Request(
                step.stage, step.options, inputs, decision.output, step.run_as(runtime)
            )
            try:
                result = run_stage(request)
            except QbuildError as error:
                error.locate(f"step {step.id}")
                raise
        on_step(decision, result)
        done.append((decision, result))
        if result is not None and not result.complete:
            break  # later steps would read an incomplete artifact
    return done


def decide(
    pipeline: Pipeline, step: Step, workdir: Path, forced: bool, inputs_current: bool = True
) -> tuple[Reason, ...]:
    """The reasons why a step has to run; none if it is up to date."""
    output = step.output(workdir)
    described = read_output(output)
    unfit = _unfit(output, described, forced)
    if unfit is not None:
        return (unfit,)
    if described is None or not inputs_current:
        return ()
    try:
        paths = list(pipeline.inputs(step, workdir))
        stage = adapt_stage(step.stage, paths)
        references = [describe_input(source) for source in open_inputs(paths, stage.reads)]
        now = make_recipe(stage, step.options, references)
    except (InputError, SchemaError) as error:  # the run reports it in full
        return (Reason("input changed", f"{error.where}: {error.what}"),)
    return tuple(find_changes(described, now, step.stage.renamed))


def _unfit(output: Path, described: Description | None, forced: bool) -> Reason | None:
    """Why a step has to run, whatever its recipe."""
    if forced:
        return Reason("forced")
    if described is None:
        return Reason("missing", output.name)
    if not described.complete:
        return Reason("incomplete", f"{plural(described.pending, 'row')} pending")
    damage = find_damage(output, described)
    return Reason("damaged", damage) if damage else None


def read_output(output: Path) -> Description | None:
    """The description of an existing output; None if it has no recipe or cannot be read."""
    try:
        if output.is_dir() and (output / output_folder.DESCRIPTION).is_file():
            text = (output / output_folder.DESCRIPTION).read_bytes()
            described: Description | None = Description.parse(text, str(output), EXPORT_KEYS)
        else:
            file = output / FOLDER_ARTIFACT if output.is_dir() else output
            described = read_description(file) if file.is_file() else None
    except (OSError, QbuildError):
        return None
    return described if described is not None and described.has_recipe else None


def find_damage(output: Path, described: Description) -> str:
    """A missing or changed file of an existing output, described; `""` if there is none."""
    if described.is_export:
        damaged = [name for name, known in described.files.items() if _hash(output / name) != known]
        return f"{damaged[0]} is missing or was changed" if damaged else ""
    rejected_file = rejected_path(artifact_file(output))
    try:
        rejected = read_description(rejected_file) if rejected_file.is_file() else None
    except QbuildError as error:
        return f"{error.where} {error.what}"
    if (rejected.content_hash if rejected else None) != described.rejected.content_hash:
        return f"{rejected_file.name} belongs to another run"
    try:
        artifact = Artifact.open(output)
    except InputError as error:
        return f"{error.where} {error.what}"
    except SchemaError:  # another version of the schema, which `find_changes` reports
        return ""
    paths = artifact.table(["path"]).column("path").to_pylist() if output.is_dir() else []
    media = output / output_folder.MEDIA
    missing = next((path for path in paths if not (media / str(path)).is_file()), None)
    return f"{output_folder.MEDIA}/{missing} is missing" if missing else ""


def _check_steps_exist(pipeline: Pipeline, names: tuple[str, ...]) -> None:
    known = [step.id for step in pipeline.steps]
    for name in names:
        if name not in known:
            what = f"{pipeline.path} has no step {name!r}"
            raise UsageError("--force", what, "expected a step", suggest(name, known))


def check_inputs_exist(pipeline: Pipeline) -> None:
    """Raise an InputError for each input that is neither a step nor a file, all together."""
    known = [step.id for step in pipeline.steps]
    raise_all(
        InputError(
            f"{pipeline.path}: step {step.id}",
            f"input {name!r} is neither a step nor a file",
            "expected the id of a step, or a path relative to the pipeline's folder",
            suggest(name, known),
        )
        for step in pipeline.steps
        for name in step.inputs
        if name not in step.after and not (pipeline.path.parent / name).exists()
    )


def media_roots(pipeline: Pipeline, overrides: tuple[str, ...]) -> tuple[str, ...]:
    """The pipeline's roots, except for datasets named in `overrides`, and then `overrides`.

    Raises a UsageError for each missing folder, all at once.
    """
    named = {text.rpartition("=")[0] for text in overrides}
    own = [root for root in pipeline.roots if root.rpartition("=")[0] not in named]
    raise_all(
        UsageError(
            f"{pipeline.path}: roots: {dataset}",
            f"no such folder: {place!r}",
            "expected a path relative to the pipeline's folder",
            f"Correct it, or give --media-root {dataset}=DIR.",
        )
        for dataset, _, place in (root.rpartition("=") for root in own)
        if not Path(place).is_dir()
    )
    return (*own, *overrides)


def _hash(path: Path) -> str | None:
    return hash_file(path) if path.is_file() else None
