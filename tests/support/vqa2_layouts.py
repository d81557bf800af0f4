"""The tensors of published checkpoints, name and shape, spelt out from the published models.

Not made from qbuild's own rules, which are tested against them.
"""

from __future__ import annotations

from qbuild_backends.models.vqa2.config import Vqa2Config

Shapes = dict[str, tuple[int, ...]]

DEPTHS = (3, 4, 6, 3)


def siglip(config: Vqa2Config, before: str, layers: int | None = None) -> Shapes:
    vision = config.vision
    width, inner, side = vision.hidden_size, vision.intermediate_size, vision.patch_size
    found: Shapes = {
        "embeddings.patch_embedding.weight": (width, 3, side, side),
        "embeddings.patch_embedding.bias": (width,),
        "embeddings.position_embedding.weight": ((vision.image_size // side) ** 2, width),
        "post_layernorm.weight": (width,),
        "post_layernorm.bias": (width,),
    }
    for layer in range(layers or vision.num_hidden_layers):
        at = f"encoder.layers.{layer}"
        for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
            found[f"{at}.self_attn.{part}.weight"] = (width, width)
            found[f"{at}.self_attn.{part}.bias"] = (width,)
        for part, shape in (("fc1", (inner, width)), ("fc2", (width, inner))):
            found[f"{at}.mlp.{part}.weight"], found[f"{at}.mlp.{part}.bias"] = shape, shape[:1]
        for norm in ("layer_norm1", "layer_norm2"):
            found[f"{at}.{norm}.weight"] = found[f"{at}.{norm}.bias"] = (width,)
    return {before + name: shape for name, shape in found.items()}


def qwen2(config: Vqa2Config, before: str, head: str) -> Shapes:
    text = config.text
    width, inner = text.hidden_size, text.intermediate_size
    narrow = width // text.num_attention_heads * text.num_key_value_heads
    found: Shapes = {
        "embed_tokens.weight": (text.vocab_size, width),
        "norm.weight": (width,),
    }
    for layer in range(text.num_hidden_layers):
        at = f"layers.{layer}"
        for part, rows in (("q_proj", width), ("k_proj", narrow), ("v_proj", narrow)):
            found[f"{at}.self_attn.{part}.weight"] = (rows, width)
            found[f"{at}.self_attn.{part}.bias"] = (rows,)
        found[f"{at}.self_attn.o_proj.weight"] = (width, width)
        found[f"{at}.mlp.gate_proj.weight"] = found[f"{at}.mlp.up_proj.weight"] = (inner, width)
        found[f"{at}.mlp.down_proj.weight"] = (width, inner)
        found[f"{at}.input_layernorm.weight"] = (width,)
        found[f"{at}.post_attention_layernorm.weight"] = (width,)
    whole = {before + name: shape for name, shape in found.items()}
    return whole if text.tie_word_embeddings else whole | {head: (text.vocab_size, width)}


def linear(name: str, inside: int, outside: int) -> Shapes:
    return {f"{name}.weight": (outside, inside), f"{name}.bias": (outside,)}


def _norm(name: str, width: int) -> Shapes:
    parts: Shapes = {f"{name}.{part}": (width,) for part in ("weight", "bias")}
    parts |= {f"{name}.{part}": (width,) for part in ("running_mean", "running_var")}
    return parts | {f"{name}.num_batches_tracked": ()}


def slowfast(before: str) -> Shapes:
    """All of SlowFast-R50 but its head: both pathways and what fuses them."""
    found: Shapes = {}
    for path, (stem, kernel, scale) in enumerate(((64, 1, 1), (8, 5, 8))):
        at = f"{before}0.multipathway_blocks.{path}"
        found[f"{at}.conv.weight"] = (stem, 3, kernel, 7, 7)
        found |= _norm(f"{at}.norm", stem)
        inside = 64 + 16 if path == 0 else 8
        for stage, depth in enumerate(DEPTHS):
            inner = 64 * 2**stage // scale
            at = f"{before}{stage + 1}.multipathway_blocks.{path}.res_blocks"
            temporal = 3 if path == 1 or stage > 1 else 1
            for block in range(depth):
                first = inside if block == 0 else 4 * inner
                found |= _bottleneck(f"{at}.{block}", first, inner, temporal, block == 0)
            inside = 4 * inner + (4 * inner // 4 if path == 0 else 0)
    for stage, width in enumerate((8, 32, 64, 128)):
        at = f"{before}{stage}.multipathway_fusion"
        found[f"{at}.conv_fast_to_slow.weight"] = (2 * width, width, 7, 1, 1)
        found |= _norm(f"{at}.norm", 2 * width)
    return found


def _bottleneck(at: str, inside: int, inner: int, temporal: int, changes: bool) -> Shapes:
    found: Shapes = {
        f"{at}.branch2.conv_a.weight": (inner, inside, temporal, 1, 1),
        f"{at}.branch2.conv_b.weight": (inner, inner, 1, 3, 3),
        f"{at}.branch2.conv_c.weight": (4 * inner, inner, 1, 1, 1),
    }
    for part, width in (("a", inner), ("b", inner), ("c", 4 * inner)):
        found |= _norm(f"{at}.branch2.norm_{part}", width)
    if changes:
        found[f"{at}.branch1_conv.weight"] = (4 * inner, inside, 1, 1, 1)
        found |= _norm(f"{at}.branch1_norm", 4 * inner)
    return found


def llava_hf(config: Vqa2Config) -> Shapes:
    seen, width = config.vision.hidden_size, config.text.hidden_size
    return {
        "image_newline": (width,),
        **siglip(config, "vision_tower.vision_model."),
        **linear("multi_modal_projector.linear_1", seen, width),
        **linear("multi_modal_projector.linear_2", width, width),
        **qwen2(config, "language_model.model.", "language_model.lm_head.weight"),
    }


def llava_qwen(config: Vqa2Config, layers: int | None = None) -> Shapes:
    seen, width = config.vision.hidden_size, config.text.hidden_size
    return {
        "model.image_newline": (width,),
        **siglip(config, "model.vision_tower.vision_tower.vision_model.", layers),
        **linear("model.mm_projector.0", seen, width),
        **linear("model.mm_projector.2", width, width),
        **qwen2(config, "model.", "lm_head.weight"),
    }


def vqa2(config: Vqa2Config, layers: int | None = None) -> Shapes:
    width = config.text.hidden_size
    return {
        **llava_qwen(config, layers),
        **slowfast("model.slowfast.feature_extraction."),
        "model.slowfast.position_embedding.weight": (config.motion_positions, 256),
        **linear("model.slowfast_projector.0", 256, width),
        **linear("model.slowfast_projector.2", width, width),
    }
