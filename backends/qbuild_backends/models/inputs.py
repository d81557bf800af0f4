"""What a model is given, whatever its family: turns of a conversation, frames, token ids.

Nothing here loads torch: decoding processes import this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from qbuild.media.images.read_write import Pixels

IGNORED = -100  # the label of a token that the loss leaves out


@dataclass(frozen=True)
class Turn:
    """The text of one role, with `<image>` in the place of a medium's tokens."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True)
class Extent:
    """How much a clip shows, known of a video before it is decoded.

    keys and motion are counts of frames; motion is None for an image and where motion is not asked
    for. num_frames is the video's own, 1 for an image; duration_s is 0 for an image.
    """

    keys: int
    motion: int | None = None
    num_frames: int = 1
    duration_s: float = 0.0

    @property
    def kind(self) -> Literal["image", "video"]:
        """The kind of medium, with motion or without."""
        return "video" if self.duration_s else "image"


@dataclass(frozen=True)
class Clip:
    """The frames of one medium, uint8 RGB.

    keys is [k, h, w, 3]: the key frames of a video, or the image. motion is [t, m, m, 3], the
    frames of a model's motion branch; None for an image and where motion is not asked for.
    num_frames and duration_s are those of Extent.
    """

    keys: Pixels
    motion: Pixels | None = None
    num_frames: int = 1
    duration_s: float = 0.0

    @property
    def extent(self) -> Extent:
        """How much it shows."""
        motion = None if self.motion is None else len(self.motion)
        return Extent(len(self.keys), motion, self.num_frames, self.duration_s)

    @property
    def kind(self) -> Literal["image", "video"]:
        """The kind of medium, with motion or without."""
        return self.extent.kind


class ClipReader(Protocol):
    """Makes media into the frames that a model takes.

    It is pickled into decoding processes; its module loads no torch.
    """

    @property
    def cache_key(self) -> str:
        """The sizes that it reads at, for the names of cached clips."""

    def read_image(self, pixels: Pixels) -> Clip:
        """The clip of an image uint8 [h, w, 3 or 4]."""

    def read_video(self, file: Path) -> Clip | Extent:
        """The clip of a video; its extent, undecoded, where the model's context cannot hold it.

        Raises UnreadableMediaError.
        """


@dataclass(frozen=True)
class Encoded:
    """One sample: ids (n,), which of them are answer (n,), and its media's arrays.

    media names the branch of the model that each array goes through (`ParameterGroup.branch`).
    """

    ids: NDArray[np.int64]
    answer: NDArray[np.bool_]
    media: Mapping[str, NDArray[Any]]
