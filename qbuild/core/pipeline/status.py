"""What stands of a pipeline, and the pipeline as a drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.pipeline.run import plan, read_output

if TYPE_CHECKING:
    from pathlib import Path

    from qbuild.core.pipeline.load import Pipeline, Step
    from qbuild.core.pipeline.run import StepDecision


def pipeline_status(
    pipeline: Pipeline, workdir: Path, force: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """For each step in order: whether it stands or why it would run, and what lies there now."""
    return [step_status(verdict) for verdict in plan(pipeline, workdir, force)]


def step_status(verdict: StepDecision) -> dict[str, Any]:
    """A step's verdict with rows, rejected rows and content hash of the output as it stands."""
    described = read_output(verdict.output)
    return {
        "id": verdict.step.id,
        "stage": verdict.step.stage.name,
        "up_to_date": not verdict.runs,
        "stands": not verdict.runs,  # the old name, until 0.3
        "reasons": [{"kind": r.kind, "detail": r.detail} for r in verdict.reasons],
        "output": str(verdict.output),
        "rows": described.rows if described is not None else None,
        "rejected": described.rejected.rows if described is not None else None,
        "complete": described.complete if described is not None else None,
        "content_hash": described.content_hash if described is not None else None,
    }


def edges(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Every input with the step that reads it: ids of steps, or names of files."""
    return [(name, step.id) for step in pipeline.steps for name in step.inputs]


def mermaid(pipeline: Pipeline, stands: dict[str, bool] | None = None) -> str:
    """A Mermaid flowchart; with `stands`, steps whose output stands look different."""
    steps = {step.id: f"s{number}" for number, step in enumerate(pipeline.steps)}
    files = {name: f"f{n}" for n, name in enumerate(dict(edges(pipeline))) if name not in steps}
    names = {**files, **steps}
    lines = ["flowchart LR"]
    lines += [f'    {node}[/"{_escape(name)}"/]' for name, node in files.items()]
    for step in pipeline.steps:
        label = f"{_escape(step.id)}<br/>{_escape(step.stage.name)}"
        lines.append(f'    {steps[step.id]}["{label}"]')
    lines += [f"    {names[start]} --> {names[end]}" for start, end in edges(pipeline)]
    if stands is not None:
        standing_steps = [steps[name] for name, stand in stands.items() if stand]
        lines.append("    classDef stands fill:#dfd,stroke:#393")
        lines += [f"    class {','.join(standing_steps)} stands"] if standing_steps else []
    return "\n".join(lines)


def tree(pipeline: Pipeline, stands: dict[str, bool] | None = None) -> str:
    """Each last step with what it is made from below it, indented; a step is drawn out once."""
    by_id = {step.id: step for step in pipeline.steps}
    used = {name for step in pipeline.steps for name in step.after}
    drawn: set[str] = set()

    def draw(name: str, first: str, rest: str) -> list[str]:
        step = by_id.get(name)
        if step is None:
            return [f"{first}{name}"]
        again = name in drawn and bool(step.inputs)
        drawn.add(name)
        lines = [f"{first}{_label(step, stands)}{' (above)' if again else ''}"]
        for number, below in enumerate(() if again else step.inputs, 1):
            end = number == len(step.inputs)
            branch, gap = ("└─ ", "   ") if end else ("├─ ", "│  ")
            lines += draw(below, rest + branch, rest + gap)
        return lines

    last = [step.id for step in pipeline.steps if step.id not in used]
    return "\n".join(line for name in last for line in draw(name, "", ""))


def _label(step: Step, stands: dict[str, bool] | None) -> str:
    state = "" if stands is None else f" [{'stands' if stands[step.id] else 'would run'}]"
    return f"{step.id}: {step.stage.name}{state}"


def _escape(text: str) -> str:
    """`text` inside a quoted Mermaid label: every sign with a meaning there as its entity."""
    signs = {"#": "#35;", "&": "#38;", '"': "#34;", "<": "#60;", ">": "#62;", "`": "#96;"}
    plain = "".join(signs.get(sign, sign) for sign in text)
    return " ".join(plain.split())
