"""Configurations by name: tiny, 0.5b and 7b; sizes and statistics of motion frames."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from transformers import Qwen2Config, SiglipVisionConfig

from qbuild.core.errors import UsageError, suggest
from qbuild_backends.models.vqa2.config import Vqa2Config


@dataclass(frozen=True)
class MotionPreset:
    """Side of the motion frames in pixels, and mean and deviation of their values in [0, 1]."""

    motion_size: int
    motion_mean: float
    motion_deviation: float


MOTION = {
    "paper": MotionPreset(224, 0.45, 0.225),  # Table 10; the statistics SlowFast was trained with
    "release": MotionPreset(384, 0.5, 0.5),  # the published loader: SigLIP's size and statistics
}
TINY_MOTION = MotionPreset(48, 0.45, 0.225)
TINY_VOCABULARY = 512  # a tokenizer of `tiny_tokenizer` has fewer

# Placeholders of Qwen2-sized vocabularies: rows after the 151,646 tokens of the tokenizer.
QWEN2_TOKENS: dict[str, Any] = {
    "image_token_index": 151_646,
    "video_token_index": 151_647,
    "motion_token_id": 151_648,
}


def preset(name: str, motion: str = "") -> Vqa2Config:
    """The configuration of that name; `motion` is paper (the default) or release.

    tiny reads motion frames of 48 px, of which `motion` changes only the statistics.
    """
    if name not in PRESETS:
        raise UsageError(f"preset {name}", "is not known", "", suggest(name, PRESETS))
    if motion and motion not in MOTION:
        raise UsageError(f"motion preset {motion}", "is not known", "", suggest(motion, MOTION))
    chosen = MOTION[motion or "paper"]
    if name == "tiny":
        chosen = MotionPreset(TINY_MOTION.motion_size, chosen.motion_mean, chosen.motion_deviation)
    config: Vqa2Config = PRESETS[name](**asdict(chosen))
    return config


def _tiny(**motion: Any) -> Vqa2Config:
    """Small enough to train on a CPU; 16 tokens per key frame, patches on JPEG's grid of 8 px."""
    vision = SiglipVisionConfig(
        hidden_size=96,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=112,
        patch_size=16,
        vision_use_head=False,
    )
    text = _qwen2(
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=128**-0.5,  # at the usual .02 so narrow a model hardly uses its images
        vocab_size=TINY_VOCABULARY,
        max_position_embeddings=4_096,
        eos_token_id=1,
        pad_token_id=0,
    )
    ids: dict[str, Any] = {"image_token_index": 3, "video_token_index": 4, "motion_token_id": 5}
    return Vqa2Config(vision_config=vision, text_config=text, motion_positions=256, **ids, **motion)


def _half_billion(**motion: Any) -> Vqa2Config:
    """Qwen2-0.5B behind SigLIP-SO400M, as LLaVA-OneVision 0.5b."""
    text = _qwen2(
        hidden_size=896,
        intermediate_size=4_864,
        num_hidden_layers=24,
        num_attention_heads=14,
        num_key_value_heads=2,
        vocab_size=151_936,
        tie_word_embeddings=True,
    )
    return Vqa2Config(
        vision_config=so400m(),
        text_config=text,
        tie_word_embeddings=True,
        **QWEN2_TOKENS,
        **motion,
    )


def _seven_billion(**motion: Any) -> Vqa2Config:
    """Qwen2-7B behind SigLIP-SO400M, as LLaVA-OneVision-Chat 7b and the paper's models."""
    text = _qwen2(
        hidden_size=3_584,
        intermediate_size=18_944,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        vocab_size=152_064,
    )
    return Vqa2Config(vision_config=so400m(), text_config=text, **QWEN2_TOKENS, **motion)


def _qwen2(**shape: Any) -> Qwen2Config:
    ids = {"bos_token_id": None, "eos_token_id": 151_645, "pad_token_id": 151_643}
    rope = {"rope_theta": 1_000_000.0, "rope_type": "default"}
    return Qwen2Config(**(ids | shape), rope_parameters=rope)


def so400m() -> SiglipVisionConfig:
    """SigLIP-SO400M, 384 px, without the last of its 27 layers and without its head."""
    return SiglipVisionConfig(
        hidden_size=1_152,
        intermediate_size=4_304,
        num_hidden_layers=26,
        num_attention_heads=16,
        image_size=384,
        patch_size=14,
        vision_use_head=False,
    )


PRESETS = {"tiny": _tiny, "0.5b": _half_billion, "7b": _seven_billion}
