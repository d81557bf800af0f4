"""The options of `evaluate`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_serializer, field_validator

from qbuild.core.engine.stage import Runtime, ValueHint
from qbuild.labels.predictions.options import PredictionOptions
from qbuild.stages.split_option import SplitOptions


class EvaluateOptions(SplitOptions, PredictionOptions):
    """What is compared; options of prediction files apply only to inputs that are files."""

    match: Literal["id", "path"] = Field(
        default="id", description="path: also by path, else file name, where only one has it."
    )
    scale: Literal["raw", "norm"] = Field(
        default="raw", description="Opinion scores: mos, or mos_norm of levels (0-100)."
    )
    overall: Literal["mean", "pooled"] = Field(
        default="mean", description="Over datasets: mean weighted by rows, or all rows as one set."
    )
    temperature: float = Field(
        default=0, ge=0, description="Divides logits before the softmax; 0: that of the rows, or 1."
    )
    bootstrap: int = Field(
        default=1000, ge=0, le=100_000, description="Resamples per interval; 0 disables intervals."
    )
    confidence: float = Field(
        default=0.95, gt=0, lt=1, description="Share of resamples within an interval."
    )
    seed: int = Field(default=0, description="Seed of the resamples.")
    trained_on: Annotated[tuple[str, ...], ValueHint("PATH")] = Field(
        default=(),
        description="Checkpoint folder, artifact or list of training media ids; repeatable.",
    )
    on_leak: Literal["error", "flag"] = Field(
        default="error",
        description="Tested media in the training set: an error, or separate metrics.",
    )

    @field_validator("trained_on", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        """A single path as a list: a pipeline may contain `trained_on: model`."""
        return (value,) if isinstance(value, str) else value

    @field_serializer("trained_on", when_used="json")
    def _content_only(self, paths: tuple[str, ...]) -> list[str]:
        """Name and content hash of each path: moving a file changes no metric."""
        from qbuild.quality.lineage import trained_on_digest

        return [trained_on_digest(path) for path in paths]


class EvaluateRuntime(Runtime):
    """The file of a plot."""

    scatter: Annotated[str, ValueHint("FILE")] = Field(
        default="", description="PNG to draw predictions and scores in."
    )
