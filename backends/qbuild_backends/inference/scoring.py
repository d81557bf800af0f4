"""Scores of media: one pass of the model each, and logits of only the level words.

The prompt ends with the beginning of the answer (`The quality of the video is`); the next token is
read over the level words (VQA², supplement D). One pass gives the last hidden state of each sample,
their common prefix computed once for all; it is multiplied with the level words' rows of the head.
Batches are padded on the right, which a causal model's real tokens never see: the padding needs no
mask.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing

import numpy as np
import torch

from qbuild.backends.protocol import Rejected, Scored, Scoring
from qbuild.core.errors import UsageError, suggest
from qbuild.core.media_roots import Medium
from qbuild.core.rows.rejections import Rejection
from qbuild.quality.level_scores import score_from_logits
from qbuild_backends.inference.batches import compute_in_batches
from qbuild_backends.inference.clips import encode, media_inputs, read_clip, with_clips
from qbuild_backends.inference.loading import Loaded, inference_memory
from qbuild_backends.inference.prefix_cache import PrefixCache
from qbuild_backends.level_reader import level_token_ids
from qbuild_backends.models.family import ScoringPrompt
from qbuild_backends.models.inputs import Clip, Encoded, Extent
from qbuild_backends.threads import limit_threads

KINDS = ("image", "video")
# Values of a layer that a CPU's caches hold, about: 5,461 tokens of tiny, 431 of 0.5b. A batch of
# more is no faster there.
CACHED = 1 << 21
DIGITS = 4  # of a logit: in float32, a batch of another size moves the fifth


class Scorer:
    """Scores media with one model and one set of words; raises UsageError for unfit words."""

    def __init__(self, loaded: Loaded, how: Scoring) -> None:
        self.loaded, self.how = loaded, how
        self.prompt = loaded.family.scoring
        named = trained_words(loaded) if how.words == "auto" else how.words
        self.words = find_words(self.prompt, named)
        self.weights = find_weights(self.prompt, how.weights, named, len(self.words))
        if not 0 < how.temperature < float("inf"):
            where = f"--temperature {how.temperature}"
            raise UsageError(where, "is not valid", "expected a number above 0")
        tokens, *_ = [
            level_token_ids(
                loaded.processor.tokenizer, self.words, self.prompt.answer.format(kind=kind)
            )
            for kind in KINDS
        ]
        self._prefix = PrefixCache(loaded)
        head = loaded.model.get_output_embeddings().weight
        self._rows = head[list(tokens)]  # (words, hidden)

    def score(self, media: Iterable[Medium]) -> Iterator[Scored | Rejected]:
        """One score per medium, in the order given; its logits to DIGITS decimals."""
        ids: list[str] = []
        with closing(self.encoded(media, ids)) as samples:
            for number, logits in enumerate(self.compute(samples)):
                if isinstance(logits, Rejected):
                    yield logits
                    continue
                if not np.isfinite(logits).all():
                    yield _not_finite(ids[number], logits)
                    continue
                rounded = tuple(round(value, DIGITS) for value in logits)
                score = float(score_from_logits(rounded, self.weights, self.how.temperature))
                yield Scored(ids[number], score, self.words, rounded)

    def compute(self, samples: Iterable[Encoded | Rejected]) -> Iterator[list[float] | Rejected]:
        """The logits of each sample, in the order given, computed in batches."""
        config = self.loaded.model.config.get_text_config()
        on_cpu = self.loaded.device.type == "cpu"
        max_tokens = CACHED // config.intermediate_size if on_cpu else None
        return compute_in_batches(samples, self.logits, self.how.computing.batch, max_tokens)

    def encoded(self, media: Iterable[Medium], ids: list[str]) -> Generator[Encoded | Rejected]:
        """The model's input for each medium, in order; adds their ids to `ids`."""
        with closing(with_clips(media, read_clip, self.loaded, self.how.computing)) as clips:
            for medium, clip in clips:
                ids.append(medium.media_id)
                yield clip if isinstance(clip, Rejected) else self._encode(medium, clip)

    def _encode(self, medium: Medium, clip: Clip | Extent) -> Encoded | Rejected:
        turns = self.prompt.turns(clip.kind)
        return encode(self.loaded, turns, clip, self.how.video_prompt, medium.media_id)

    def logits(self, samples: Sequence[Encoded]) -> list[list[float]]:
        """The level words' logits of each sample, worst to best."""
        device = self.loaded.device
        memory = inference_memory(self.how.computing, device)
        with torch.inference_mode(), memory, limit_threads(self.loaded.model):
            skipped, cache = self._prefix.find(samples)
            batch = self.loaded.processor.collate(samples, labels=False)
            hidden = self.loaded.model.base_model(
                input_ids=batch["input_ids"][:, skipped:].to(device),
                use_cache=False,
                **cache,
                **media_inputs(batch, device),
            ).last_hidden_state  # (b, n - skipped, hidden)
            last = batch["attention_mask"].sum(1).to(device) - 1 - skipped  # (b,)
            states = hidden[torch.arange(len(samples), device=device), last]  # (b, hidden)
            logits: list[list[float]] = (states @ self._rows.T).double().tolist()
        return logits


def trained_words(loaded: Loaded) -> str:
    """The set of words that a model was trained on; the family's first where it is not known.

    UsageError where it was trained on other words.
    """
    sets = loaded.family.scoring.words
    for name, words in sets.items():
        if loaded.level_words <= set(words):
            return name
    raise UsageError(
        "--words auto",
        f"the model was trained on the words {', '.join(sorted(loaded.level_words))}",
        f"expected those of one set: {', '.join(sets)}",
        "Name the words, worst to best, separated by commas.",
    )


def _not_finite(media_id: str, logits: Sequence[float]) -> Rejected:
    message = (
        f"the logits of the level words are {', '.join(map(str, logits))}; expected finite numbers."
        " Check the weights of the checkpoint, or compute in float32: --dtype float32."
    )
    return Rejected(media_id, Rejection("not-finite", message))


def find_words(prompt: ScoringPrompt, named: str) -> tuple[str, ...]:
    """The words of a set, or those given with commas, worst to best."""
    if named in prompt.words:
        return prompt.words[named]
    words = tuple(word.strip() for word in named.split(","))
    if len(words) < 2 or not all(words):
        raise UsageError(
            f"--words {named}",
            "is not a set of words",
            "expected the name of a set, or words from worst to best, separated by commas",
            suggest(named, prompt.words),
        )
    return words


def find_weights(
    prompt: ScoringPrompt, given: str, words_named: str, words: int
) -> tuple[float, ...] | None:
    """The weights of a set, or those given with commas, worst to best.

    Without any, those with the name of the words' set; None: evenly from 0 to 1.
    """
    named = given or (words_named if words_named in prompt.weights else "")
    if not named:
        return None
    weights = prompt.weights.get(named) or tuple(_weight(text) for text in named.split(","))
    if len(weights) != words or not all(0 <= weight <= 1 for weight in weights):
        raise UsageError(
            f"--weights {named}",
            f"does not weight the {words} words",
            f"expected the name of a set, or {words} numbers from 0 to 1, worst to best, "
            "separated by commas",
            suggest(named, prompt.weights),
        )
    return weights


def _weight(text: str) -> float:
    """A number; NaN where the text is none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
