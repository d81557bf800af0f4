"""The settings that VQA² adds to training (section 5.1 and the published scripts) and importing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from qbuild.core.errors import UsageError
from qbuild_backends.models.family import FamilySettings, ImportSettings

Rate = float | None
# With these the preset tiny learns the level of blur, noise and compression in about two minutes
# on one core; the paper's values fit pretrained models, and would leave random weights as they are.
TINY = {
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "batch": 16,
    "warmup": 0.05,
    "hold": 0.3,
    "epochs": 1_000,
    "max_steps": 1_000,
}


class Vqa2Settings(FamilySettings):
    """The stage, the recipe, and the learning rate of each part."""

    # Table 10 and section 5.1 of the paper are the defaults. The released scripts train the vision
    # tower at another rate and accumulate two steps of 8.
    recipes: ClassVar = {"paper": {}, "release": {"batch": 16, "vision_tower_rate": 2e-6}}

    plan: Literal["1-spatial", "1-motion", "ugc-scorer", "streaming-scorer", "assistant"] = Field(
        description="Stage, which decides what is trained."
    )
    recipe: Literal["paper", "release"] = Field(
        "paper", description="Defaults of the paper, or of its released scripts."
    )
    motion: bool | None = Field(
        None, description="False: only key frames, the paper's ablation; none: as the base."
    )
    vision_tower_rate: Rate = Field(None, gt=0, description="Learning rate of SigLIP.")
    projector_rate: Rate = Field(None, gt=0, description="Of the visual projector.")
    motion_extractor_rate: Rate = Field(None, gt=0, description="Of the fast pathway.")
    motion_projector_rate: Rate = Field(None, gt=0, description="Of the motion projector.")
    language_model_rate: Rate = Field(None, gt=0, description="Of the language model.")

    @classmethod
    def defaults_of(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """As `FamilySettings.defaults_of`: TINY, without `max_steps` where epochs are given."""
        if given.get("base") != "tiny" or Path("tiny").is_dir():
            return {}
        return {k: v for k, v in TINY.items() if k != "max_steps" or "epochs" not in given}

    @model_validator(mode="after")
    def _check_motion(self) -> Self:
        if self.plan == "1-motion" and self.motion is False:
            raise ValueError("motion false leaves plan 1-motion nothing to train")
        return self

    def frozen(self) -> tuple[str, ...]:
        """The released script of `1-spatial` leaves the newline after the visual tokens frozen."""
        released = self.recipe == "release" and self.plan == "1-spatial"
        return ("model.image_newline",) if released else ()

    def configure(self, processor: Any) -> None:
        """Show videos with motion or without; UsageError for `1-motion` on a base without."""
        if self.motion is not None:
            processor.settings = replace(processor.settings, motion=self.motion)
        if self.plan == "1-motion" and not processor.settings.motion:
            raise UsageError(
                "setting base",
                "was trained without motion, which leaves plan 1-motion nothing to train",
                "expected motion true",
                "Give --set motion=true.",
            )


class Vqa2ImportSettings(ImportSettings):
    """Motion frames, and where the fast pathway comes from."""

    layout: Literal["auto", "llava-hf", "llava-qwen", "vqa2"] = Field(
        "auto", description="Names of the tensors; auto recognises them."
    )
    motion: Literal["paper", "release"] | None = Field(
        None, description="Motion frames; none: release for llava_qwen, paper for llava-hf."
    )
    slowfast: str = Field("", description="PyTorchVideo's SlowFast-R50, whose pathway is taken.")
