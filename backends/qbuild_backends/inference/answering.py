"""Answers to questions about media: greedy generation in batches padded on the left."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

import torch

from qbuild.backends.protocol import Answered, Answering, Prompt, Refused
from qbuild.core.errors import UsageError
from qbuild_backends.data.clips import video_clip
from qbuild_backends.data.media_reader import Decode, FrameReader
from qbuild_backends.inference.batches import in_batches
from qbuild_backends.inference.loading import Loaded
from qbuild_backends.inference.memory import inference_memory
from qbuild_backends.inference.scoring import encoded, features, read_medium, with_clips
from qbuild_backends.models.inputs import Clip, Extent, Turn
from qbuild_backends.models.vqa2.processor import Encoded
from qbuild_backends.models.vqa2.video_prompts import framed


class Answerer:
    """Answers prompts of at most one medium each with one model; `decode` as in `Scorer`.

    Raises UsageError for answers as long as the context.
    """

    def __init__(self, loaded: Loaded, how: Answering, decode: Decode = video_clip) -> None:
        self.loaded, self.how, self.decode = loaded, how, decode
        most = loaded.processor.context.most
        if how.max_new_tokens >= most:
            raise UsageError(
                f"--max-new-tokens {how.max_new_tokens}",
                f"leaves no room for a question in a context of {most:,} tokens",
                "expected fewer",
            )
        vocabulary = loaded.processor.tokenizer.get_vocab()
        self._end, self._pad = (vocabulary[mark] for mark in ("<|im_end|>", "<|endoftext|>"))

    def answer(self, prompts: Iterable[Prompt]) -> Iterator[Answered | Refused]:
        """One answer a prompt, in the order given, without the blanks around it."""
        ids: list[str] = []
        with closing(self.encoded(prompts, ids)) as read:
            for number, text in enumerate(in_batches(read, self.texts, self.how.computing.batch)):
                yield text if isinstance(text, Refused) else Answered(ids[number], text)

    def encoded(self, prompts: Iterable[Prompt], ids: list[str]) -> Generator[Encoded | Refused]:
        """What the model takes of each prompt, in order; their ids are added to `ids`."""
        read, computing = self._read, self.how.computing
        with closing(with_clips(prompts, read, self.loaded, computing, self.decode)) as found:
            for prompt, clip in found:
                ids.append(prompt.sample_id)
                yield clip if isinstance(clip, Refused) else self._asked(prompt, clip)

    def _asked(self, prompt: Prompt, clip: Clip | Extent | None) -> Encoded | Refused:
        turns = conversation(prompt)
        if clip is not None:
            turns = framed(turns, clip, self.how.frame)
        asked = encoded(self.loaded, turns, clip, prompt.sample_id)
        return asked if isinstance(asked, Refused) else self._with_room(asked, prompt.sample_id)

    def _with_room(self, asked: Encoded, sample_id: str) -> Encoded | Refused:
        """The prompt, unless its answer could run beyond the context."""
        most, new = self.loaded.processor.context.most, self.how.max_new_tokens
        if len(asked.ids) + new <= most:
            return asked
        message = (
            f"{len(asked.ids):,} tokens and an answer of up to {new:,}; expected {most:,} at most, "
            "the context: ask for a shorter answer (--max-new-tokens)"
        )
        return Refused(sample_id, "too-long", message)

    def _read(self, prompt: Prompt, reader: FrameReader) -> Clip | Extent | Refused | None:
        if len(prompt.media) > 1:
            message = f"{len(prompt.media)} media; expected one, the model's frames show no more"
            return Refused(prompt.sample_id, "several-media", message)
        if not prompt.media:
            return None
        clip = read_medium(prompt.media[0], reader, self.loaded.processor.context)
        if isinstance(clip, Refused):
            return Refused(prompt.sample_id, clip.reason, clip.message)
        return clip

    def texts(self, samples: Sequence[Encoded]) -> list[str]:
        """What the model says to each sample, up to its end mark or `max_new_tokens`."""
        device, processor = self.loaded.device, self.loaded.processor
        with torch.inference_mode(), inference_memory(self.how.computing, device):
            batch = processor.collate(samples, padding="left")
            ids = batch["input_ids"].to(device)
            model: Any = self.loaded.model
            said = model.generate(
                input_ids=ids,
                attention_mask=batch["attention_mask"].to(device),
                **features(batch, device),
                max_new_tokens=self.how.max_new_tokens,
                do_sample=False,
                num_beams=1,
                eos_token_id=self._end,
                pad_token_id=self._pad,
            )
        new = said[:, ids.shape[1] :].tolist()
        return [text.strip() for text in processor.tokenizer.batch_decode(new, True)]


def conversation(prompt: Prompt) -> list[Turn]:
    """The prompt's turns, up to its question."""
    turns = [Turn("system", prompt.system)] if prompt.system else []
    for question, answer in prompt.before:
        turns += [Turn("user", question), Turn("assistant", answer)]
    return [*turns, Turn("user", prompt.question)]
