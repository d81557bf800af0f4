"""What an artifact was made from, as one value; why it has to be made again, as typed reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from qbuild.core.canonical import hash_value
from qbuild.core.renamed import RenamedOptions, current_options

if TYPE_CHECKING:
    from qbuild.core.engine.stage import Options, Stage

Kind = Literal[
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
    """Why a step runs: the kind of change, and which option, input or file it was."""

    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


def recipe(
    stage: Stage[Any, Any],
    options: Options,
    inputs: list[dict[str, Any]],
    limit: int | None = None,
) -> dict[str, Any]:
    """All that decides the rows of a run, in the form a description holds."""
    from qbuild.core.schema import load_schema

    schema = load_schema(stage.writes) if stage.writes is not None else None
    return {
        "stage": {"name": stage.name, "version": stage.version},
        "options": options.model_dump(mode="json"),
        "limit": limit,
        "inputs": inputs,
        "prompts": stage.prompts(options) if stage.prompts is not None else {},
        "schema": {"name": schema.name, "version": schema.version, "hash": schema.hash}
        if schema
        else None,
    }


def fingerprint(made_from: dict[str, Any]) -> str:
    """`sha256:…` of a recipe."""
    return hash_value(made_from)


def changes(
    old: dict[str, Any], new: dict[str, Any], renamed: RenamedOptions | None = None
) -> list[Reason]:
    """The reasons to run again that lie between two recipes; none when they are the same.

    Options of `old` are read under their present names, so that a renamed option is no change.
    """
    reasons: list[Reason] = []
    if old["stage"] != new["stage"]:
        named = (
            ("version",) if old["stage"]["name"] == new["stage"]["name"] else ("name", "version")
        )
        was_made, is_made = (" ".join(str(d["stage"][n]) for n in named) for d in (old, new))
        reasons.append(Reason("stage changed", f"{was_made} → {is_made}"))
    if old["schema"] != new["schema"]:
        reasons.append(Reason("schema changed", (new["schema"] or {}).get("name", "")))
    was = {**current_options(old["options"], renamed or {}), "limit": old.get("limit")}
    now = {**new["options"], "limit": new.get("limit")}
    reasons += [
        Reason("option changed", f"{name}: {was.get(name)} → {now.get(name)}")
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    ]
    reasons += _changed_inputs(old["inputs"], new["inputs"])
    for name in sorted(old["prompts"].keys() | new["prompts"].keys()):
        if old["prompts"].get(name) != new["prompts"].get(name):
            reasons.append(Reason("prompt changed", name))
    return reasons


def _changed_inputs(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[Reason]:
    if old == new:
        return []
    if len(old) != len(new):
        return [Reason("input changed", f"{len(old)} → {len(new)} inputs")]
    names = [b["name"] for a, b in zip(old, new, strict=True) if a != b]
    return [Reason("input changed", name) for name in names]
