"""The recipe of a run, and the typed reasons why an output is stale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from qbuild.core.artifact.description import InputRef, Recipe, StageRef, schema_ref
from qbuild.core.engine.stage import Options, Stage
from qbuild.core.renamed import RenamedOptions, current_options
from qbuild.core.schema import load_schema

ReasonKind = Literal[
    "missing",
    "incomplete",
    "damaged",
    "stage changed",
    "option changed",
    "input changed",
    "prompt changed",
    "schema changed",
    "upstream",
    "forced",
]


@dataclass(frozen=True)
class Reason:
    """Why a step runs: the kind of change, and the option, input or file that changed."""

    kind: ReasonKind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


def make_recipe(
    stage: Stage[Any, Any],
    options: Options,
    inputs: list[InputRef],
    limit: int | None = None,
) -> Recipe:
    """The recipe of a run: everything that determines its rows."""
    schema = load_schema(stage.writes) if stage.writes is not None else None
    return Recipe(
        stage=StageRef(name=stage.name, version=stage.version),
        options=options.model_dump(mode="json"),
        limit=limit,
        inputs=inputs,
        prompts=stage.prompts(options) if stage.prompts is not None else {},
        row_schema=schema_ref(schema) if schema is not None else None,
    )


def find_changes(old: Recipe, new: Recipe, renamed: RenamedOptions | None = None) -> list[Reason]:
    """The differences between two recipes as reasons to run again; none where they are equal.

    Options of `old` are read under their present names, so a renamed option is not a difference.
    """
    reasons: list[Reason] = []
    if old.stage.name != new.stage.name:
        stages = (f"{recipe.stage.name} {recipe.stage.version}" for recipe in (old, new))
        reasons.append(Reason("stage changed", " → ".join(stages)))
    elif old.stage.version != new.stage.version:
        reasons.append(Reason("stage changed", f"{old.stage.version} → {new.stage.version}"))
    if old.row_schema != new.row_schema:
        reasons.append(Reason("schema changed", new.schema_name))
    before = {**current_options(old.options, renamed or {}), "limit": old.limit}
    now = {**new.options, "limit": new.limit}
    reasons += [
        Reason("option changed", f"{name}: {before.get(name)} → {now.get(name)}")
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    reasons += _changed_inputs(old.inputs, new.inputs)
    reasons += [
        Reason("prompt changed", name)
        for name in sorted(old.prompts.keys() | new.prompts.keys())
        if old.prompts.get(name) != new.prompts.get(name)
    ]
    return reasons


def _changed_inputs(old: list[InputRef], new: list[InputRef]) -> list[Reason]:
    if len(old) != len(new):
        return [Reason("input changed", f"{len(old)} → {len(new)} inputs")]
    pairs = zip(old, new, strict=True)
    return [Reason("input changed", after.name) for before, after in pairs if before != after]
