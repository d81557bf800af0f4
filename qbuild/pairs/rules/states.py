"""The states of the attributes that the rules can name, each with the words that state it.

A state is only named where the depiction itself uses one of its words: "natural" never becomes
"vivid". A judged noun without such a word ("good sharpness") has no state and is rated. `read`
understands all of this wording.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class State:
    """One good or bad state of an attribute.

    `stated` is a pattern of the words that state it. `noun` names it. `adjective` describes the
    `subject` in this state, `opposite` in the opposite one; both may be empty. `amount`: the
    degree says how much of `noun` there is; without, how `adjective` the subject is.
    """

    stated: str
    noun: str
    subject: str
    adjective: str
    opposite: str
    amount: bool = False

    @property
    def free(self) -> bool:
        """Whether the state is that there is no fault."""
        return self.adjective.startswith("free of ")


def _quality(subject: str, *rows: tuple[str, str, str, str]) -> tuple[State, ...]:
    """States of a subject that an adjective describes: pattern, noun, adjective, opposite."""
    return tuple(
        State(stated, noun, subject, adjective, opposite)
        for stated, noun, adjective, opposite in rows
    )


def _fault(stated: str, noun: str, adjective: str = "") -> State:
    return State(
        stated, noun, "picture", adjective, f"free of {noun.removeprefix('a ')}", amount=True
    )


def _free(stated: str, noun: str) -> State:
    return State(stated, f"the absence of {noun}", "picture", f"free of {noun}", "")


# By attribute and polarity. The first state whose pattern is found in the stated words counts.
STATES: dict[tuple[str, int], tuple[State, ...]] = {
    ("sharpness", -1): (
        *_quality(
            "picture",
            (r"haz", "haze", "hazy", "clear"),
            (r"blur|fuzz|unsharp|sharp|soft|smear|mushy|crisp", "blur", "blurry", "sharp"),
            (r"clear|vague|indistinct", "a lack of clarity", "unclear", "clear"),
        ),
        *_quality("details", (r"detail|make out|legible", "a loss of detail",
                              "hard to make out", "easy to make out")),
        *_quality("resolution", (r"resolution|definition", "a low resolution", "low", "high")),
    ),
    ("sharpness", 1): _quality(
        "picture",
        (r"crisp", "crispness", "crisp", "blurry"),
        (r"sharp(?!ness)", "high sharpness", "sharp", "blurry"),
        (r"clear(?!ness)", "high clarity", "clear", "unclear"),
        (r"blur", "high sharpness", "sharp", "blurry"),
    ),
    ("focus", -1): (
        _fault(r"hunt|pump|breath", "focus hunting"),
        *_quality("picture", (r"out of focus|defocus|focused|blur|miss|loss", "out-of-focus blur",
                              "out of focus", "in focus")),
    ),
    ("focus", 1): _quality(
        "picture",
        (r"in focus", "good focus", "in focus", "out of focus"),
        (r"focused", "good focus", "well focused", "out of focus"),
    ),
    ("noise", -1): (_fault(r"grain", "grain", "grainy"), _fault(r"", "noise", "noisy")),
    ("noise", 1): (_free(r"grain", "grain"), _free(r"", "noise")),
    ("motion blur", -1): (_fault(r"ghost", "ghosting"), _fault(r"", "motion blur")),
    ("motion blur", 1): (_free(r"ghost", "ghosting"), _free(r"blur|smear|trail", "motion blur")),
    ("flicker", -1): (
        _fault(r"flicker", "flicker"),
        _fault(r"jitter", "jitter", "jittery"),
        *_quality("picture", (r"shak|wobb|trem|unst|bump|vibrat|waver|stead|stabl", "camera shake",
                              "shaky", "stable")),
    ),
    ("flicker", 1): (
        _free(r"flicker", "flicker"),
        _free(r"jitter", "jitter"),
        _free(r"shak|wobb|trem|vibrat", "camera shake"),
        *_quality("picture", (r"stead", "a steady picture", "steady", "shaky"),
                  (r"stab|solid", "a stable picture", "stable", "shaky")),
    ),
    ("exposure", -1): _quality(
        "picture",
        (r"over|blown|clipped", "overexposure", "overexposed", "well exposed"),
        (r"under|crushed", "underexposure", "underexposed", "well exposed"),
    ),
    ("exposure", 1): _quality(
        "picture", (r"\bexposed", "good exposure", "well exposed", "badly exposed")
    ),
    ("compression artifact", -1): (
        _fault(r"block|mosaic", "blocking artifacts", "blocky"),
        _fault(r"pixel", "pixelation", "pixelated"),
        _fault(r"banding", "banding"),
        _fault(r"ringing", "ringing"),
        _fault(r"compress|artifact|artefact", "compression artifacts"),
        _fault(r"detail|lost|loss", "a loss of detail"),
    ),
    ("compression artifact", 1): (
        _free(r"block|mosaic", "blocking artifacts"),
        _free(r"banding", "banding"),
        _free(r"compress|artifact|artefact", "compression artifacts"),
    ),
    ("fluency", -1): (
        _fault(r"freez|froze|stall", "playback freezes"),
        _fault(r"dropped|frame", "dropped frames"),
        _fault(r"judder", "judder"),
        *_quality("playback", (r"stutter|lag|jerk|chop|hitch|hiccup|halt|interr|intermit",
                               "stuttering", "choppy", "smooth")),
    ),
    ("fluency", 1): (
        _free(r"freez|froze|stall", "freezes"),
        _free(r"stutter|lag", "stuttering"),
        *_quality(
            "playback",
            (r"fluent", "fluent playback", "fluent", "choppy"),
            (r"smooth|fluid|uninterr", "smooth playback", "smooth", "choppy"),
        ),
    ),
    ("contents", -1): _quality(
        "content",
        (r"confus|follow|chaotic", "confusing content", "confusing", "coherent"),
        (r"logic|absurd|mean|plot|coher", "illogical content", "illogical", "logical"),
    ),
    ("contents", 1): _quality(
        "content",
        (r"coherent|follow", "coherent content", "coherent", "confusing"),
        (r"logic|mean|sens", "logical content", "logical", "illogical"),
    ),
    ("composition", -1): _quality(
        "composition",
        (r"chaotic", "a chaotic composition", "chaotic", "well arranged"),
        (r"clutter|mess|disorg", "a messy composition", "messy", "well arranged"),
        (r"unbal|lopsid", "an unbalanced composition", "unbalanced", "balanced"),
    ),
    ("composition", 1): _quality(
        "composition",
        (r"balanced", "a balanced composition", "balanced", "unbalanced"),
        (r"harmon", "a harmonious composition", "harmonious", "messy"),
        (r"well", "a good composition", "well arranged", "messy"),
    ),
    ("color", -1): (
        _fault(r"cast|shift", "a color cast"),
        *_quality(
            "colors",
            (r"over ?-?satur", "oversaturation", "oversaturated", "natural"),
            (r"desatur", "desaturation", "desaturated", "rich"),
            (r"unnatural|natural", "unnatural colors", "unnatural", "natural"),
            (r"fad|washed", "faded colors", "faded", "vivid"),
            (r"pale", "pale colors", "pale", "rich"),
            (r"monoton|single", "monotonous colors", "monotonous", "rich"),
            (r"dull|drab|lifeless|muted", "dull colors", "dull", "vivid"),
        ),
    ),
    ("color", 1): _quality(
        "colors",
        (r"natural|true|life ?like", "natural colors", "natural", "unnatural"),
        (r"vivid|life", "vivid colors", "vivid", "dull"),
        (r"vibrant", "vibrant colors", "vibrant", "dull"),
        (r"rich|well saturated|colou?rful", "rich colors", "rich", "faded"),
        (r"bright", "bright colors", "bright", "pale"),
    ),
    ("light", -1): (
        _fault(r"glare|dazzl", "glare"),
        *_quality(
            "picture",
            (r"overexp|too bright", "overexposure", "overexposed", "well exposed"),
            (r"underexp", "underexposure", "underexposed", "well exposed"),
        ),
        *_quality(
            "lighting",
            (r"uneven", "uneven lighting", "uneven", "even"),
            (r"unnatural", "unnatural lighting", "unnatural", "natural"),
            (r"harsh", "harsh lighting", "harsh", "soft"),
            (r"insuff", "insufficient light", "insufficient", "sufficient"),
            (r"\bdim", "dim lighting", "dim", "bright"),
        ),
        *_quality("picture", (r"dark|gloom|murk|lit\b", "darkness", "dark", "bright")),
    ),
    ("light", 1): _quality(
        "lighting",
        (r"even|balanced", "balanced lighting", "balanced", "uneven"),
        (r"natural", "natural lighting", "natural", "unnatural"),
        (r"soft", "soft lighting", "soft", "harsh"),
        (r"suff|adequ|ample", "sufficient light", "sufficient", "insufficient"),
        (r"bright(?!ness)", "bright lighting", "bright", "dim"),
    ),
    ("camera trajectory", -1): _quality(
        "camera movement",
        (r"abrupt", "abrupt camera movement", "abrupt", "smooth"),
        (r"shak|unst", "shaky camera movement", "shaky", "steady"),
        (r"jerk", "jerky camera movement", "jerky", "smooth"),
        (r"coord", "uncoordinated camera movement", "uncoordinated", "well coordinated"),
        (r"consist", "inconsistent camera movement", "inconsistent", "consistent"),
        (r"erratic|disorder|incoher|place", "erratic camera movement", "erratic", "coherent"),
    ),
    ("camera trajectory", 1): _quality(
        "camera movement",
        (r"smooth|fluid", "smooth camera movement", "smooth", "jerky"),
        (r"stead|stable", "steady camera movement", "steady", "shaky"),
        (r"coord", "well coordinated camera movement", "well coordinated", "erratic"),
        (r"coher|consist|control", "coherent camera movement", "coherent", "erratic"),
    ),
    ("quality switch", -1): (
        _fault(r"drop", "quality drops"),
        _fault(r"", "quality fluctuations"),
    ),
    ("quality switch", 1): _quality(
        "quality", (r"", "a consistent quality", "consistent", "inconsistent")
    ),
}  # fmt: skip


def find_state(attribute: str, polarity: int, stated: str) -> State | None:
    """The state that the stated words name; None where they only rate the attribute."""
    words = stated.lower().replace("-", " ")
    states = STATES[attribute, polarity]
    return next((state for state in states if _pattern(state.stated).search(words)), None)


@cache
def _pattern(stated: str) -> re.Pattern[str]:
    return re.compile(stated)
