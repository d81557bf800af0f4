"""Writes qbuild/__init__.pyi, the types of `import qbuild`, from the options of the stages.

python docs/python_stubs.py
"""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from qbuild.api.stages import ALIASES
from qbuild.stages import STAGES, get_stage

STUB = Path(__file__).resolve().parent.parent / "qbuild" / "__init__.pyi"
HEAD = '''"""The types of `import qbuild`; written by docs/python_stubs.py."""

from collections.abc import Iterable, Sequence
from typing import Literal

from qbuild.api.artifacts import Artifact as Artifact
from qbuild.api.artifacts import Export as Export
from qbuild.api.artifacts import IncompleteWarning as IncompleteWarning
from qbuild.api.artifacts import QbuildError as QbuildError
from qbuild.api.artifacts import open_artifact as open_artifact
from qbuild.api.models import import_checkpoint as import_checkpoint
from qbuild.api.models import train as train
from qbuild.api.pipelines import StepResult as StepResult
from qbuild.api.pipelines import run_pipeline as run_pipeline
from qbuild.api.stages import Place as _Place
from qbuild.api.stages import plan_stage as plan_stage
from qbuild.api.stages import run_stage as run_stage

__version__: str
'''


def type_of(annotation: Any) -> str:
    """An option's annotation as it is written in a stub; tuples are taken from any sequence."""
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, members))}]"
    if origin is tuple:
        return f"Sequence[{type_of(members[0])}]"
    if origin is types.UnionType:
        return " | ".join(map(type_of, members))
    return "None" if annotation is type(None) else str(annotation.__name__)


def function(name: str, command: str) -> str:
    """The signature of a stage's function."""
    stage = get_stage(command)
    reads = stage.reads.min_inputs or stage.reads.schema
    lines = ["inputs: _Place | Iterable[_Place],"] if reads else []
    lines += ["output: _Place,", "*,"]
    for option, field in {**stage.options.model_fields, **stage.runtime.model_fields}.items():
        kind = "_Place | Sequence[_Place]" if option == "media_roots" else type_of(field.annotation)
        lines.append(f"{option}: {kind} = ...,")
    lines.append("limit: int | None = ...,")
    made = "Export" if stage.writes is None else "Artifact"
    return "\n".join([f"def {name}(", *(f"    {line}" for line in lines), f") -> {made}: ..."])


def stub() -> str:
    """The whole stub."""
    names = {name.replace("-", "_"): name for name in STAGES} | ALIASES
    return HEAD + "\n" + "\n".join(function(*each) for each in sorted(names.items())) + "\n"


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
