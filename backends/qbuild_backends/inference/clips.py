"""Media read for inference, and what a model takes of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import TypeVar

import torch
from torch import Tensor

from qbuild.backends.protocol import Computing, Rejected
from qbuild.core.media_roots import Medium
from qbuild.core.rows.rejections import RejectedError, Rejection
from qbuild.media.unreadable import UnreadableMediaError
from qbuild_backends.data.media_reader import MediaReader, prefetch
from qbuild_backends.inference.loading import Loaded, inference_memory
from qbuild_backends.models.inputs import Clip, Encoded, Extent, Turn

T = TypeVar("T")
U = TypeVar("U")
_TEXT = {"input_ids", "attention_mask", "labels"}


def with_clips(
    items: Iterable[T],
    read: Callable[[T, MediaReader], U],
    loaded: Loaded,
    computing: Computing,
) -> Generator[tuple[T, U]]:
    """Each item with what `read` makes of it; a batch is prefetched while another is computed."""
    reader = MediaReader(loaded.processor.clips)
    depth, threads = computing.batch + computing.readers, computing.readers
    pairs = prefetch(items, lambda one: read(one, reader), threads=threads, depth=depth)
    with inference_memory(computing, loaded.device), closing(pairs), reader:
        yield from pairs


def read_clip(medium: Medium, reader: MediaReader) -> Clip | Extent | Rejected:
    """The clip of a medium, only the extent of one too long, or why it cannot be read."""
    try:
        return reader.read(medium.file)
    except UnreadableMediaError as error:
        return Rejected(medium.media_id, Rejection(error.reason, error.message))


def encode(
    loaded: Loaded, turns: Sequence[Turn], clip: Clip | Extent | None, video_prompt: str, of: str
) -> Encoded | Rejected:
    """A conversation for the model to continue; a rejection where it does not fit the model."""
    try:
        return loaded.processor.encode(turns, clip, video_prompt=video_prompt, open_end=True)
    except RejectedError as error:
        return Rejected(of, error.rejection)


def media_inputs(batch: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """The media of a batch, on the device but for counts, which the model reads on the host."""
    return {
        name: tensor if name.endswith("_counts") else tensor.to(device, non_blocking=True)
        for name, tensor in batch.items()
        if name not in _TEXT
    }
