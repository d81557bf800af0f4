"""The wording of the rules: topics and remedies of the attributes, degrees, forms of questions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The wording of one attribute.

    `topic` names it without judging; `fault` and `merit` name its usual bad and good state, for a
    fault that is only rated and for wrong choices. `post` and `again` are remedies, as verb
    phrases. `still`: a picture can have it, too.
    """

    topic: str
    fault: str
    merit: str
    post: str
    again: str
    still: bool = True


WORDS: dict[str, Words] = {
    "sharpness": Words("sharpness", "blur", "high sharpness",
        "apply deblurring or super-resolution", "use a better lens and a higher resolution"),
    "focus": Words("focus", "out-of-focus blur", "good focus",
        "apply defocus deblurring to the soft areas", "lock the focus on the subject first"),
    "noise": Words("noise level", "noise", "the absence of noise",
        "apply denoising", "use more light and a lower ISO setting"),
    "motion blur": Words("motion clarity", "motion blur", "clear motion",
        "apply motion deblurring", "use a shorter exposure time"),
    "flicker": Words("stability", "camera shake", "a stable picture",
        "apply digital stabilisation", "mount the camera on a tripod or a gimbal", still=False),
    "exposure": Words("exposure", "poor exposure", "good exposure",
        "recover highlights and shadows by tone mapping", "measure the exposure on the subject"),
    "compression artifact": Words("compression quality", "compression artifacts",
        "the absence of compression artifacts",
        "apply a deblocking filter", "encode with a higher bitrate"),
    "fluency": Words("fluency", "stuttering", "smooth playback",
        "interpolate the missing frames", "record at a constant frame rate", still=False),
    "contents": Words("content", "illogical content", "logical content",
        "cut the parts into a clearer order", "plan the order of the events first", still=False),
    "composition": Words("composition", "poor composition", "good composition",
        "crop the frame to a better layout", "place the subject with more care in the frame"),
    "color": Words("color", "poor color", "good color",
        "correct the colors by color grading", "set the white balance with care"),
    "light": Words("lighting", "poor lighting", "good lighting",
        "adjust brightness and contrast", "add more and softer light to the scene"),
    "camera trajectory": Words("camera movement", "erratic camera movement",
        "coherent camera movement", "even out the camera path by digital stabilisation",
        "move the camera on a gimbal", still=False),
    "quality switch": Words("quality consistency", "quality fluctuations", "a consistent quality",
        "restore the weaker parts", "keep one setting for the whole recording", still=False),
}  # fmt: skip

# Remedies of states that differ from those of their attribute: by noun, afterwards and before.
REMEDIES = {
    "flicker": ("apply a de-flicker filter", "match the shutter speed to the lamps"),
    "color cast": ("correct the white balance", "set the white balance with care"),
    "uneven lighting": ("even out the brightness", "spread the light more evenly over the scene"),
    "harsh lighting": ("soften the shadows", "use a diffuser in front of the light"),
    "glare": ("reduce the highlights", "keep the light source out of the frame"),
    "overexposure": ("recover the highlights by tone mapping", "use a shorter exposure time"),
    "underexposure": ("lift the shadows by tone mapping", "use a longer exposure time"),
}

# Nouns that other words than the stated ones may follow in a rating: "good contrast".
TOPICS = ("contrast", "brightness", "white balance", "saturation", "clarity", "resolution",
          "framing", "layout", "frame rate", "smoothness", "illumination", "storyline")  # fmt: skip

# By degree: ratings of a topic, adverbs of an adjective, adjectives of a fault.
RATINGS = {
    "very severe": ("very poor", "extremely poor"),
    "relatively severe": ("quite poor", "relatively poor"),
    "mild": ("slightly poor", "a little poor"),
    "good": ("good", "quite good"),
    "excellent": ("excellent", "flawless"),
}
UNGRADED = {1: ("good",), -1: ("poor",)}
ADVERBS = {
    "very severe": ("very", "extremely"),
    "relatively severe": ("quite", "rather"),
    "mild": ("slightly", "a little"),
    "excellent": ("very", "extremely"),
}
SEVERITIES = {
    "very severe": ("very severe", "extremely severe"),
    "relatively severe": ("severe", "pronounced"),
    "mild": ("slight", "mild"),
}

HOW_GOOD = (
    "How would you rate the {topic} of {it}{when}?",
    "How is the {topic} of {it}{when}?",
    "What is the {topic} of {it} like{when}?",
    "How would you describe the {topic} of {it}{when}?",
    "How good is the {topic} of {it}{when}?",
)
HOW_MUCH = (
    "To what degree does {it} show {noun}{when}?",
    "How severe {be} the {noun} in {it}{when}?",
    "How strong {be} the {noun} in {it}{when}?",
)
WHICH_FAULT = (
    "Which of these problems can be seen in {it}{when}?",
    "Which of these faults does {it} have{when}?",
    "Which of these impairs the quality of {it}{when}?",
)
WHICH_FAULTS = (
    "What impairs the quality of {it}{when}?",
    "What is wrong with the quality of {it}{when}?",
    "What faults does {it} show{when}?",
)
WHAT_STANDS_OUT = (
    "What stands out in the quality of {it}{when}?",
    "What does one notice about the quality of {it}{when}?",
    "What is most striking about the quality of {it}{when}?",
)
