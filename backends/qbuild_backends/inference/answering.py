"""Answers to questions about media: greedy generation in batches padded on the left."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import torch

from qbuild.backends.protocol import Answered, Answering, Prompt, Rejected
from qbuild.core.errors import UsageError
from qbuild.core.rows.rejections import Rejection
from qbuild_backends.data.media_reader import MediaReader
from qbuild_backends.inference.batches import compute_in_batches
from qbuild_backends.inference.clips import encode, media_inputs, read_clip, with_clips
from qbuild_backends.inference.loading import Loaded, inference_memory
from qbuild_backends.models.inputs import Clip, Encoded, Extent, Turn
from qbuild_backends.threads import limit_threads


class Answerer:
    """Answers prompts of at most one medium each with one model.

    Raises UsageError for answers as long as the context.
    """

    def __init__(self, loaded: Loaded, how: Answering) -> None:
        self.loaded, self.how = loaded, how
        if how.max_new_tokens >= loaded.processor.max_length:
            raise UsageError(
                f"--max-new-tokens {how.max_new_tokens}",
                f"leaves no room for a question in {loaded.processor.max_length:,} tokens",
                "expected fewer than the context holds",
            )

    def answer(self, prompts: Iterable[Prompt]) -> Iterator[Answered | Rejected]:
        """One answer per prompt, in the order given, without surrounding whitespace."""
        ids: list[str] = []
        with closing(self.encoded(prompts, ids)) as samples:
            texts = compute_in_batches(samples, self.generate, self.how.computing.batch)
            for number, text in enumerate(texts):
                yield text if isinstance(text, Rejected) else Answered(ids[number], text)

    def encoded(self, prompts: Iterable[Prompt], ids: list[str]) -> Generator[Encoded | Rejected]:
        """The model's input for each prompt, in order; adds their ids to `ids`."""
        with closing(with_clips(prompts, _read, self.loaded, self.how.computing)) as clips:
            for prompt, clip in clips:
                ids.append(prompt.sample_id)
                yield clip if isinstance(clip, Rejected) else self._encode(prompt, clip)

    def _encode(self, prompt: Prompt, clip: Clip | Extent | None) -> Encoded | Rejected:
        """The prompt, unless its answer could exceed the context."""
        turns, video_prompt = conversation(prompt), self.how.video_prompt
        encoded = encode(self.loaded, turns, clip, video_prompt, prompt.sample_id)
        limit, new = self.loaded.processor.max_length, self.how.max_new_tokens
        if isinstance(encoded, Rejected) or len(encoded.ids) + new <= limit:
            return encoded
        message = (
            f"{len(encoded.ids):,} tokens and an answer of up to {new:,}; expected {limit:,} at "
            "most, the context: ask for a shorter answer (--max-new-tokens)"
        )
        return Rejected(prompt.sample_id, Rejection("too-long", message))

    def generate(self, samples: Sequence[Encoded]) -> list[str]:
        """The answer to each sample, up to its end or `max_new_tokens`."""
        device, processor = self.loaded.device, self.loaded.processor
        memory = inference_memory(self.how.computing, device)
        with torch.inference_mode(), memory, limit_threads(self.loaded.model):
            batch = processor.collate(samples, padding="left", labels=False)
            ids = batch["input_ids"].to(device)
            generated = self.loaded.model.generate(
                input_ids=ids,
                attention_mask=batch["attention_mask"].to(device),
                **media_inputs(batch, device),
                max_new_tokens=self.how.max_new_tokens,
                do_sample=False,
                num_beams=1,
                eos_token_id=processor.end_token_id,
                pad_token_id=processor.pad_token_id,
            )
        new = generated[:, ids.shape[1] :].tolist()
        return [text.strip() for text in processor.tokenizer.batch_decode(new, True)]


def _read(prompt: Prompt, reader: MediaReader) -> Clip | Extent | Rejected | None:
    if len(prompt.media) > 1:
        message = f"{len(prompt.media)} media; expected one, all that a prompt of the model shows"
        return Rejected(prompt.sample_id, Rejection("several-media", message))
    if not prompt.media:
        return None
    clip = read_clip(prompt.media[0], reader)
    return replace(clip, of=prompt.sample_id) if isinstance(clip, Rejected) else clip


def conversation(prompt: Prompt) -> list[Turn]:
    """The prompt's turns, up to its question."""
    turns = [Turn("system", prompt.system)] if prompt.system else []
    for question, answer in prompt.before:
        turns += [Turn("user", question), Turn("assistant", answer)]
    return [*turns, Turn("user", prompt.question)]
