"""What `evaluate` is asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_serializer, field_validator

from qbuild.core.engine.stage import Runtime, ValueHint
from qbuild.labels.predictions.options import PredictionOptions


class EvaluateOptions(PredictionOptions):
    """What is compared with what; the options of prediction files apply to inputs that are such."""

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
        default=0, ge=0, description="Divides logits before the softmax; 0: as the rows say, or 1."
    )
    bootstrap: int = Field(
        default=1000, ge=0, le=100_000, description="Resamples behind an interval; 0: no intervals."
    )
    confidence: float = Field(
        default=0.95, gt=0, lt=1, description="Share of resamples that an interval holds."
    )
    seed: int = Field(default=0, description="Draws the resamples.")
    trained_on: Annotated[tuple[str, ...], ValueHint("PATH")] = Field(
        default=(),
        description="Checkpoint folder, artifact or list of ids that it learned from; repeatable.",
    )
    on_leak: Literal["error", "flag"] = Field(
        default="error", description="Media the model was trained on: an error, or figures apart."
    )

    @field_validator("trained_on", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """One path as a list of one: a recipe may say `trained_on: model`."""
        return (given,) if isinstance(given, str) else given

    @field_serializer("trained_on", when_used="json")
    def _recorded(self, paths: tuple[str, ...]) -> list[str]:
        """Name and content hash of each: where it lies decides no figure."""
        from qbuild.quality.lineage import trained_on_digest

        return [trained_on_digest(path) for path in paths]


class EvaluateRuntime(Runtime):
    """Where a picture of the points goes."""

    scatter: Annotated[str, ValueHint("FILE")] = Field(
        default="", description="PNG to draw predictions and scores in."
    )
