"""The published layouts: how each names the model's tensors, as rules in both directions.

`llava-hf`: LLaVA-OneVision as transformers publishes it. `llava-qwen`: the same model as LLaVA-NeXT
publishes it. `vqa2`: the VQA² release, which is llava-qwen with all of SlowFast, a projector and a
table of positions. `slowfast`: SlowFast-R50 as PyTorchVideo publishes it.
"""

from __future__ import annotations

import re

from qbuild_backends.models.layout import Layout, Rules

PATHWAY = "model.motion_extractor.pathway."
MOTION = ("model.motion_extractor.", "model.motion_projector.")


def _pathway(before: str) -> tuple[Rules, Rules]:
    """Rules for the fast pathway, the second of two, below `before` in PyTorchVideo's names."""
    there, stage = re.escape(before), r"(\d+)\.multipathway_blocks\.1\.res_blocks\.(\d+)\."
    own = re.escape(PATHWAY)
    reading = [(rf"{there}0\.multipathway_blocks\.1\.(conv|norm)\.", rf"{PATHWAY}stem.\1.")]
    writing = [(rf"{own}stem\.(conv|norm)\.", rf"{before}0.multipathway_blocks.1.\1.")]
    for place in range(4):  # their blocks are counted from the stem, our stages from the next one
        block, branch = stage.replace(r"(\d+)", str(place + 1), 1), f"{PATHWAY}stages.{place}."
        to = rf"{before}{place + 1}.multipathway_blocks.1.res_blocks.\1."
        reading += [
            (rf"{there}{block}branch1_(conv|norm)\.", rf"{branch}\1.shortcut.\2."),
            (rf"{there}{block}branch2\.(conv|norm)_([abc])\.", rf"{branch}\1.\3.\2."),
        ]
        writing += [
            (rf"{re.escape(branch)}(\d+)\.shortcut\.(conv|norm)\.", rf"{to}branch1_\2."),
            (rf"{re.escape(branch)}(\d+)\.([abc])\.(conv|norm)\.", rf"{to}branch2.\3_\2."),
        ]
    return tuple(reading), tuple(writing)


def _projector(theirs: str, ours: str) -> tuple[Rules, Rules]:
    """Rules for Linear, GELU, Linear, whose layers LLaVA-NeXT numbers 0 and 2."""
    pairs = [(f"{theirs}.0.", f"{ours}.linear_1."), (f"{theirs}.2.", f"{ours}.linear_2.")]
    return (
        tuple((re.escape(a), b) for a, b in pairs),
        tuple((re.escape(b), a) for a, b in pairs),
    )


# The head, and the 27th layer: the penultimate is read, and some files keep both.
_UNUSED_VISION = r"(model\.)?(vision_tower\.){1,2}(vision_model\.)?(head\.|encoder\.layers\.26\.)"
_BODY = ("model.vision_tower.", "model.multi_modal_projector.", "model.image_newline")
_TEXT = ("model.language_model.", "lm_head.")

_visual, _visual_back = _projector("model.mm_projector", "model.multi_modal_projector")
_motion, _motion_back = _projector("model.slowfast_projector", "model.motion_projector")
_release, _release_back = _pathway("model.slowfast.feature_extraction.")
_slowfast, _slowfast_back = _pathway("blocks.")
_positions = ("model.slowfast.position_embedding.", "model.motion_extractor.position_embedding.")

_QWEN_READING: Rules = (
    *_visual,
    (r"model\.vision_tower\.vision_tower\.(vision_model\.)?", "model.vision_tower."),
    (r"model\.(embed_tokens|layers|norm)\.", r"model.language_model.\1."),
    (r"(model\.image_newline|lm_head\.)", r"\1"),
)
_QWEN_WRITING: Rules = (
    *_visual_back,
    (r"model\.vision_tower\.", "model.vision_tower.vision_tower.vision_model."),
    (r"model\.language_model\.", "model."),
    (r"(model\.image_newline|lm_head\.)", r"\1"),
)

LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            "vqa2",
            r"model\.slowfast\.",
            (*_motion, *_release, (re.escape(_positions[0]), _positions[1]), *_QWEN_READING),
            (
                *_motion_back,
                *_release_back,
                (re.escape(_positions[1]), _positions[0]),
                *_QWEN_WRITING,
            ),
            (*_BODY, *_TEXT, *MOTION),
            (
                _UNUSED_VISION,
                r"model\.slowfast\.feature_extraction\.\d\.multipathway_(blocks\.0|fusion)\.",
            ),
        ),
        Layout(
            "llava-qwen",
            r"model\.mm_projector\.",
            _QWEN_READING,
            _QWEN_WRITING,
            (*_BODY, *_TEXT),
            (_UNUSED_VISION,),
        ),
        Layout(
            "llava-hf",
            r"(model\.)?multi_modal_projector\.",  # newer files name as transformers does
            (
                (r"(language_model\.)?lm_head\.", "lm_head."),
                (r"(language_model\.model|model\.language_model(\.model)?)\.", _TEXT[0]),
                (r"(model\.)?vision_tower\.(vision_model\.)?", "model.vision_tower."),
                (r"(model\.)?(multi_modal_projector\.|image_newline)", r"model.\2"),
            ),
            (
                (r"model\.language_model\.", "language_model.model."),
                (r"lm_head\.", "language_model.lm_head."),
                (r"model\.vision_tower\.", "vision_tower.vision_model."),
                (r"model\.(multi_modal_projector\.|image_newline)", r"\1"),
            ),
            (*_BODY, *_TEXT),
            (_UNUSED_VISION,),
        ),
    )
}
PARTS = {
    "slowfast": Layout(
        "slowfast",
        r"blocks\.",
        _slowfast,
        _slowfast_back,
        (PATHWAY,),
        (r"blocks\.\d\.multipathway_(blocks\.0|fusion)\.", r"blocks\.6\.proj\."),
    ),
}
