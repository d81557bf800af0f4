"""What a model is given, whatever its family: turns of a conversation, and frames of a medium.

Nothing here loads torch: processes that only decode import this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from qbuild.media.images.read_write import Pixels


@dataclass(frozen=True)
class Turn:
    """One side's words; `<image>` stands where features go, key frames first, motion second."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True)
class Extent:
    """How much a clip shows, known of a video before it is decoded: counts of frames, seconds.

    motion is None for a picture and where motion is not asked for; num_frames is the video's own,
    1 for a picture; duration_s is 0 for a picture.
    """

    keys: int
    motion: int | None = None
    num_frames: int = 1
    duration_s: float = 0.0

    @property
    def kind(self) -> Literal["image", "video"]:
        """What it is an extent of, with motion or without."""
        return "video" if self.duration_s else "image"


@dataclass(frozen=True)
class Context:
    """How many tokens a model holds, and how many a key frame is."""

    tokens_per_key: int
    most: int

    def tokens(self, extent: Extent) -> list[int]:
        """Tokens of each feature: key frames and one newline, then motion, where there is any."""
        keys = extent.keys * self.tokens_per_key + 1
        return [keys] if extent.motion is None else [keys, extent.motion]

    def holds(self, extent: Extent) -> bool:
        """Whether the features alone fit; with the words around them they may still not."""
        return sum(self.tokens(extent)) <= self.most


@dataclass(frozen=True)
class Clip:
    """One medium's frames, uint8 RGB.

    keys is [k, s, s, 3]: a frame a second, or the picture itself. motion is [t, m, m, 3], or in
    its place what `MotionExtractor.features` made of it, float [t, 256]; None for a picture or
    where it was not asked for. num_frames is the video's own, 1 for a picture; duration_s is 0
    for a picture.
    """

    keys: Pixels
    motion: NDArray[Any] | None = None
    num_frames: int = 1
    duration_s: float = 0.0

    @property
    def extent(self) -> Extent:
        """How much it shows."""
        motion = None if self.motion is None else len(self.motion)
        return Extent(len(self.keys), motion, self.num_frames, self.duration_s)

    @property
    def kind(self) -> Literal["image", "video"]:
        """What it is a clip of, with motion or without."""
        return self.extent.kind
