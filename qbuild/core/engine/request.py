"""The request and the result of one run of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from qbuild.core.artifact.description import Description, StageRef
from qbuild.core.artifact.output_folder import FOLDER_ARTIFACT
from qbuild.core.engine.stage import Options, Runtime, Stage
from qbuild.core.errors import UsageError, describe_option_error, raise_all

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Request:
    """One run of a stage; `limit` takes only the first rows of the inputs, for a trial."""

    stage: Stage[Any, Any]
    options: Options
    inputs: tuple[Path, ...]
    output: Path
    runtime: Runtime = field(default_factory=Runtime)
    limit: int | None = None

    @property
    def stage_ref(self) -> StageRef:
        """The name and version of the stage, as in descriptions."""
        return StageRef(name=self.stage.name, version=self.stage.version)

    @property
    def artifact_path(self) -> Path:
        """The path of the artifact: the output, or a file in the output folder."""
        return self.output / FOLDER_ARTIFACT if self.stage.folder else self.output


def build_options(model: type[M], given: Mapping[str, Any], prefix: str = "", todo: str = "") -> M:
    """Build an options model from `given`; raises all invalid values together as UsageErrors.

    In errors, `prefix` precedes the name of an option (as in `--severity`), and `todo` is the hint.
    """
    values = {name: given[name] for name in model.model_fields if name in given}
    try:
        return model(**values)
    except ValidationError as error:
        faults = error.errors()
    named = [str(fault["loc"][0] if fault["loc"] else "") for fault in faults]
    raise_all(
        UsageError(
            prefix + (name.replace("_", "-") if prefix else name),
            *describe_option_error(fault),
            todo,
        )
        for name, fault in zip(named, faults, strict=True)
    )
    raise AssertionError("unreachable")


@dataclass(frozen=True)
class Result:
    """The result of a run: counts, the stage's report, and the description as written."""

    output: Path
    rows: int
    rejected: int
    pending: int
    report: dict[str, Any]
    description: Description

    @property
    def complete(self) -> bool:
        """Whether no row is pending."""
        return self.pending == 0

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        counts = {"rows": self.rows, "rejected": self.rejected, "output": str(self.output)}
        return {**counts, "complete": self.complete, "pending": self.pending, **self.report}
