"""VQA² as a model family: LLaVA-OneVision with a motion branch (VQA², section 4)."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers import set_seed

from qbuild.quality.published_text import ANSWER, LEVEL_WEIGHTS, LEVEL_WORDS, VQA2_QUESTION
from qbuild_backends.models.family import (
    FreezingPlan,
    ModelFamily,
    ParameterGroup,
    ScoringPrompt,
)
from qbuild_backends.models.vqa2 import published_config
from qbuild_backends.models.vqa2.clips import MULTIPLE
from qbuild_backends.models.vqa2.config import Vqa2Config
from qbuild_backends.models.vqa2.layouts import LAYOUTS, PARTS
from qbuild_backends.models.vqa2.model import FEATURES, Vqa2ForConditionalGeneration
from qbuild_backends.models.vqa2.patch_embedding import set_dct_filters
from qbuild_backends.models.vqa2.presets import PRESETS, preset
from qbuild_backends.models.vqa2.processor import FILE, Settings, Vqa2Processor
from qbuild_backends.models.vqa2.settings import Vqa2ImportSettings, Vqa2Settings
from qbuild_backends.models.vqa2.tokenizer import tiny_tokenizer

LOWER_CASE = tuple(word.lower() for word in LEVEL_WORDS["vqa2"])

# The newline that ends a sample's visual tokens is one of the tokens that the projector makes.
GROUPS = {
    "vision_tower": ParameterGroup(("model.vision_tower.",), "visual"),
    "projector": ParameterGroup(("model.multi_modal_projector.", "model.image_newline"), "visual"),
    "motion_extractor": ParameterGroup(("model.motion_extractor.",), "motion"),
    "motion_projector": ParameterGroup(("model.motion_projector.",), "motion"),
    "language_model": ParameterGroup(("model.language_model.", "lm_head."), "text"),
}


class Vqa2Family(ModelFamily):
    """The family of VQA² models."""

    name = "vqa2"
    config_class = Vqa2Config
    model_class = Vqa2ForConditionalGeneration
    processor_file = FILE
    presets = PRESETS
    scoring = ScoringPrompt(
        question=VQA2_QUESTION,
        answer=ANSWER.partition("{word}")[0].rstrip().replace("{aspect}", "quality"),
        words={
            "vqa2": LOWER_CASE,
            "vqa2-capitalised": LEVEL_WORDS["vqa2"],
            "itu": LEVEL_WORDS["itu"],
            "release": LOWER_CASE,  # with the released scorer's weights
        },
        weights=LEVEL_WEIGHTS,
    )
    shares_prefix = True

    groups = GROUPS
    # The layer of SigLIP that is read is below its last norm.
    never_trained = (
        "model.vision_tower.post_layernorm.",
        "model.vision_tower.vision_model.post_layernorm.",
    )
    read_directly: ClassVar = {"model.motion_extractor": "position_embedding.weight"}
    plans: ClassVar = {
        "1-spatial": FreezingPlan(("vision_tower", "projector"), "image"),
        "1-motion": FreezingPlan(("motion_extractor", "motion_projector"), "video"),
        "ugc-scorer": FreezingPlan(tuple(GROUPS)),
        "streaming-scorer": FreezingPlan(tuple(GROUPS)),
        "assistant": FreezingPlan(tuple(GROUPS)),
    }
    train_settings = Vqa2Settings

    layouts = LAYOUTS
    part_layouts = PARTS
    import_settings = Vqa2ImportSettings

    def tiny(
        self, seed: int = 0, motion: str = "paper"
    ) -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
        """The preset tiny; `motion` as of `preset`."""
        set_seed(seed)
        config = preset("tiny", motion)
        model = Vqa2ForConditionalGeneration(config)
        set_dct_filters(model.model.vision_tower.embeddings.patch_embedding)
        return model, self.processor(config, tiny_tokenizer())

    def processor(self, config: Vqa2Config, tokenizer: Any) -> Vqa2Processor:
        """As `ModelFamily.processor`."""
        return Vqa2Processor(tokenizer, Settings.of(config))

    def load_processor(self, folder: Path, config: Vqa2Config) -> Vqa2Processor:
        """As `ModelFamily.load_processor`."""
        processor = Vqa2Processor.load(folder)
        processor.check_model(config, str(folder / FILE))
        return processor

    def prepare_inference(self, model: Vqa2ForConditionalGeneration) -> None:
        """Fold the batch norms of the motion extractor, in float32, before they are rounded."""
        extractor = model.model.motion_extractor
        dtype = next(extractor.pathway.parameters()).dtype
        extractor.pathway.float()
        extractor.fold()
        extractor.pathway.to(dtype=dtype)

    def fill_branches(
        self,
        body: Any,
        inputs: dict[str, Any],
        branches: Collection[str],
        blank: Callable[[], AbstractContextManager[None]],
    ) -> dict[str, Any]:
        """As `ModelFamily.fill_branches`."""
        lacks_keys = "visual" in branches and inputs.get("key_counts") is None
        lacks_motion = "motion" in branches and inputs.get("motion_counts") is None
        if not (lacks_keys or lacks_motion):
            return inputs
        rest = dict(inputs)
        features = {name: rest.pop(name) for name in FEATURES if name in rest}
        embeds = body.embedded(rest.pop("input_ids"), **features)
        with blank():
            if lacks_keys:
                tokens = body.visual_tokens(_black(1, body.config.key_size), torch.tensor([1]))
                embeds = embeds + 0 * tokens.sum()
            if lacks_motion:
                black = _black(MULTIPLE, body.config.motion_size)
                tokens = body.motion_tokens(black, torch.tensor([MULTIPLE]))
                embeds = embeds + 0 * tokens.sum()
        return {**rest, "inputs_embeds": embeds}

    def read_config(self, config: dict[str, Any], settings: Any, where: str) -> Vqa2Config:
        """As `ModelFamily.read_config`."""
        return published_config.read_config(config, settings.motion or "", where)

    def write_config(self, config: Vqa2Config, layout: str) -> dict[str, Any]:
        """As `ModelFamily.write_config`."""
        return published_config.write_config(config, layout)


def _black(frames: int, size: int) -> Tensor:
    return torch.zeros(frames, size, size, 3, dtype=torch.uint8)


FAMILY = Vqa2Family()
