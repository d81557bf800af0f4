"""Strings that published checkpoints and datasets depend on byte for byte, each with its source.

Nothing here is wording of ours: change one and a released model reads another question than the
one it was trained on. Level words run from worst to best everywhere.
"""

from __future__ import annotations

from typing import Literal

WordSet = Literal["vqa2", "itu"]

# VQA² section 3.3; ITU-T P.800 / BT.500 words as used by Q-Align (Eq. 1) and Q-SiT.
LEVEL_WORDS: dict[str, tuple[str, str, str, str, str]] = {
    "vqa2": ("Low", "Poor", "Fair", "Good", "High"),
    "itu": ("bad", "poor", "fair", "good", "excellent"),
}

# Q-Align section 3.4; the same stem in the VQA² scorer and in the Q-SiT training files.
ANSWER = "The {aspect} of the {kind} is {word}."

# VQA² supplement D: the question that the released scorer asks of a video.
VQA2_QUESTION = "How would you rate the quality of this {kind}?"

# VQA² figure 3: the causal pair of stage 3, whose answer ends in the level sentence,
# its capital as the figure prints it.
CAUSAL_QUESTION = (
    "Please provide a detailed depiction of the overall quality of this {kind}, and based on your "
    "depiction, how would you evaluate the quality of this {kind}?"
)
CAUSAL_ANSWER = "{depiction} Hence, The quality of this {kind} is {word}."

# The nine phrasings in Q-Align's released training files (KonIQ, SPAQ, KADID), the last of them
# also the question of Q-SiT; `picture` is `video` where the medium is one.
Q_ALIGN_QUESTIONS: tuple[str, ...] = (
    "What's your opinion on the {aspect} of this {picture}?",
    "How do you assess the {aspect} of this {kind}?",
    "Could you evaluate the {aspect} of this {kind}?",
    "How would you judge the {aspect} of this {kind}?",
    "Rate the {aspect} of this {kind}.",
    "Can you rate the {aspect} of this {picture}?",
    "What is your {aspect} rating for this {kind}?",
    "What do you think about the {aspect} of this {kind}?",
    "How would you rate the {aspect} of this {kind}?",
)

# Q-SiT section III-C2: the prefix of scoring data (D1), as it stands in the released files.
Q_SIT_PREFIX = "Assume you are an image quality evaluator. "
Q_SIT_QUESTION = "How would you rate the {aspect} of this {kind}?"

# Placeholders of the released records.
LLAVA_PLACEHOLDER = "<image>"
Q_ALIGN_PLACEHOLDER = "<|image|>"

# Q-Align's records: `name->score`.
ID_ARROW = "->"
