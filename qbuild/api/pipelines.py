"""Running a pipeline of stages from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qbuild.api.artifacts import Artifact, Export
from qbuild.api.stages import Place, call_outside_event_loop, listed
from qbuild.stages import STAGES, get_stage


@dataclass(frozen=True)
class StepResult:
    """A step of a pipeline: why it ran (empty where it was up to date) and its output."""

    id: str
    stage: str
    reasons: tuple[str, ...]
    output: Artifact | Export

    @property
    def ran(self) -> bool:
        """Whether the step ran."""
        return bool(self.reasons)


def run_pipeline(
    pipeline: Place,
    workdir: Place | None = None,
    *,
    force: Sequence[str] = (),
    workers: int = 1,
    media_roots: Place | Sequence[Place] = (),
) -> dict[str, StepResult]:
    """Run the steps of a pipeline that are not up to date; every step's result by its id.

    `pipeline` is a YAML file or the name of a pipeline that ships with qbuild, `workdir` the folder
    of the steps' outputs (default: `work/NAME`), `force` ids of steps to run in any case. A step
    that stops early is the last: nothing is made from an incomplete artifact. Raises the command's
    errors; the artifacts of earlier steps stay.
    """
    from qbuild.core.engine.stage import Runtime
    from qbuild.core.pipeline.load import find_pipeline, load_pipeline
    from qbuild.core.pipeline.run import run

    loaded = load_pipeline(find_pipeline(str(pipeline)), STAGES, get_stage)
    place = Path(workdir) if workdir is not None else Path("work") / loaded.path.stem
    runtime = Runtime(workers=workers, media_roots=tuple(map(str, listed(media_roots))))
    done = call_outside_event_loop(lambda: run(loaded, place, runtime, tuple(force)))
    return {decision.step.id: _result(decision) for decision, _ in done}


def _result(decision: Any) -> StepResult:
    step = decision.step
    reasons = tuple(str(reason) for reason in decision.reasons)
    made: Artifact | Export
    made = Export(decision.output) if step.stage.writes is None else Artifact(decision.output)
    return StepResult(step.id, step.stage.name, reasons, made)
