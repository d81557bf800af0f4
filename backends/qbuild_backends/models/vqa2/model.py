"""The VQA² model: LLaVA-OneVision whose text has a second placeholder, filled with motion tokens.

Shapes: b samples of n tokens; k key frames and m motion frames over all samples of the batch, one
sample's after another's; the counts are the frames of each sample.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionModel,
    LlavaOnevisionPreTrainedModel,
    initialization,
)

from qbuild.core.errors import InputError
from qbuild_backends.models.generation import MediaGenerationMixin
from qbuild_backends.models.vqa2.config import Vqa2Config
from qbuild_backends.models.vqa2.motion_tokens import MotionExtractor, MotionProjector

# What a batch has besides its text.
FEATURES = ("key_frames", "key_counts", "motion_frames", "motion_counts")
# Patches that inference sends through the vision tower at a time, so that its memory does not grow
# with the video: a CPU is as fast on one key frame of SO400M (729) as on eight, a GPU wants more.
PATCHES_TOGETHER = {"cpu": 1_024, "cuda": 6_000}
_NAMED = {"input_ids", "attention_mask", "position_ids", "logits_to_keep", *FEATURES}


class _Vqa2(LlavaOnevisionPreTrainedModel):
    """The configuration, and the initial weights of the motion branch."""

    config_class = Vqa2Config
    config: Vqa2Config

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, nn.Conv3d):  # as in PyTorchVideo; .02 would vanish in 50 layers
            initialization.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class Vqa2Model(_Vqa2, LlavaOnevisionModel):
    """The model below its language head."""

    def __init__(self, config: Vqa2Config) -> None:
        super().__init__(config)
        self.motion_extractor = MotionExtractor(config)
        self.motion_projector = MotionProjector(config.text.hidden_size)
        self.post_init()

    def visual_tokens(self, key_frames: Tensor, key_counts: Tensor) -> Tensor:
        """Visual tokens (k · tokens_per_key + newlines, hidden) of key frames uint8 (k, s, s, 3).

        Each sample that has key frames has one newline at their end.
        """
        together = len(key_frames) if self.training else self._keys_together()
        pooled = torch.cat([self._pooled(part) for part in key_frames.split(together)])
        newline = self.image_newline[None]
        parts = [
            torch.cat((frames.flatten(0, 1), newline))
            for frames in pooled.split(key_counts.tolist())
            if len(frames)
        ]
        return torch.cat(parts)

    def _keys_together(self) -> int:
        """Key frames that inference sends through the vision tower at a time."""
        most = PATCHES_TOGETHER.get(self.device.type, PATCHES_TOGETHER["cuda"])
        patches: int = self.vision_tower.embeddings.num_patches
        return max(1, most // patches)

    def _pooled(self, key_frames: Tensor) -> Tensor:
        """Tokens (k, tokens_per_key, hidden) of key frames uint8 (k, s, s, 3)."""
        states = self._states(self._pixels(key_frames))
        pooled: Tensor = self.apply_pooling(self.multi_modal_projector(states))
        return pooled

    def _pixels(self, key_frames: Tensor) -> Tensor:
        """Key frames uint8 (k, s, s, 3) as the tower takes them (k, 3, s, s)."""
        weight = self.vision_tower.embeddings.patch_embedding.weight
        pixels = key_frames.to(weight.device, weight.dtype).div_(255).sub_(self.config.vision_mean)
        return pixels.div_(self.config.vision_deviation).permute(0, 3, 1, 2)

    def _states(self, pixels: Tensor) -> Tensor:
        """States (k, patches, width) of the layer that is read, before any final norm of the tower.

        The last layer, which all presets read, is taken from the encoder: the tower would keep the
        states of other layers, at SO400M 3 MB per key frame and layer in float32.
        """
        tower, layer = self.vision_tower, self.config.vision_feature_layer
        if layer != -1:
            selected: Tensor = tower(pixels, output_hidden_states=True).hidden_states[layer]
            return selected
        embedded = tower.embeddings(pixels)
        del pixels  # not needed by the layers
        states: Tensor = tower.encoder(inputs_embeds=embedded).last_hidden_state
        return states

    def motion_tokens(self, motion_frames: Tensor, motion_counts: Tensor) -> Tensor:
        """Motion tokens (m, hidden) of frames uint8 (m, s, s, 3)."""
        tokens: Tensor = self.motion_projector(self.motion_extractor(motion_frames, motion_counts))
        return tokens

    def embedded(
        self,
        input_ids: Tensor,
        key_frames: Tensor | None = None,
        key_counts: Tensor | None = None,
        motion_frames: Tensor | None = None,
        motion_counts: Tensor | None = None,
    ) -> Tensor:
        """The text's embeddings (b, n, hidden) with visual and motion tokens in their places."""
        embeds: Tensor = self.get_input_embeddings()(input_ids)
        visual = motion = None
        if key_frames is not None and key_counts is not None:
            visual = self.visual_tokens(key_frames, key_counts)
        if motion_frames is not None and motion_counts is not None:
            motion = self.motion_tokens(motion_frames, motion_counts)
        embeds = _filled(embeds, input_ids == self.config.video_token_id, visual, "visual")
        return _filled(embeds, input_ids == self.config.motion_token_id, motion, "motion")

    def forward(
        self,
        input_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        key_frames: Tensor | None = None,
        key_counts: Tensor | None = None,
        motion_frames: Tensor | None = None,
        motion_counts: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """LLaVA-OneVision's output; without key frames or motion its own forward, unchanged.

        Raises InputError where placeholders and tokens are not equally many.
        """
        if input_ids is not None and (key_counts is not None or motion_counts is not None):
            inputs_embeds = self.embedded(
                input_ids, key_frames, key_counts, motion_frames, motion_counts
            )
            input_ids = None
        return super().forward(input_ids=input_ids, inputs_embeds=inputs_embeds, **kwargs)


def _filled(embeds: Tensor, places: Tensor, tokens: Tensor | None, kind: str) -> Tensor:
    """Embeddings with these tokens at the places, in order."""
    expected, given = int(places.sum()), 0 if tokens is None else len(tokens)
    if expected != given:
        raise InputError(
            "vqa2 model",
            f"{expected} places for {kind} tokens, but {given} tokens",
            "expected as many places as tokens",
            "Make ids and frames with the processor of this model.",
        )
    if tokens is None:
        return embeds
    return embeds.masked_scatter(places[..., None].to(embeds.device), tokens.to(embeds))


class Vqa2ForConditionalGeneration(
    _Vqa2, MediaGenerationMixin, LlavaOnevisionForConditionalGeneration
):
    """The model with its language head."""

    media_inputs = FEATURES

    def __init__(self, config: Vqa2Config) -> None:
        # LlavaOnevision's own constructor would build its own body, 8 GB of it at 7b.
        LlavaOnevisionPreTrainedModel.__init__(self, config)
        self.model = Vqa2Model(config)
        self.lm_head = nn.Linear(config.text.hidden_size, config.text.vocab_size, bias=False)
        self.post_init()

    def save_pretrained(self, *args: Any, **kwargs: Any) -> None:
        """Written under the module's own names, not under those of older LLaVA files."""
        kwargs.setdefault("save_original_format", False)
        super().save_pretrained(*args, **kwargs)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        key_frames: Tensor | None = None,
        key_counts: Tensor | None = None,
        motion_frames: Tensor | None = None,
        motion_counts: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """LLaVA-OneVision's output: loss where labels are given, logits (b, n, vocabulary).

        `generate` reads from this signature which arguments the model takes.
        """
        named = {name: value for name, value in locals().items() if name in _NAMED}
        return super().forward(**named, **kwargs)
