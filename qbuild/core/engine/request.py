"""What is asked of the engine, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qbuild.core.artifact.reader import FOLDER_ARTIFACT
from qbuild.core.engine.stage import Options, Runtime, Stage


@dataclass(frozen=True)
class Request:
    """One run of a stage. `limit` takes the first rows of the inputs alone, for a trial."""

    stage: Stage[Any, Any]
    options: Options
    inputs: tuple[Path, ...]
    output: Path
    runtime: Runtime = field(default_factory=Runtime)
    limit: int | None = None

    @property
    def artifact_path(self) -> Path:
        """Where the artifact goes: the output, or its place in the output folder."""
        return self.output / FOLDER_ARTIFACT if self.stage.folder else self.output


@dataclass(frozen=True)
class Result:
    """What a run left: counts, the stage's report, and the description as written."""

    output: Path
    rows: int
    rejected: int
    pending: int
    report: dict[str, Any]
    description: dict[str, Any]

    @property
    def complete(self) -> bool:
        """Whether every row was handled."""
        return self.pending == 0

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        counts = {"rows": self.rows, "rejected": self.rejected, "output": str(self.output)}
        return {**counts, "complete": self.complete, "pending": self.pending, **self.report}
