"""The words around a video's features: the system prompts of VQA² (Appendix C.2).

They speak of motion features: a video that is shown without has its one placeholder alone. So has a
picture, which they do not fit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from qbuild.quality.published_text import LLAVA_PLACEHOLDER, VQA2_VIDEO_PROMPTS
from qbuild_backends.models.inputs import Clip, Extent, Turn

NONE = "none"  # the placeholders alone, for a model that is not the published one
_PLACE = re.compile(rf"{LLAVA_PLACEHOLDER}(?:\s*{LLAVA_PLACEHOLDER})?")


def framed(turns: Sequence[Turn], clip: Clip | Extent, frame: str) -> list[Turn]:
    """The turns with the frame where the video's placeholder stands.

    One placeholder, or two side by side, are the video's place. A record whose two placeholders
    stand apart brings words of its own and is left as it is; whether its placeholders are as many
    as its features, the processor says. Training, scores and answers all pass here: for one frame,
    one question and one video the model reads the same ids.
    """
    marks = sum(turn.text.count(LLAVA_PLACEHOLDER) for turn in turns)
    places = sum(len(_PLACE.findall(turn.text)) for turn in turns)
    if clip.kind == "image" or places != 1 or marks > 2:
        return list(turns)
    words = _around(clip.extent if isinstance(clip, Clip) else clip, frame)
    return [replace(turn, text=_PLACE.sub(lambda _: words, turn.text)) for turn in turns]


def _around(extent: Extent, frame: str) -> str:
    """A video's placeholders, with the frame's words around them."""
    if extent.motion is None:
        return LLAVA_PLACEHOLDER
    if frame == NONE:
        return f"{LLAVA_PLACEHOLDER}\n{LLAVA_PLACEHOLDER}"
    return VQA2_VIDEO_PROMPTS[frame].format(
        length=max(1, round(extent.duration_s)),
        num_keys=extent.keys,
        num_frames=extent.num_frames,
    )
