"""The settings of a training run: flat, typed, the paper's values by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qbuild_backends.settings import checked

Plan = Literal["1-spatial", "1-motion", "ugc-scorer", "streaming-scorer", "assistant"]
Rate = float | None


class TrainSettings(BaseModel):
    """What `--config` and `--set` may say; VQA² section 5.1 and the published scripts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field(min_length=1, description="Folder of a checkpoint, or the preset tiny.")
    plan: Plan = Field(description="Stage, which decides what is trained.")
    frame: Literal["training", "scoring", "understanding", "none"] = Field(
        "training", description="Words around a video's features (Appendix C.2)."
    )
    motion: bool | None = Field(
        None, description="False: key frames alone, the paper's ablation; none: as the base."
    )

    epochs: int = Field(1, ge=1, description="Times that every sample is seen.")
    max_steps: int = Field(0, ge=0, description="Steps after which to end; 0: all of them.")
    batch: int = Field(8, ge=1, description="Samples a step, over all devices.")
    per_device_batch: int = Field(1, ge=1, description="Samples in one pass of one device.")

    learning_rate: float = Field(1e-5, gt=0, description="Of every group without one of its own.")
    vision_tower_rate: Rate = Field(None, gt=0, description="Of SigLIP.")
    projector_rate: Rate = Field(None, gt=0, description="Of the visual projector.")
    motion_extractor_rate: Rate = Field(None, gt=0, description="Of the fast pathway.")
    motion_projector_rate: Rate = Field(None, gt=0, description="Of the motion projector.")
    language_model_rate: Rate = Field(None, gt=0, description="Of the language model.")
    warmup: float = Field(0.03, ge=0, lt=1, description="Share of the steps that rise to the rate.")
    hold: float = Field(0.0, ge=0, lt=1, description="Share of the steps before the cosine falls.")
    weight_decay: float = Field(0.0, ge=0, description="AdamW's.")
    max_norm: float = Field(1.0, ge=0, description="Norm that gradients are cut to; 0: not cut.")

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to train.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="Of the passes; auto is bfloat16 on a GPU that has it."
    )
    gradient_checkpointing: bool = Field(True, description="Less memory, a third more computing.")
    lora_rank: int = Field(0, ge=0, description="Rank of LoRA in the language model; 0: none.")
    lora_alpha: int = Field(16, gt=0, description="LoRA's weight is alpha / rank.")
    lora_targets: str = Field("q_proj,k_proj,v_proj,o_proj", description="Its modules, by comma.")
    qlora: bool = Field(False, description="LoRA on a language model in 4 bits.")

    on_bad_sample: Literal["stop", "skip"] = Field("stop", description="skip keeps a record.")
    cache: str = Field("", description="Folder that keeps decoded frames; none by default.")
    workers: int = Field(2, ge=0, description="Threads that decode ahead; 0 decodes in line.")
    save_every: int = Field(500, ge=1, description="Steps between states to resume from.")
    keep: int = Field(1, ge=1, description="How many of them stay.")
    log_every: int = Field(50, ge=1, description="Steps between printed losses.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.batch % self.per_device_batch:
            raise ValueError(
                f"batch {self.batch} is no multiple of per_device_batch {self.per_device_batch}"
            )
        if self.warmup + self.hold >= 1:
            raise ValueError(f"warmup {self.warmup} and hold {self.hold} leave no step to fall in")
        if self.plan == "1-motion" and self.motion is False:
            raise ValueError("motion false leaves plan 1-motion nothing to train")
        if self.qlora and not self.lora_rank:
            raise ValueError("qlora without lora_rank trains nothing; expected a rank, such as 64")
        return self

    def rate(self, group: str) -> float:
        """The learning rate of a group of parameters."""
        own: Rate = getattr(self, f"{group}_rate")
        return self.learning_rate if own is None else own

    def what_counts(self) -> dict[str, Any]:
        """The settings that change what is learnt, for fingerprint and description."""
        return self.model_dump(exclude=_INCIDENTAL)


# None changes a number of the model: a run that stopped at a bad sample may go on by skipping it.
# The base is told by its content.
_INCIDENTAL = {
    *("base", "device", "on_bad_sample", "cache", "workers", "save_every", "keep", "log_every")
}


def settings_of(given: Mapping[str, Any]) -> TrainSettings:
    """The settings of a training run; raises as `checked`."""
    return checked(TrainSettings, given)
