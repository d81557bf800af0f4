"""Conversations and frames into the model's tensors: token ids, answers, batches.

The processor of transformers for LLaVA-OneVision's videos needs torchvision; this one needs numpy.
Frames stay uint8 in a batch, a quarter of the memory and of the way to a device: the model divides
by 255 and takes off mean and deviation where it computes (`Vqa2Config`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from qbuild.core.errors import InputError, UsageError
from qbuild.core.plural import plural
from qbuild.quality.published_text import LLAVA_PLACEHOLDER
from qbuild_backends.models.inputs import Clip, Context, Extent, Turn
from qbuild_backends.models.vqa2.config import Vqa2Config

FILE = "vqa2_processor.json"
TOKENIZER = "tokenizer.json"
_SHORTER_VIDEO = (
    "Cut the video (`qbuild motion-clips --operations temporal`), or take fewer frames."
)
SYSTEM = "You are a helpful assistant."  # Qwen2's own, in the released training and scoring code
IGNORED = -100  # what the loss leaves out


@dataclass(frozen=True)
class Settings:
    """What the processor must know of its model; sizes in pixels, ids in the vocabulary.

    motion is False for a model trained on key frames alone, whose videos have one placeholder.
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

    @property
    def shown_motion_size(self) -> int | None:
        """The motion size of the frames that the model is shown; None where it is shown none."""
        return self.motion_size if self.motion else None


class NotEncodableError(InputError):
    """A sample that does not fit the model: why in a word, `placeholders`, `frames`, `too-long`."""

    def __init__(self, reason: str, where: str, what: str, expected: str, todo: str) -> None:
        self.reason = reason
        super().__init__(where, what, expected, todo)

    @property
    def message(self) -> str:
        """The error without the sample's name, as it stands in a record."""
        return f"{self.what}; {self.expected}. {self.todo}"


@dataclass(frozen=True)
class Encoded:
    """One sample: ids (n,), which of them are answer (n,), and the frames behind placeholders."""

    ids: NDArray[np.int64]
    answer: NDArray[np.bool_]
    keys: NDArray[np.uint8] | None
    motion: NDArray[Any] | None


class Vqa2Processor:
    """Makes batches for one model out of turns and clips."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, settings: Settings) -> None:
        self.tokenizer, self.settings = tokenizer, settings
        self.context = Context(settings.tokens_per_key, settings.max_length)
        self._start, self._end, self._pad = map(
            self._known, ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
        )

    @classmethod
    def of(cls, config: Vqa2Config, tokenizer: PreTrainedTokenizerFast) -> Vqa2Processor:
        """The processor of a model with this configuration."""
        return cls(tokenizer, Settings.of(config))

    def encode(
        self,
        turns: Sequence[Turn],
        clip: Clip | Extent | None = None,
        *,
        open_end: bool = False,
        name: str = "sample",
    ) -> Encoded:
        """A conversation in Qwen2's form around a clip; Qwen2's system turn unless it brings one.

        A video that was not decoded, since the context cannot hold it, is refused by its extent.
        open_end leaves the last assistant turn unfinished, or begins one: for a model to go on.
        Answers are the assistants' words and their `<|im_end|>`. Raises NotEncodableError, which
        names the sample, where placeholders and features differ or the context is too short.
        """
        if isinstance(clip, Clip):
            self._check_frames(clip, name)
        extent = clip.extent if isinstance(clip, Clip) else clip
        features = self._features(extent)
        _check_placeholders(turns, len(features), name)
        segments = list(self._segments(_whole(turns, open_end), iter(features), open_end))
        ids = [number for segment, _ in segments for number in segment]
        answer = [said for segment, said in segments for _ in segment]
        self._check_length(len(ids), extent, name)
        if isinstance(clip, Extent):
            raise TypeError(f"{name}: an extent that fits; expected its frames")
        keys, motion = (clip.keys, clip.motion) if clip else (None, None)
        return Encoded(np.array(ids, np.int64), np.array(answer, np.bool_), keys, motion)

    def _segments(
        self, turns: Sequence[Turn], places: Iterator[list[int]], open_end: bool
    ) -> Iterator[tuple[list[int], bool]]:
        """Ids that are tokenised by themselves, as in the released code, and whether answered."""
        newline = self._plain("\n")
        for number, turn in enumerate(turns):
            says = turn.role == "assistant"
            yield [self._start, *self._plain(turn.role), *newline], False
            yield self._filled(turn.text, places), says
            if not (open_end and number == len(turns) - 1):
                yield [self._end], says
                yield newline, False

    def _filled(self, text: str, places: Iterator[list[int]]) -> list[int]:
        """The ids of a text, its placeholders filled from `places`; no text makes a mark."""
        first, *rest = text.split(LLAVA_PLACEHOLDER)
        ids = self._plain(first)
        for part in rest:
            ids += next(places)
            ids += self._plain(part)
        return ids

    def _plain(self, text: str) -> list[int]:
        found: list[int] = self.tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=True
        )
        return found

    def _features(self, extent: Extent | None) -> list[list[int]]:
        """The placeholder ids of each feature of a clip, in order."""
        ids = (self.settings.visual_token_id, self.settings.motion_token_id)
        counts = [] if extent is None else self.context.tokens(extent)
        return [[number] * count for number, count in zip(ids, counts, strict=False)]

    def _check_frames(self, clip: Clip, name: str) -> None:
        _check_frames(clip.keys, self.settings.key_size, "key", name)
        if clip.motion is not None and clip.motion.ndim == 4:
            _check_frames(clip.motion, self.settings.motion_size, "motion", name)

    def collate(
        self,
        samples: Sequence[Encoded],
        *,
        padding: Literal["right", "left"] = "right",
        labels: bool = True,
    ) -> dict[str, Tensor]:
        """A batch of b samples, n ids long: what the model takes, labels with it unless not asked.

        input_ids, attention_mask and labels are (b, n), labels -100 but for answers. key_frames
        (k, s, s, 3) and motion_frames (m, s, s, 3) are uint8, of one sample after another;
        key_counts and motion_counts (b,) say how many each has; clips that bring their motion as
        features give motion_features (m, 256) instead. Pad on the left to generate.
        """
        longest = max(len(sample.ids) for sample in samples)
        ids = np.full((len(samples), longest), self._pad, np.int64)
        mask, taught = np.zeros_like(ids), np.full_like(ids, IGNORED)
        for row, sample in enumerate(samples):
            count = len(sample.ids)
            at = slice(0, count) if padding == "right" else slice(longest - count, longest)
            ids[row, at], mask[row, at] = sample.ids, 1
            taught[row, at] = np.where(sample.answer, sample.ids, IGNORED)
        batch = {"input_ids": ids, "attention_mask": mask} | ({"labels": taught} if labels else {})
        found = {name: torch.from_numpy(value) for name, value in batch.items()}
        found |= _joined("key", [sample.keys for sample in samples])
        return found | _joined("motion", [sample.motion for sample in samples])

    def save(self, folder: Path) -> None:
        """Written into a folder: the tokenizer's files and `vqa2_processor.json`."""
        self.tokenizer.save_pretrained(folder)
        text = json.dumps(asdict(self.settings), indent=2) + "\n"
        (folder / FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Vqa2Processor:
        """The processor saved in a folder; InputError where none is, or a file of it is damaged."""
        for name in (FILE, TOKENIZER):
            if not (folder / name).is_file():
                raise InputError(
                    str(folder),
                    f"holds no {name}",
                    "expected a folder that qbuild saved a VQA² model in",
                    "Import published weights: `qbuild import-checkpoint`. Copy qbuild's whole.",
                )
        saved = "expected what qbuild saved with the model", "Copy the checkpoint again."
        with readable(folder / FILE, *saved):
            settings = Settings(**json.loads((folder / FILE).read_text(encoding="utf-8")))
        with readable(folder / TOKENIZER, *saved):
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        return cls(tokenizer, settings)

    def _known(self, token: str) -> int:
        number = self.tokenizer.get_vocab().get(token)
        if number is None:
            raise UsageError(
                "vqa2 processor",
                f"the tokenizer has no {token}",
                "expected a tokenizer of Qwen2's form",
                "Take the tokenizer that came with the model.",
            )
        return int(number)

    def _check_length(self, length: int, extent: Extent | None, name: str) -> None:
        most = self.context.most
        if length > most:
            parts = f" ({self._parts(length, extent)})" if extent else ""
            raise NotEncodableError(
                "too-long",
                name,
                f"{length:,} tokens, {length - most:,} more than the context holds{parts}",
                f"expected {most:,} at most",
                _SHORTER_VIDEO
                if extent and sum(self.context.tokens(extent)) > length // 2
                else "Shorten its text, or leave the sample out.",
            )

    def _parts(self, length: int, extent: Extent) -> str:
        """What the tokens of a sample with a medium are."""
        counts = self.context.tokens(extent)
        told = [f"{counts[0]:,} of {plural(extent.keys, 'key frame')}"]
        told += [f"{count:,} of motion" for count in counts[1:]]
        return ", ".join([*told, f"{length - sum(counts):,} of text"])


@contextmanager
def readable(file: Path, expected: str, todo: str) -> Iterator[None]:
    """A context in which whatever fails is an InputError: a damaged tokenizer raises any error."""
    try:
        yield
    except Exception as error:
        raise InputError(
            str(file),
            f"cannot be read ({type(error).__name__}: {' '.join(str(error).split())})",
            expected,
            todo,
        ) from error


def _check_placeholders(turns: Sequence[Turn], features: int, name: str) -> None:
    marks = sum(turn.text.count(LLAVA_PLACEHOLDER) for turn in turns)
    if marks != features:
        has = ("no media", "key frames only", "key frames and motion")[features]
        raise NotEncodableError(
            "placeholders",
            name,
            f"{marks} placeholders {LLAVA_PLACEHOLDER} for {has}",
            f"expected {features}, key frames first, motion second",
            "Give the sample its medium, or correct its text.",
        )


def _whole(turns: Sequence[Turn], open_end: bool) -> list[Turn]:
    """The turns with a system turn before them and, where one is to be written, an answer."""
    whole = list(turns)
    if not whole or whole[0].role != "system":
        whole.insert(0, Turn("system", SYSTEM))
    if open_end and whole[-1].role != "assistant":
        whole.append(Turn("assistant", ""))
    return whole


def _check_frames(frames: NDArray[np.uint8], size: int, kind: str, name: str) -> None:
    if frames.dtype != np.uint8 or frames.shape[1:] != (size, size, 3) or not len(frames):
        raise NotEncodableError(
            "frames",
            name,
            f"its {kind} frames are {frames.dtype} {list(frames.shape)}",
            f"expected uint8 [n, {size}, {size}, 3], n at least 1",
            f"Read them with `read_clip(..., {kind}_size={size})`.",
        )


def _joined(kind: str, frames: Sequence[NDArray[Any] | None]) -> dict[str, Tensor]:
    """Frames of all samples after one another, and how many each has; nothing where none has."""
    given = [part for part in frames if part is not None]
    if not given:
        return {}
    counts = torch.tensor([0 if part is None else len(part) for part in frames])
    what = "frames" if given[0].ndim == 4 else "features"
    return {f"{kind}_{what}": torch.from_numpy(np.concatenate(given)), f"{kind}_counts": counts}
