"""Scores of media: one pass of the model each, and logits of the level words alone.

The model is asked for the level and made to begin its answer (`The quality of the video is`); what
it would say next is read over the level words (VQA², supplement D). One pass gives the last hidden
state of each sample, its beginning computed once for all; of the head only the level words' rows
are multiplied with it. Batches are padded on the right, which a causal model's real tokens never
see: no mask of the padding is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from qbuild.backends.conversation import PLACE
from qbuild.backends.protocol import Computing, Refused, Scored, Scoring
from qbuild.core.errors import UsageError, near
from qbuild.core.media_roots import Medium
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.quality.level_scores import score_from_logits
from qbuild.quality.published_text import ANSWER, LEVEL_WORDS, VQA2_QUESTION
from qbuild_backends.data.clips import video_clip
from qbuild_backends.data.media_reader import Decode, FrameReader, read_ahead
from qbuild_backends.inference.batches import in_batches
from qbuild_backends.inference.loading import Loaded
from qbuild_backends.inference.memory import inference_memory
from qbuild_backends.inference.prefix_cache import Prefix
from qbuild_backends.level_reader import LevelReader
from qbuild_backends.models.inputs import Clip, Context, Extent, Turn
from qbuild_backends.models.vqa2.model import FEATURES
from qbuild_backends.models.vqa2.processor import Encoded, NotEncodableError
from qbuild_backends.models.vqa2.video_prompts import framed

# The released scorer's words are in small letters, and its lowest weighs .2, not 0.
WORDS = {**LEVEL_WORDS, "release": tuple(word.lower() for word in LEVEL_WORDS["vqa2"])}
WEIGHTS = {"release": (0.2, 0.4, 0.6, 0.8, 1.0)}
KINDS = ("image", "video")
# Values of a layer that a CPU's caches hold, about: 5,461 tokens of tiny, 431 of 0.5b. A batch of
# more is no faster there.
CACHED = 1 << 21
DIGITS = 4  # of a logit: in float32, a batch of another size moves the fifth

T = TypeVar("T")
U = TypeVar("U")


class Scorer:
    """Scores media with one model and one set of words; raises UsageError for unfit words.

    `decode` reads videos, in processes of its own.
    """

    def __init__(self, loaded: Loaded, how: Scoring, decode: Decode = video_clip) -> None:
        self.loaded, self.how, self.decode = loaded, how, decode
        self.words = words_of(how.words)
        self.weights = WEIGHTS.get(how.words)
        readers = [
            LevelReader(
                loaded.processor.tokenizer, self.words, begun(kind), self.weights, how.temperature
            )
            for kind in KINDS
        ]
        self._prefix = Prefix(loaded.model.model)
        self._rows = loaded.model.lm_head.weight[list(readers[0].token_ids)]  # (words, hidden)

    def score(self, media: Iterable[Medium]) -> Iterator[Scored | Refused]:
        """One score a medium, in the order given; its logits to DIGITS decimals."""
        ids: list[str] = []
        with closing(self.encoded(media, ids)) as read:
            for number, logits in enumerate(self.computed(read)):
                if isinstance(logits, Refused):
                    yield logits
                    continue
                told = tuple(round(value, DIGITS) for value in logits)
                score = float(score_from_logits(told, self.weights, self.how.temperature))
                yield Scored(ids[number], score, self.words, told)

    def computed(self, read: Iterable[Encoded | Refused]) -> Iterator[list[float] | Refused]:
        """The logits of each sample, in the order given, computed in batches."""
        on_cpu = self.loaded.device.type == "cpu"
        most = CACHED // self.loaded.model.config.text.intermediate_size if on_cpu else None
        return in_batches(read, self.logits, self.how.computing.batch, most)

    def encoded(self, media: Iterable[Medium], ids: list[str]) -> Generator[Encoded | Refused]:
        """What the model takes of each medium, in order; their ids are added to `ids`."""
        read = partial(read_medium, context=self.loaded.processor.context)
        with closing(
            with_clips(media, read, self.loaded, self.how.computing, self.decode)
        ) as found:
            for medium, clip in found:
                ids.append(medium.media_id)
                yield clip if isinstance(clip, Refused) else self._asked(medium, clip)

    def _asked(self, medium: Medium, clip: Clip | Extent) -> Encoded | Refused:
        question = f"{PLACE}\n{VQA2_QUESTION.format(kind=clip.kind)}"
        turns = framed([Turn("user", question)], clip, self.how.frame)
        turns.append(Turn("assistant", begun(clip.kind)))
        return encoded(self.loaded, turns, clip, medium.media_id)

    def logits(self, samples: Sequence[Encoded]) -> list[list[float]]:
        """The level words' logits of each sample, worst to best."""
        device = self.loaded.device
        with torch.inference_mode(), inference_memory(self.how.computing, device):
            skipped, prefix = self._prefix.of(samples)
            batch = self.loaded.processor.collate(samples)
            hidden = self.loaded.model.model(
                input_ids=batch["input_ids"][:, skipped:].to(device),
                past_key_values=prefix,
                use_cache=False,
                **features(batch, device),
            ).last_hidden_state  # (b, n - skipped, hidden)
            last = batch["attention_mask"].sum(1).to(device) - 1 - skipped  # (b,)
            read = hidden[torch.arange(len(samples), device=device), last]  # (b, hidden)
            found: list[list[float]] = (read @ self._rows.T).double().tolist()
        return found


def features(batch: dict[str, Tensor], device: torch.device) -> dict[str, Any]:
    """What a batch has beside its text, on the device; counts stay where they are read."""
    return {
        name: batch[name] if name.endswith("counts") else batch[name].to(device, non_blocking=True)
        for name in FEATURES
        if name in batch
    }


def encoded(
    loaded: Loaded, turns: Sequence[Turn], clip: Clip | Extent | None, of: str
) -> Encoded | Refused:
    """A conversation for the model to go on with; a refusal where it does not fit the model."""
    try:
        return loaded.processor.encode(turns, clip, open_end=True, name=of)
    except NotEncodableError as error:
        return Refused(of, error.reason, error.message)


def with_clips(
    items: Iterable[T],
    read: Callable[[T, FrameReader], U],
    loaded: Loaded,
    computing: Computing,
    decode: Decode,
) -> Generator[tuple[T, U]]:
    """Each item with what `read` makes of it by a reader of clips as the model takes them.

    A batch is read ahead while another is computed.
    """
    settings = loaded.processor.settings
    reader = FrameReader(settings.key_size, settings.shown_motion_size, decode=decode)
    ahead = computing.batch + computing.readers
    found = read_ahead(items, lambda one: read(one, reader), threads=computing.readers, ahead=ahead)
    with inference_memory(computing, loaded.device), closing(found), reader:
        yield from found


def read_medium(medium: Medium, reader: FrameReader, context: Context) -> Clip | Extent | Refused:
    """The frames of a medium, the extent alone of one too long, or why it cannot be read."""
    try:
        return reader.read(medium.file, context)
    except UnreadableMediaError as error:
        return Refused(medium.media_id, error.reason, error.message)


def begun(kind: str) -> str:
    """The answer up to its level word."""
    return ANSWER.partition("{word}")[0].format(aspect="quality", kind=kind).rstrip()


def words_of(named: str) -> tuple[str, ...]:
    """The words of a set, or those given with commas, worst to best."""
    if named in WORDS:
        return WORDS[named]
    words = tuple(word.strip() for word in named.split(","))
    if len(words) < 2 or not all(words):
        raise UsageError(
            f"--words {named}",
            "is no set of words",
            "expected a set's name, or words worst to best with commas between",
            near(named, WORDS),
        )
    return words
