"""The questions of `distortion-qa`: sentences, choices and degrees, none of them from a paper.

Forms: binary (is this distortion present?), which (which one of four is present?), severity (how
strong is it?). plan.py decides which medium gets which question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qbuild.quality.published_text import letters

FORMS = ("binary", "which", "severity")
CHOICES = 4  # of a `which` question

# Degrees of severity 1 to 5; VQA² Table 12 has slight, quite severe and extremely severe.
SEVERITY_WORDS = ("Slight", "Moderate", "Quite severe", "Very severe", "Extremely severe")
NOUNS = {"image": ("image", "picture"), "video": ("video", "clip")}
SPOKEN = {"flicker": "flicker or camera shake"}  # names that are too narrow in a question

# A distortion may imply another one that is not labelled, which is never asked about as absent.
# Compression shows blocks, and blocks look like compression; contrast also changes saturation.
IMPLIES = {
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
    """A question with its choices in order; `right` is the index of the right one."""

    form: str
    text: str
    options: tuple[str, ...]
    right: int

    @property
    def key(self) -> str:
        """The letter of the right choice."""
        return letters(len(self.options))[self.right]

    @property
    def answer(self) -> str:
        """The text of the right choice."""
        return self.options[self.right]


def ask_binary(name: str, kind: str, present: bool, right: int, seed: int) -> Question:
    """Ask whether a distortion is present; the right answer has the index `right`."""
    answers = ("Yes", "No") if present else ("No", "Yes")
    options = answers if right == 0 else answers[::-1]
    return Question("binary", _wording("binary", kind, seed, name), options, right)


def ask_which(name: str, wrong: Sequence[str], kind: str, right: int, seed: int) -> Question:
    """Ask which of four distortions is present; the wrong ones are ordered by the seed."""
    options = [spoken(one).capitalize() for one in shuffled(wrong, seed)]
    options.insert(right, spoken(name).capitalize())
    wording_seed = seed >> 32  # not the digits that ordered the choices
    return Question("which", _wording("which", kind, wording_seed), tuple(options), right)


def ask_severity(name: str, kind: str, right: int, falling: bool, seed: int) -> Question:
    """Ask how severe a distortion is; the degrees rise, or fall from the strongest."""
    options = SEVERITY_WORDS[::-1] if falling else SEVERITY_WORDS
    return Question("severity", _wording("severity", kind, seed, name), options, right)


def spoken(name: str) -> str:
    """A distortion's name in a question."""
    return SPOKEN.get(name, name)


def shuffled(names: Sequence[str], seed: int) -> list[str]:
    """The names in an order decided by the seed."""
    remaining, ordered = list(names), []
    while remaining:
        seed, at = divmod(seed, len(remaining))
        ordered.append(remaining.pop(at))
    return ordered


def _wording(form: str, kind: str, seed: int, name: str = "") -> str:
    seed, at = divmod(seed, len(QUESTIONS[form]))
    noun = NOUNS[kind][seed % len(NOUNS[kind])]
    return QUESTIONS[form][at].format(name=spoken(name), noun=noun)
