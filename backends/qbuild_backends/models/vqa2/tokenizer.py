"""The tiny preset's tokenizer: byte-level BPE, trained when it is made on qbuild's own sentences.

The same text gives the same tokenizer everywhere. Each level word and each of the thirteen
distortions is one token after a space, so that an answer is one token: single words by merges that
come first, since they are repeated most often; two words (`motion blur`) as added tokens.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from qbuild.quality import published_text
from qbuild.quality.distortions import DISTORTIONS
from qbuild_backends.models.vqa2.presets import TINY_VOCABULARY

REPEATS = 200  # more than any pair of characters occurs in the sentences
# Their positions are the ids of the tiny preset; no text is encoded as one of them.
MARKS = ("<|endoftext|>", "<|im_end|>", "<|im_start|>", "<|image|>", "<|video|>", "<|motion|>")


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of fewer than 512 tokens with Qwen2's marks."""
    phrases = [f" {name}" for name in DISTORTIONS if " " in name]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TINY_VOCABULARY - len(phrases),
        special_tokens=list(MARKS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sentences() + _answers() * REPEATS, trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in phrases])
    pad, end = MARKS[:2]
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=end, pad_token=pad)


def _answers() -> list[str]:
    """Answers of one word: levels, as published and in small letters, distortions, yes, no."""
    levels = [word for chosen in published_text.LEVEL_WORDS.values() for word in chosen]
    single = [name for name in DISTORTIONS if " " not in name]
    motion = ("smooth", "shake")  # besides flicker and stuttering
    words = {*levels, *(word.lower() for word in levels), *single, *motion, "yes", "no"}
    return [f" {word}" for word in sorted(words)]


def _sentences() -> list[str]:
    """Every sentence with every pair of medium and aspect; the merges are learnt from them."""
    forms = (
        published_text.ANSWER,
        published_text.VQA2_QUESTION,
        published_text.CAUSAL_QUESTION,
        published_text.Q_SIT_PREFIX,
        "Which distortion is seen most in this {kind}?",
        "system\nYou are a helpful assistant.\nuser\nassistant\n",
        *published_text.Q_ALIGN_QUESTIONS,
    )
    fillings = [
        {"kind": kind, "picture": picture, "aspect": aspect, "word": "", "depiction": ""}
        for kind, picture in (("image", "picture"), ("video", "video"))
        for aspect in ("quality", "aesthetics")
    ]
    return [form.format(**filling) for form in forms for filling in fillings]
