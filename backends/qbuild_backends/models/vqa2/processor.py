"""Conversations and frames into the model's tensors: token ids, answers, batches.

The processor of transformers for LLaVA-OneVision's videos needs torchvision; this one needs numpy.
Frames stay uint8 in a batch, a quarter of the memory and of the transfer to a device: the model
normalises where it computes (`Vqa2Config`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from qbuild.core.errors import InputError, UsageError
from qbuild.core.plural import plural
from qbuild.core.rows.rejections import RejectedError
from qbuild.quality.published_text import LLAVA_PLACEHOLDER
from qbuild_backends.models.family import Processor
from qbuild_backends.models.inputs import Clip, Encoded, Extent, Turn
from qbuild_backends.models.padding import padded
from qbuild_backends.models.saved_files import TOKENIZER, read_errors, require_files
from qbuild_backends.models.vqa2.clips import Context, Vqa2Clips
from qbuild_backends.models.vqa2.config import Vqa2Config
from qbuild_backends.models.vqa2.video_prompts import NONE, add_video_prompt

FILE = "vqa2_processor.json"
SYSTEM = "You are a helpful assistant."  # Qwen2's own, in the released training and scoring code
FEATURES = {"visual": "key", "motion": "motion"}  # the prefix of each branch's inputs
_CHARACTERS_PER_TOKEN = 4  # of English text, about
_PROMPT_LENGTH = 130  # of the words around a video, about
_SHORTER_VIDEO = "Cut the video (`qbuild motion-clips --operations temporal`), or use fewer frames."


@dataclass(frozen=True)
class Settings:
    """What the processor must know of its model; sizes in pixels, ids in the vocabulary.

    motion is False for a model trained on only key frames, whose videos have one placeholder.
    """

    key_size: int
    tokens_per_key: int
    motion_size: int
    visual_token_id: int
    motion_token_id: int
    max_length: int
    motion: bool = True

    @classmethod
    def of(cls, config: Vqa2Config) -> Settings:
        """What a model of this configuration asks for."""
        return cls(
            key_size=config.key_size,
            tokens_per_key=config.tokens_per_key,
            motion_size=config.motion_size,
            visual_token_id=config.video_token_id,
            motion_token_id=config.motion_token_id,
            max_length=config.text.max_position_embeddings,
        )


class Vqa2Processor(Processor):
    """Qwen2's chat template around key frames and motion frames."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, settings: Settings) -> None:
        self.tokenizer, self.settings = tokenizer, settings
        self.max_length = settings.max_length
        self.media_token_ids = (settings.visual_token_id, settings.motion_token_id)
        self.context = Context(settings.tokens_per_key, settings.max_length)
        self._text_ids = lru_cache(maxsize=4_096)(self._tokenise)  # roles and questions repeat
        self._start, self.end_token_id, self.pad_token_id = map(
            self._token_id, ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
        )

    @property
    def clips(self) -> Vqa2Clips:
        """Key frames, and motion frames unless the model was trained without."""
        motion_size = self.settings.motion_size if self.settings.motion else None
        return Vqa2Clips(self.settings.key_size, motion_size, self.context)

    def branches(self, kind: Literal["image", "video"]) -> Collection[str]:
        """`motion` only for videos."""
        return set(FEATURES) if kind == "video" and self.settings.motion else {"visual"}

    def encode(
        self,
        turns: Sequence[Turn],
        clip: Clip | Extent | None = None,
        *,
        video_prompt: str | None = None,
        open_end: bool = False,
    ) -> Encoded:
        """As `Processor.encode`; Qwen2's system turn is added unless the turns begin with one.

        Answers are the assistants' words and their `<|im_end|>`.
        """
        if isinstance(clip, Clip):
            self._check_clip(clip)
        extent = clip.extent if isinstance(clip, Clip) else clip
        if extent is not None and video_prompt is not None:
            turns = add_video_prompt(turns, extent, video_prompt)
        counts = [] if extent is None else self.context.tokens(extent)
        _check_placeholders(turns, len(counts))
        places = iter([[i] * n for i, n in zip(self.media_token_ids, counts, strict=False)])
        segments = list(self._segments(_complete(turns, open_end), places, open_end))
        ids = [number for segment, _ in segments for number in segment]
        answer = [is_answer for segment, is_answer in segments for _ in segment]
        self._check_length(len(ids), extent)
        if isinstance(clip, Extent):
            raise TypeError("an extent that fits the context; expected its frames")
        arrays = () if clip is None else (clip.keys, clip.motion)
        media = {name: a for name, a in zip(FEATURES, arrays, strict=False) if a is not None}
        return Encoded(np.array(ids, np.int64), np.array(answer, np.bool_), media)

    def _segments(
        self, turns: Sequence[Turn], places: Iterator[list[int]], open_end: bool
    ) -> Iterator[tuple[Sequence[int], bool]]:
        """Ids that are tokenised separately, as in the released code, and if they are answer."""
        newline = self._text_ids("\n")
        for number, turn in enumerate(turns):
            is_answer = turn.role == "assistant"
            yield [self._start, *self._text_ids(turn.role), *newline], False
            yield self._turn_ids(turn.text, places), is_answer
            if not (open_end and number == len(turns) - 1):
                yield [self.end_token_id], is_answer
                yield newline, False

    def _turn_ids(self, text: str, places: Iterator[list[int]]) -> list[int]:
        """The ids of a text, its placeholders filled from `places`; no text makes a special id."""
        first, *rest = text.split(LLAVA_PLACEHOLDER)
        ids = list(self._text_ids(first))
        for part in rest:
            ids += next(places)
            ids += self._text_ids(part)
        return ids

    def _tokenise(self, text: str) -> tuple[int, ...]:
        return tuple(
            self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        )

    def collate(
        self,
        samples: Sequence[Encoded],
        *,
        padding: Literal["right", "left"] = "right",
        labels: bool = True,
    ) -> dict[str, Tensor]:
        """As `Processor.collate`.

        key_frames (k, s, s, 3) and motion_frames (m, s, s, 3) are uint8, of one sample after
        another; key_counts and motion_counts (b,) are how many each has. Pad left to generate.
        """
        batch = padded(samples, self.pad_token_id, padding, labels)
        for branch, name in FEATURES.items():
            arrays = [sample.media.get(branch) for sample in samples]
            frames = [array for array in arrays if array is not None]
            if frames:
                batch[f"{name}_frames"] = torch.from_numpy(np.concatenate(frames))
                counts = [0 if array is None else len(array) for array in arrays]
                batch[f"{name}_counts"] = torch.tensor(counts)
        return batch

    def estimate_tokens(
        self, kind: str, characters: int, num_frames: int, fps: float, video_prompt: str
    ) -> int:
        """As `Processor.estimate_tokens`; a video of unknown length counts as 8 s at 30 fps."""
        if kind == "text":
            return max(1, characters // _CHARACTERS_PER_TOKEN)
        if kind == "image":
            return self.settings.tokens_per_key + characters // _CHARACTERS_PER_TOKEN
        frames = num_frames or 240
        keys = max(1, round(frames / (fps or 30.0)))
        text = characters + (0 if video_prompt == NONE else _PROMPT_LENGTH)
        return keys * self.settings.tokens_per_key + frames + text // _CHARACTERS_PER_TOKEN

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files and `vqa2_processor.json`."""
        self.tokenizer.save_pretrained(folder)
        text = json.dumps(asdict(self.settings), indent=2) + "\n"
        (folder / FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Vqa2Processor:
        """The processor saved in a folder; InputError where it is missing or damaged."""
        require_files(folder, FILE, TOKENIZER)
        expected = "expected what qbuild saved with the model", "Copy the checkpoint again."
        with read_errors(folder / FILE, *expected):
            settings = Settings(**json.loads((folder / FILE).read_text(encoding="utf-8")))
        with read_errors(folder / TOKENIZER, *expected):
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        return cls(tokenizer, settings)

    def check_model(self, config: Vqa2Config, where: str) -> None:
        """Raise InputError where the model has other sizes or ids than this processor."""
        ours, model = asdict(self.settings), asdict(Settings.of(config))
        own = {"max_length", "motion"}  # may be less than the model's
        faults = [
            f"{name} is {ours[name]}, the model's {value}"
            for name, value in model.items()
            if name not in own and ours[name] != value
        ]
        if faults:
            raise InputError(
                where,
                f"does not fit the configuration: {', '.join(faults)}",
                "expected the processor that the model was saved with",
                "Copy, train or import the checkpoint again.",
            )

    def _token_id(self, token: str) -> int:
        number = self.tokenizer.get_vocab().get(token)
        if number is None:
            raise UsageError(
                "vqa2 processor",
                f"the tokenizer has no {token}",
                "expected a tokenizer of Qwen2's form",
                "Use the tokenizer that came with the model.",
            )
        return int(number)

    def _check_clip(self, clip: Clip) -> None:
        _check_frames(clip.keys, self.settings.key_size, "key")
        if clip.motion is not None:
            _check_frames(clip.motion, self.settings.motion_size, "motion")

    def _check_length(self, length: int, extent: Extent | None) -> None:
        if length <= self.max_length:
            return
        parts = f" ({self._parts(length, extent)})" if extent else ""
        is_video = extent and sum(self.context.tokens(extent)) > length // 2
        todo = _SHORTER_VIDEO if is_video else "Shorten its text, or leave the sample out."
        raise RejectedError(
            "too-long",
            f"{length:,} tokens, {length - self.max_length:,} more than the context holds{parts}; "
            f"expected {self.max_length:,} at most. {todo}",
        )

    def _parts(self, length: int, extent: Extent) -> str:
        """What the tokens of a sample with a medium are."""
        counts = self.context.tokens(extent)
        parts = [f"{counts[0]:,} of {plural(extent.keys, 'key frame')}"]
        parts += [f"{count:,} of motion" for count in counts[1:]]
        return ", ".join([*parts, f"{length - sum(counts):,} of text"])


def _check_placeholders(turns: Sequence[Turn], features: int) -> None:
    count = sum(turn.text.count(LLAVA_PLACEHOLDER) for turn in turns)
    if count != features:
        media = ("no media", "key frames only", "key frames and motion")[features]
        raise RejectedError(
            "placeholders",
            f"{count} placeholders {LLAVA_PLACEHOLDER} for {media}; expected {features}, "
            "key frames first, motion second. Give the sample its medium, or correct its text.",
        )


def _complete(turns: Sequence[Turn], open_end: bool) -> list[Turn]:
    """The turns after a system turn and, where an answer is to be generated, with an empty one."""
    complete = list(turns)
    if not complete or complete[0].role != "system":
        complete.insert(0, Turn("system", SYSTEM))
    if open_end and complete[-1].role != "assistant":
        complete.append(Turn("assistant", ""))
    return complete


def _check_frames(frames: NDArray[Any], size: int, kind: str) -> None:
    if frames.dtype != np.uint8 or frames.shape[1:] != (size, size, 3) or not len(frames):
        raise RejectedError(
            "frames",
            f"its {kind} frames are {frames.dtype} {list(frames.shape)}; expected uint8 "
            f"[n, {size}, {size}, 3], n at least 1. Read the medium with the processor's `clips`.",
        )
