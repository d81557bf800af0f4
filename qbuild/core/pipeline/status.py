"""The status of a pipeline, and diagrams of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbuild.core.pipeline.run import StepDecision, plan, read_output

if TYPE_CHECKING:
    from qbuild.core.pipeline.load import Pipeline


def pipeline_status(
    pipeline: Pipeline, workdir: Path, force: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """For each step in order: whether it is up to date, why not, and its existing output."""
    return [step_status(decision) for decision in plan(pipeline, workdir, force)]


def step_status(decision: StepDecision) -> dict[str, Any]:
    """The decision on a step, with rows, rejected rows and content hash of its existing output."""
    described = read_output(decision.output)
    return {
        "id": decision.step.id,
        "stage": decision.step.stage.name,
        "up_to_date": not decision.runs,
        "stands": not decision.runs,  # the old name, until 0.3
        "reasons": [{"kind": r.kind, "detail": r.detail} for r in decision.reasons],
        "output": str(decision.output),
        "rows": described.rows if described is not None else None,
        "rejected": described.rejected.rows if described is not None else None,
        "complete": described.complete if described is not None else None,
        "content_hash": described.content_hash if described is not None else None,
    }


def edges(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Every input with the step that reads it: ids of steps, or names of files."""
    return [(name, step.id) for step in pipeline.steps for name in step.inputs]


def mermaid(pipeline: Pipeline, up_to_date: dict[str, bool] | None = None) -> str:
    """A Mermaid flowchart; `up_to_date`, by step, highlights the steps that are."""
    steps = {step.id: f"s{number}" for number, step in enumerate(pipeline.steps)}
    files = {name: f"f{n}" for n, name in enumerate(dict(edges(pipeline))) if name not in steps}
    names = {**files, **steps}
    lines = ["flowchart LR"]
    lines += [f'    {node}[/"{_escape(name)}"/]' for name, node in files.items()]
    for step in pipeline.steps:
        label = f"{_escape(step.id)}<br/>{_escape(step.stage.name)}"
        lines.append(f'    {steps[step.id]}["{label}"]')
    lines += [f"    {names[start]} --> {names[end]}" for start, end in edges(pipeline)]
    if up_to_date is not None:
        current = [steps[name] for name, is_current in up_to_date.items() if is_current]
        lines.append("    classDef current fill:#dfd,stroke:#393")
        lines += [f"    class {','.join(current)} current"] if current else []
    return "\n".join(lines)


def tree(pipeline: Pipeline, up_to_date: dict[str, bool] | None = None) -> str:
    """Each final step with its inputs below it, indented; the inputs of a step are drawn once."""
    by_id = {step.id: step for step in pipeline.steps}
    used = {name for step in pipeline.steps for name in step.after}
    drawn: set[str] = set()

    def draw(name: str, first: str, rest: str) -> list[str]:
        step = by_id.get(name)
        if step is None:
            return [f"{first}{name}"]
        again = name in drawn and bool(step.inputs)
        drawn.add(name)
        state = ""
        if up_to_date is not None:
            state = f" [{'up to date' if up_to_date[name] else 'would run'}]"
        lines = [f"{first}{name}: {step.stage.name}{state}{' (above)' if again else ''}"]
        for number, below in enumerate(() if again else step.inputs, 1):
            end = number == len(step.inputs)
            branch, gap = ("└─ ", "   ") if end else ("├─ ", "│  ")
            lines += draw(below, rest + branch, rest + gap)
        return lines

    last = [step.id for step in pipeline.steps if step.id not in used]
    return "\n".join(line for name in last for line in draw(name, "", ""))


def _escape(text: str) -> str:
    """`text` inside a quoted Mermaid label, with special characters as entities."""
    entities = {"#": "#35;", "&": "#38;", '"': "#34;", "<": "#60;", ">": "#62;", "`": "#96;"}
    return " ".join("".join(entities.get(character, character) for character in text).split())
