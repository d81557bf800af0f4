"""How `distortion-qa` words its questions: the sentences, the choices, the degrees. All are ours.

Forms: binary (is this distortion there?), which (which one of four is there?), severity (how
strong is it?). Which medium is asked what is decided in plan.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMS = ("binary", "which", "severity")
CHOICES = 4  # of a which-question

# Degrees of severity 1 to 5; VQA² Table 12 has slight, quite severe and extremely severe.
SEVERITY_WORDS = ("Slight", "Moderate", "Quite severe", "Very severe", "Extremely severe")
NOUNS = {"image": ("image", "picture"), "video": ("video", "clip")}
SPOKEN = {"flicker": "flicker or camera shake"}  # where a name says less than it stands for

# A distortion may bring another along that nobody labelled: it is not asked about as absent.
# Compression shows blocks and blocks look like compression; contrast moves colours with it.
BRINGS = {
    "compression artifact": ("block effect",),
    "block effect": ("compression artifact",),
    "low contrast": ("desaturation",),
    "high contrast": ("oversaturation",),
}

QUESTIONS: dict[str, tuple[str, ...]] = {
    "binary": (
        "Is there any {name} in this {noun}?",
        "Does this {noun} suffer from {name}?",
        "Can you see {name} in the {noun}?",
        "Looking closely at the {noun}, do you notice any {name}?",
        "Would you count {name} among the faults of this {noun}?",
        "Has {name} lowered the quality of the {noun}?",
        "Do you find that this {noun} shows {name}?",
    ),
    "which": (
        "Which of these distortions does this {noun} show?",
        "What is wrong with the quality of this {noun}?",
        "One of the following has spoiled the {noun}. Which one?",
        "Which fault below can be seen in this {noun}?",
        "Name the distortion from this list that the {noun} has.",
        "Going by what you see, which distortion affects the {noun}?",
        "Which of the four applies to this {noun}?",
    ),
    "severity": (
        "How severe is the {name} in this {noun}?",
        "How strong would you call the {name} of the {noun}?",
        "This {noun} has {name}. To what degree?",
        "Rate how badly {name} affects the {noun}.",
        "Which degree fits the {name} that this {noun} shows?",
        "Judging by its looks, how far does {name} go in the {noun}?",
    ),
}


@dataclass(frozen=True)
class Question:
    """A question with its choices in order, and the place of the right one."""

    text: str
    options: tuple[str, ...]
    right: int


def binary(name: str, kind: str, present: bool, right: int, seed: int) -> Question:
    """Whether a distortion is there; the right answer stands at place `right`."""
    answers = ("Yes", "No") if present else ("No", "Yes")
    options = answers if right == 0 else answers[::-1]
    return Question(_worded("binary", kind, seed, name), options, right)


def which(name: str, wrong: Sequence[str], kind: str, right: int, seed: int) -> Question:
    """Which of four distortions is there; the wrong ones stand in an order that the seed draws."""
    options = [spoken(one).capitalize() for one in shuffled(wrong, seed)]
    options.insert(right, spoken(name).capitalize())
    words = seed >> 32  # apart from the digits that ordered the choices
    return Question(_worded("which", kind, words), tuple(options), right)


def severity(name: str, kind: str, right: int, falling: bool, seed: int) -> Question:
    """How strong a distortion is; the degrees rise, or fall from the strongest on."""
    options = SEVERITY_WORDS[::-1] if falling else SEVERITY_WORDS
    return Question(_worded("severity", kind, seed, name), options, right)


def spoken(name: str) -> str:
    """A distortion's name as questions say it."""
    return SPOKEN.get(name, name)


def shuffled(names: Sequence[str], seed: int) -> list[str]:
    """The names in an order that the seed decides."""
    left, found = list(names), []
    while left:
        seed, at = divmod(seed, len(left))
        found.append(left.pop(at))
    return found


def _worded(form: str, kind: str, seed: int, name: str = "") -> str:
    seed, at = divmod(seed, len(QUESTIONS[form]))
    noun = NOUNS[kind][seed % len(NOUNS[kind])]
    return QUESTIONS[form][at].format(name=spoken(name), noun=noun)
