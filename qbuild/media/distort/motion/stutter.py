"""Stuttering: the image freezes, and the frames during a freeze are never shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FREEZE_S = (0.1, 0.2, 0.3, 0.45, 0.7)  # how long a frame stays beyond its own time
FREEZES_PER_S = (0.5, 0.6, 0.7, 0.75, 0.8)  # so 5, 12, 21, 34 and 56 % of all frames are repeated


@dataclass(frozen=True)
class Stutter:
    """Freezes of equal length at random positions; after a freeze, the clip continues in sync.

    `is_repeated` is [t]: whether a frame is shown as the previous one.
    """

    freezes: int
    freeze_frames: int
    fps: float
    is_repeated: NDArray[np.bool_]

    @property
    def parameters(self) -> dict[str, float]:
        """Number and length of the freezes, and the share of repeated frames in the clip."""
        return {
            "freezes": float(self.freezes),
            "freeze_frames": float(self.freeze_frames),
            "freeze_s": self.freeze_frames / self.fps,
            "repeated_share": self.freezes * self.freeze_frames / len(self.is_repeated),
        }

    def repeats_previous(self, number: int) -> bool:
        """Whether the frame is in a freeze."""
        return bool(self.is_repeated[number])

    def apply(
        self,
        pixels: NDArray[np.uint8],
        number: int,  # noqa: ARG002 - frames themselves do not change
        black: int = 0,  # noqa: ARG002
    ) -> NDArray[np.uint8]:
        """A copy of the frame."""
        return pixels.copy()


def parameters(severity: int) -> dict[str, float]:
    """Length and frequency of the freezes of a severity, and the share of repeated frames."""
    freeze_s, freezes_per_s = FREEZE_S[severity - 1], FREEZES_PER_S[severity - 1]
    share = round(freeze_s * freezes_per_s, 4)
    return {"freeze_s": freeze_s, "freezes_per_s": freezes_per_s, "repeated_share": share}


def create(severity: int, num_frames: int, fps: float, rng: np.random.Generator) -> Stutter:
    """At least one freeze if the clip has two frames; the first frame is never repeated."""
    longest = num_frames - 1
    length = min(max(1, round(FREEZE_S[severity - 1] * fps)), max(1, longest // 2))
    wanted = max(1, round(FREEZES_PER_S[severity - 1] * num_frames / fps))
    freezes = min(wanted, longest // (length + 1)) if longest > length else min(1, longest)
    is_repeated = np.zeros(num_frames, dtype=np.bool_)
    # each freeze takes one frame and its repetitions; the remaining frames lie between freezes
    slack = num_frames - freezes * (length + 1)
    gaps = np.sort(rng.integers(0, slack + 1, freezes))
    for at, gap in enumerate(gaps):
        first = gap + at * (length + 1) + 1
        is_repeated[first : first + length] = True
    return Stutter(freezes, length, fps, is_repeated)
