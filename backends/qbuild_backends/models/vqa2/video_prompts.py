"""The words around a video's features: the system prompts of VQA² (Appendix C.2).

An image has its placeholder only. A video that is shown without motion has the words about its key
frames.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from qbuild.quality.published_text import (
    LLAVA_PLACEHOLDER,
    VQA2_KEY_FRAME_PROMPTS,
    VQA2_VIDEO_PROMPTS,
)
from qbuild_backends.models.inputs import Extent, Turn

NONE = "none"  # only the placeholders, for a model that is not the published one
_PLACE = re.compile(rf"{LLAVA_PLACEHOLDER}(?:\s*{LLAVA_PLACEHOLDER})?")


def add_video_prompt(turns: Sequence[Turn], extent: Extent, name: str) -> list[Turn]:
    """The turns with the words of that name around the video's placeholder.

    One placeholder, or two side by side, are the video's place. A record whose two placeholders
    are apart brings its own words and is left as it is; `encode` checks the number of placeholders.
    Training, scores and answers all pass here: for one name, one question and one video the model
    reads the same ids.
    """
    count = sum(turn.text.count(LLAVA_PLACEHOLDER) for turn in turns)
    places = sum(len(_PLACE.findall(turn.text)) for turn in turns)
    if extent.kind == "image" or places != 1 or count > 2:
        return list(turns)
    text = _prompt(extent, name)
    return [replace(turn, text=_PLACE.sub(lambda _: text, turn.text)) for turn in turns]


def _prompt(extent: Extent, name: str) -> str:
    """A video's placeholders, with the words around them.

    The numbers are those of the frames that the model is shown.
    """
    if name == NONE:
        return "\n".join([LLAVA_PLACEHOLDER] * (1 if extent.motion is None else 2))
    prompts = VQA2_KEY_FRAME_PROMPTS if extent.motion is None else VQA2_VIDEO_PROMPTS
    length = max(1, round(extent.duration_s))
    return prompts[name].format(length=length, num_keys=extent.keys, num_frames=extent.motion)
