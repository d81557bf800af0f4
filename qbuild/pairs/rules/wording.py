"""The wording of the provider `rules` for each attribute; `read` understands all of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The wording of one attribute.

    `noun` names it, `fault` and `merit` its bad and good state. Of an attribute that is itself a
    fault (`has_amount`), the degree says how much of it there is. `good` and `bad` are questions
    whose answer is yes in that state; `{when}` is a time or place with a leading blank, or
    nothing, `{it}` the medium. `post` and `again` are remedies, as clauses.
    """

    noun: str
    fault: str
    merit: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    post: str
    again: str
    has_amount: bool = False


WORDS: dict[str, Words] = {
    "sharpness": Words(
        "sharpness", "blur", "high sharpness",
        ("Is the picture of {it} sharp{when}?", "Does {it} look clear{when}?"),
        ("Is the picture of {it} blurry{when}?", "Does {it} look fuzzy{when}?"),
        "super-resolution or deblurring can be applied to bring back sharpness",
        "a better lens and a higher resolution should be used",
    ),
    "focus": Words(
        "focus", "out-of-focus blur", "good focus",
        ("Is the subject of {it} in focus{when}?", "Is {it} well focused{when}?"),
        ("Is the subject of {it} out of focus{when}?", "Is {it} poorly focused{when}?"),
        "defocus deblurring can be applied to the soft areas",
        "the focus should be locked on the subject before recording",
    ),
    "noise": Words(
        "noise level", "noise", "a noise-free picture",
        ("Is {it} free of noise{when}?", "Is the picture of {it} without noise{when}?"),
        ("Is there noise in {it}{when}?", "Does the picture of {it} look noisy{when}?"),
        "denoising can be used to remove noise",
        "more light and a lower ISO setting should be used",
        has_amount=True,
    ),
    "motion blur": Words(
        "motion clarity", "motion blur", "clear motion",
        ("Is {it} free of motion blur{when}?", "Does {it} show clear motion{when}?"),
        ("Is there motion blur in {it}{when}?", "Does {it} suffer from motion blur{when}?"),
        "motion deblurring can be applied to sharpen what moves",
        "a shorter shutter time should be used",
        has_amount=True,
    ),
    "flicker": Words(
        "stability", "camera shake", "a stable picture",
        ("Is the picture of {it} stable{when}?", "Does {it} look steady{when}?"),
        ("Is the picture of {it} shaky{when}?", "Is there camera shake in {it}{when}?"),
        "stabilisation and de-flicker filters can be used to calm the picture",
        "the camera should be mounted on a tripod or a gimbal",
    ),
    "exposure": Words(
        "exposure", "poor exposure", "good exposure",
        ("Is {it} well exposed{when}?", "Is the exposure of {it} good{when}?"),
        ("Is {it} badly exposed{when}?", "Is the exposure of {it} poor{when}?"),
        "tone mapping can be applied to recover shadows and highlights",
        "the exposure should be measured on the subject",
    ),
    "compression artifact": Words(
        "compression quality", "compression artifacts", "a picture without compression artifacts",
        ("Is {it} free of compression artifacts{when}?", "Is {it} without blockiness{when}?"),
        ("Are there compression artifacts in {it}{when}?", "Does {it} look blocky{when}?"),
        "deblocking filters can be used to reduce compression artifacts",
        "a higher bitrate should be used for encoding",
        has_amount=True,
    ),
    "fluency": Words(
        "fluency", "stuttering", "smooth playback",
        ("Is the playback of {it} smooth{when}?", "Does {it} play fluently{when}?"),
        ("Is there stuttering in {it}{when}?", "Is the playback of {it} choppy{when}?"),
        "frame interpolation can be used to smooth the playback",
        "a constant frame rate should be used for recording",
    ),
    "contents": Words(
        "content", "illogical content", "logical content",
        ("Is the content of {it} logical{when}?", "Is the content of {it} coherent{when}?"),
        ("Is the content of {it} confusing{when}?", "Is the content of {it} illogical{when}?"),
        "the parts can be cut into a clearer order",
        "the order of the events should be planned before recording",
    ),
    "composition": Words(
        "composition", "poor composition", "good composition",
        ("Is {it} well composed{when}?", "Is the composition of {it} good{when}?"),
        ("Is {it} poorly composed{when}?", "Is the composition of {it} messy{when}?"),
        "the frame can be cropped to a better layout",
        "the subject should be placed with more care in the frame",
    ),
    "color": Words(
        "color", "faded color", "vivid color",
        ("Are the colors of {it} vivid{when}?", "Is the color of {it} rich{when}?"),
        ("Are the colors of {it} faded{when}?", "Does the color of {it} look dull{when}?"),
        "color grading can be used to improve the color",
        "the white balance should be set with care and the scene lit evenly",
    ),
    "light": Words(
        "lighting", "poor lighting", "good lighting",
        ("Is {it} well lit{when}?", "Is the lighting of {it} good{when}?"),
        ("Is {it} poorly lit{when}?", "Is the lighting of {it} poor{when}?"),
        "the brightness can be corrected and the contrast adjusted",
        "more and softer light should be added to the scene",
    ),
    "camera trajectory": Words(
        "camera movement", "erratic camera movement", "coherent camera movement",
        ("Is the camera movement of {it} coherent{when}?",
         "Is the camera movement of {it} well coordinated{when}?"),
        ("Is the camera movement of {it} erratic{when}?",
         "Is the camera movement of {it} incoherent{when}?"),
        "stabilisation can be used to even out the camera path",
        "the camera path should be planned and a gimbal used",
    ),
    "quality switch": Words(
        "quality consistency", "quality fluctuations", "consistent quality",
        ("Does {it} keep a consistent quality{when}?", "Is {it} free of quality drops{when}?"),
        ("Are there quality fluctuations in {it}{when}?", "Are there quality drops in {it}{when}?"),
        "the weaker parts can be restored to bring them up to the rest",
        "one setting should be kept for the whole recording",
    ),
}  # fmt: skip

# By degree: ratings of a neutral noun, and severities of a fault; UNGRADED: without a degree.
RATINGS = {
    "very severe": ("very poor", "extremely poor"),
    "relatively severe": ("relatively poor", "quite poor"),
    "mild": ("slightly poor", "a little poor"),
    "good": ("good", "quite good"),
    "excellent": ("excellent", "flawless"),
}
UNGRADED = {1: ("good",), -1: ("poor",)}
SEVERITIES = {
    "very severe": ("very severe", "extremely severe"),
    "relatively severe": ("relatively severe", "quite severe"),
    "mild": ("slight", "mild"),
}

HOW_GOOD = (
    "How would you rate the {noun} of {it}{when}?",
    "How is the {noun} of {it}{when}?",
    "What is the {noun} of {it} like{when}?",
    "How good is the {noun} of {it}{when}?",
    "How do you find the {noun} of {it}{when}?",
)
HOW_MUCH = (
    "How severe {be} the {noun} in {it}{when}?",
    "To what degree does {it} show {noun}{when}?",
    "How strong {be} the {noun} in {it}{when}?",
    "What is the degree of the {noun} in {it}{when}?",
)
WHICH_FAULT = (
    "Which of these problems can be seen in {it}{when}?",
    "Which distortion does {it} show{when}?",
    "What spoils the quality of {it}{when}?",
    "Which of these faults does {it} have{when}?",
)
WHAT_STANDS_OUT = (
    "What stands out in the quality of {it}{when}?",
    "What does one notice about the quality of {it}{when}?",
    "What is most striking in the quality of {it}{when}?",
)
WHEN = (
    "When does {it} show {noun}?",
    "At what point does {it} show {noun}?",
    "At which moment can one notice {noun} in {it}?",
    "In which part of {it} {be} there {noun}?",
)
WHERE = (
    "Where in the frame of {it} does one see {noun}?",
    "Where in {it} {be} there {noun}?",
)
HOW_OFTEN = (
    "How often does {it} show {noun}?",
    "How frequently {be} there {noun} in {it}?",
)
WHICH_TIME = (
    "Where does {it} have better {noun}, {one} or {other}?",
    "Which part of {it} has better {noun}, {one} or {other}?",
)
