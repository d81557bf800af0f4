"""Configurations from a published `config.json`, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from transformers import LlavaOnevisionConfig, Qwen2Config

from qbuild.core.errors import InputError, UsageError
from qbuild_backends.models.vqa2.config import Vqa2Config
from qbuild_backends.models.vqa2.presets import MOTION, QWEN2_TOKENS, so400m

_TAKEN = (
    "vision_config",
    "text_config",
    "image_token_index",
    "video_token_index",
    "projector_hidden_act",
    "vision_feature_layer",
    "vision_feature_select_strategy",
    "tie_word_embeddings",
)
_QWEN2 = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
    "max_position_embeddings",
    "rms_norm_eps",
    "tie_word_embeddings",
    "eos_token_id",
)
# What the config.json of a VQA² in the llava_qwen layout must hold.
_LLAVA = {
    "mm_projector_type": "mlp2x_gelu",
    "mm_spatial_pool_mode": "bilinear",
    "mm_newline_position": "one_token",
}


def read_config(given: dict[str, Any], motion: str, where: str) -> Vqa2Config:
    """The configuration of a checkpoint in a published layout.

    `motion` is paper or release; by default release for the VQA² release, whose weights know no
    other frames, and paper for a base that has no motion branch yet.
    """
    kind = given.get("model_type")
    if kind == "llava_onevision":
        return _of_llava_hf(given, motion or "paper")
    if kind == "llava_qwen":
        return _of_llava_qwen(given, motion or "release", where)
    raise InputError(
        where,
        f"is the configuration of {kind!r}",
        "expected llava_onevision or llava_qwen",
        "Import the checkpoint with the backend of its family.",
    )


def _of_llava_hf(given: dict[str, Any], motion: str) -> Vqa2Config:
    taken = {name: given[name] for name in _TAKEN if name in given}
    base = LlavaOnevisionConfig(**taken)
    free = max(base.image_token_id, base.video_token_id) + 1
    rows = cast("Qwen2Config", base.text_config).vocab_size
    if free >= rows:
        raise UsageError(
            "config.json",
            f"its vocabulary of {rows:,} has no row {free:,} for motion tokens",
            "expected a row after the placeholders of images and videos",
            "Enlarge the embedding of the base model.",
        )
    return Vqa2Config(**taken, motion_token_id=free, **asdict(MOTION[motion]))


def _of_llava_qwen(given: dict[str, Any], motion: str, where: str) -> Vqa2Config:
    for name, value in _LLAVA.items():
        if given.get(name, value) != value:
            raise InputError(where, f"{name} is {given[name]!r}", f"expected {value!r}")
    if "siglip-so400m-patch14-384" not in str(given.get("mm_vision_tower")):
        raise InputError(
            where,
            f"mm_vision_tower is {given.get('mm_vision_tower')!r}",
            "expected SigLIP-SO400M (google/siglip-so400m-patch14-384)",
            "Import a checkpoint with this vision tower.",
        )
    shape = {name: given[name] for name in _QWEN2 if name in given}
    rope = {"rope_type": "default", "rope_theta": float(given.get("rope_theta", 1e6))}
    return Vqa2Config(
        vision_config=so400m(),
        text_config=Qwen2Config(**shape, rope_parameters=rope),
        tie_word_embeddings=bool(given.get("tie_word_embeddings", False)),
        **QWEN2_TOKENS,
        **asdict(MOTION[motion]),
    )


def write_config(config: Vqa2Config, layout: str) -> dict[str, Any]:
    """The `config.json` of a layout: llava-hf, or those of llava_qwen."""
    if layout == "llava-hf":
        written = config.to_dict()
        return {
            "architectures": ["LlavaOnevisionForConditionalGeneration"],
            "model_type": "llava_onevision",
            **{name: written[name] for name in _TAKEN},
        }
    text = config.text
    return {
        "architectures": ["LlavaQwenForCausalLM"],
        "model_type": "llava_qwen",
        **{name: getattr(text, name) for name in _QWEN2},
        "rope_theta": cast("dict[str, Any]", text.rope_parameters)["rope_theta"],
        "hidden_act": text.hidden_act,
        "mm_hidden_size": config.vision.hidden_size,
        "mm_patch_merge_type": "spatial_unpad",
        "mm_vision_select_layer": -2,
        "mm_vision_tower": "google/siglip-so400m-patch14-384",
        "use_mm_proj": True,
        **_LLAVA,
    }
