"""The settings of a training run: flat, typed, the paper's values by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, create_model, model_validator

from qbuild.core.renamed import Renamed
from qbuild_backends.models.family import FamilySettings
from qbuild_backends.settings import validate_settings

RENAMED = {"frame": Renamed("video_prompt")}
# None of these changes a weight: a run that stopped at a bad sample may continue by skipping it.
# The base is identified by its content.
_NO_EFFECT = {
    *("base", "device", "on_bad_sample", "cache", "workers", "save_every", "keep", "log_every")
}
# `auto` gives the losses of these values, so fingerprints and descriptions name them.
_AUTO = {"per_device_batch": 1, "gradient_checkpointing": True}
_Auto = BeforeValidator(lambda given: None if given == "auto" else given)
# Newer than 0.1.0: left out at these values, so that an unfinished training of 0.1.0 resumes.
_ADDED = {"recipe": "paper", "validation": "", "validate_every": 0}


class TrainSettings(FamilySettings):
    """The values of `--config` and `--set`; VQA² section 5.1 and the published scripts."""

    base: str = Field(min_length=1, description="Folder of a checkpoint, or the preset tiny.")
    video_prompt: Literal["training", "scoring", "understanding", "none"] = Field(
        "training",
        description="Words around a video's features (Appendix C.2).",
        serialization_alias="frame",  # its name in fingerprints and descriptions since 0.1.0
    )

    epochs: int = Field(1, ge=1, description="Times that every sample is seen.")
    max_steps: int = Field(0, ge=0, description="Steps after which to end; 0 runs all of them.")
    batch: int = Field(8, ge=1, description="Samples per step, over all devices.")
    per_device_batch: Annotated[int | None, _Auto] = Field(
        None, ge=1, description="Samples in one pass of one device; auto: by the model's size."
    )

    validation: Annotated[str, BeforeValidator(str)] = Field(
        "", description="Share of the media, split or artifact whose best checkpoint is kept."
    )
    validate_every: int = Field(0, ge=0, description="Steps between validations; 0: ten per run.")

    learning_rate: float = Field(1e-5, gt=0, description="Of every group without its own rate.")
    warmup: float = Field(0.03, ge=0, lt=1, description="Share of the steps in which it rises.")
    hold: float = Field(0.0, ge=0, lt=1, description="Share of the steps before the cosine falls.")
    weight_decay: float = Field(0.0, ge=0, description="AdamW's weight decay.")
    max_norm: float = Field(1.0, ge=0, description="Gradient clipping norm; 0 disables it.")

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to train.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="Type of the passes; auto is bfloat16 on a GPU that supports it."
    )
    gradient_checkpointing: Annotated[bool | None, _Auto] = Field(
        None, description="Less memory, a third more computing; auto: not for a small model."
    )
    lora_rank: int = Field(0, ge=0, description="Rank of LoRA in the language model; 0: none.")
    lora_alpha: int = Field(16, gt=0, description="LoRA's weight is alpha / rank.")
    lora_targets: str = Field(
        "q_proj,k_proj,v_proj,o_proj", description="LoRA's modules, separated by commas."
    )
    qlora: bool = Field(False, description="LoRA on a language model in 4 bits.")

    on_bad_sample: Literal["stop", "skip"] = Field("stop", description="skip keeps a record.")
    cache: str = Field("", description="Folder that keeps decoded frames; none by default.")
    workers: int = Field(2, ge=0, description="Threads that prefetch media; 0 decodes in line.")
    save_every: int = Field(500, ge=1, description="Steps between states to resume from.")
    keep: int = Field(1, ge=1, description="Number of states that are kept.")
    log_every: int = Field(50, ge=1, description="Steps between printed losses.")

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if self.per_device_batch and self.batch % self.per_device_batch:
            raise ValueError(
                f"batch {self.batch} is not a multiple of per_device_batch {self.per_device_batch}"
            )
        if self.warmup + self.hold >= 1:
            raise ValueError(f"warmup {self.warmup} and hold {self.hold} leave no step to fall in")
        if self.qlora and not self.lora_rank:
            raise ValueError("qlora without lora_rank trains nothing; expected a rank, such as 64")
        return self

    def rate(self, group: str) -> float:
        """The learning rate of a group of parameters."""
        own: float | None = getattr(self, f"{group}_rate", None)
        return self.learning_rate if own is None else own

    def decisive(self) -> dict[str, Any]:
        """The settings that change what is learnt, for fingerprint and description."""
        settings = self.model_dump(exclude=_NO_EFFECT, by_alias=True)
        resolved = {name: value for name, value in _AUTO.items() if settings[name] is None}
        as_before = {name for name, value in _ADDED.items() if settings.get(name) == value}
        return {n: v for n, v in (settings | resolved).items() if n not in as_before}


def read_settings(family: type[FamilySettings], given: Mapping[str, Any]) -> TrainSettings:
    """The settings of a training run of a family; raises as `validate_settings`.

    Values that are given take precedence over those of the recipe, or without one over those for
    the base, and these over the defaults. Needs no torch, so that a mistake is reported at once.
    """
    model: Any = create_model("Settings", __base__=(family, TrainSettings))
    recipe = family.recipes.get(str(given["recipe"]), {}) if "recipe" in given else None
    defaults = family.defaults_of(given) if recipe is None else recipe
    settings: TrainSettings = validate_settings(model, {**defaults, **given}, RENAMED)
    return settings
