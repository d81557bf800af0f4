"""How each published layout names the model's tensors, and how ours are named from them and back.

`llava-hf`: LLaVA-OneVision as transformers publishes it. `llava-qwen`: the same model as LLaVA-NeXT
publishes it. `vqa2`: the VQA² release, which is llava-qwen with all of SlowFast, a projector and a
table of positions. `slowfast`: SlowFast-R50 as PyTorchVideo publishes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from qbuild.core.errors import InputError, UsageError, near

Rules = tuple[tuple[str, str], ...]  # (pattern at the beginning of a name, what stands instead)

PATHWAY = "model.motion_extractor.pathway."
MOTION = ("model.motion_extractor.", "model.motion_projector.")


@dataclass(frozen=True)
class Layout:
    """The names of one layout.

    `reading` makes our names of theirs, `writing` theirs of ours; the first rule that fits counts.
    `holds` are the beginnings of our names that the layout has tensors for. `left_out` are theirs
    that VQA² has no use for.
    """

    name: str
    sign: str  # pattern at the beginning of a name that no other layout has
    reading: Rules
    writing: Rules
    holds: tuple[str, ...]
    left_out: tuple[str, ...]

    def ours(self, theirs: str) -> str | None:
        """Our name of their tensor, None where it is none of ours."""
        return _renamed(theirs, self.reading)

    def theirs(self, ours: str) -> str | None:
        """Their name of our tensor, None where the layout has none."""
        return _renamed(ours, self.writing) if ours.startswith(self.holds) else None

    def leaves_out(self, theirs: str) -> bool:
        """Whether VQA² has no use for that tensor of theirs."""
        return any(re.match(pattern, theirs) for pattern in self.left_out)


def _renamed(name: str, rules: Rules) -> str | None:
    for pattern, instead in rules:
        new, count = re.subn(f"^{pattern}", instead, name)
        if count:
            return new
    return None


def _pathway(before: str) -> tuple[Rules, Rules]:
    """Rules for the fast pathway, the second of two, below `before` in PyTorchVideo's names."""
    there, stage = re.escape(before), r"(\d+)\.multipathway_blocks\.1\.res_blocks\.(\d+)\."
    own = re.escape(PATHWAY)
    reading = [(rf"{there}0\.multipathway_blocks\.1\.(conv|norm)\.", rf"{PATHWAY}stem.\1.")]
    writing = [(rf"{own}stem\.(conv|norm)\.", rf"{before}0.multipathway_blocks.1.\1.")]
    for place in range(4):  # their blocks count from the stem, our stages from the one after it
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
    """Rules for Linear, GELU, Linear, whose layers LLaVA-NeXT counts 0 and 2."""
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
        Layout(
            "slowfast",
            r"blocks\.",
            _slowfast,
            _slowfast_back,
            (PATHWAY,),
            (r"blocks\.\d\.multipathway_(blocks\.0|fusion)\.", r"blocks\.6\.proj\."),
        ),
    )
}


def layout_named(name: str) -> Layout:
    """The layout of that name; UsageError lists the names."""
    if name not in LAYOUTS:
        raise UsageError(f"layout {name}", "is not known", "", near(name, LAYOUTS))
    return LAYOUTS[name]


def recognised(names: Iterable[str], where: str) -> Layout:
    """The first layout, in the order of LAYOUTS, that these names bear the sign of."""
    found = list(names)
    for layout in LAYOUTS.values():
        if any(re.match(layout.sign, name) for name in found):
            return layout
    raise InputError(
        where,
        f"its {len(found):,} tensors ({', '.join(found[:3])} …) are of no known layout",
        f"expected one of {', '.join(LAYOUTS)}",
        "Name the layout, or convert the file.",
    )
