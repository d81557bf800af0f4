"""Stuttering: the picture freezes, and the frames that it missed are never shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FREEZE_S = (0.1, 0.2, 0.3, 0.45, 0.7)  # how long the picture stands beyond its own time
FREEZES_PER_S = (0.5, 0.6, 0.7, 0.75, 0.8)  # so 5, 12, 21, 34 and 56 % of all frames are repeated


@dataclass(frozen=True)
class Stutter:
    """Freezes of equal length at drawn places; after one, the clip is where it would have been.

    `still` is [t]: whether a frame is shown as the one before it.
    """

    freezes: int
    freeze_frames: int
    fps: float
    still: NDArray[np.bool_]

    @property
    def parameters(self) -> dict[str, float]:
        """Number and length of the freezes, and the share of repeated frames in the clip."""
        return {
            "freezes": float(self.freezes),
            "freeze_frames": float(self.freeze_frames),
            "freeze_s": self.freeze_frames / self.fps,
            "repeated_share": self.freezes * self.freeze_frames / len(self.still),
        }

    def repeats(self, number: int) -> bool:
        """Whether the frame falls in a freeze."""
        return bool(self.still[number])

    def applied(
        self,
        pixels: NDArray[np.uint8],
        number: int,  # noqa: ARG002 - frames themselves are left as they are
        dark: int = 0,  # noqa: ARG002
    ) -> NDArray[np.uint8]:
        """The frame as it is."""
        return pixels.copy()


def parameters(severity: int) -> dict[str, float]:
    """Length and frequency of freezes of that severity, and the share of frames they repeat."""
    freeze_s, freezes_per_s = FREEZE_S[severity - 1], FREEZES_PER_S[severity - 1]
    share = round(freeze_s * freezes_per_s, 4)
    return {"freeze_s": freeze_s, "freezes_per_s": freezes_per_s, "repeated_share": share}


def made(severity: int, num_frames: int, fps: float, rng: np.random.Generator) -> Stutter:
    """At least one freeze, where the clip has two frames; never the first frame or all of them."""
    most = num_frames - 1
    length = min(max(1, round(FREEZE_S[severity - 1] * fps)), max(1, most // 2))
    wanted = max(1, round(FREEZES_PER_S[severity - 1] * num_frames / fps))
    number = min(wanted, most // (length + 1)) if most > length else min(1, most)
    still = np.zeros(num_frames, dtype=np.bool_)
    # each freeze takes the frame that stands and its repeats; what is left lies between them
    slack = num_frames - number * (length + 1)
    gaps = np.sort(rng.integers(0, slack + 1, number))
    for at, gap in enumerate(gaps):
        first = gap + at * (length + 1) + 1
        still[first : first + length] = True
    return Stutter(number, length, fps, still)
