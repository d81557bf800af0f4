"""The configuration of LLaVA-OneVision with the fields of the motion branch."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import cast

from huggingface_hub.dataclasses import strict
from transformers import LlavaOnevisionConfig, Qwen2Config, SiglipVisionConfig


@strict
class Vqa2Config(LlavaOnevisionConfig):
    """The shapes of a VQA² model and the statistics that normalise its frames.

    The vision tower of the configuration ends at the layer that is read: SigLIP-SO400M has 27
    layers, the penultimate is the 26th, and only 26 are built (397.75M parameters, Table 10).
    `video_token_id` marks the visual tokens, `motion_token_id` the motion tokens; both are rows
    of the embedding that no text uses. Means and deviations are of pixels in [0, 1].
    """

    model_type = "vqa2"

    motion_token_id: int = 151_648
    motion_positions: int = 2_000
    motion_size: int = 224
    motion_mean: float = 0.45
    motion_deviation: float = 0.225
    vision_mean: float = 0.5
    vision_deviation: float = 0.5

    @property
    def vision(self) -> SiglipVisionConfig:
        """The vision tower's part, typed."""
        return cast("SiglipVisionConfig", self.vision_config)

    @property
    def text(self) -> Qwen2Config:
        """The language model's part, typed."""
        return cast("Qwen2Config", self.text_config)

    @property
    def key_size(self) -> int:
        """Side of a key frame, in pixels."""
        return cast("int", self.vision.image_size)

    @property
    def tokens_per_key(self) -> int:
        """Tokens of a key frame: its patches pooled to half a side, 27x27 to 14x14."""
        side = self.key_size // cast("int", self.vision.patch_size)
        return (-(-side // 2)) ** 2
