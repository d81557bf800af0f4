"""Flicker: the light goes up and down as under a lamp of uneven power."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sin
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# (brightest - darkest) / (brightest + darkest) of a frame's mean grey level.
DEPTHS = (0.03, 0.06, 0.11, 0.18, 0.28)
FREQUENCY_HZ = 6.0  # below the rate at which flicker fuses, above what passes for a change of scene
_SAMPLES = 4  # frames that a period needs at least, or the depth would not show


@dataclass(frozen=True)
class Flicker:
    """Grey levels scaled by a sine between full light and what the depth leaves.

    Nothing is made brighter, so that nothing is clipped and the depth is the one stated.
    """

    depth: float
    frequency_hz: float
    phase: float
    fps: float

    @property
    def parameters(self) -> dict[str, float]:
        """Depth of the modulation and its frequency."""
        return {"depth": self.depth, "frequency_hz": self.frequency_hz}

    def gain(self, number: int) -> float:
        """What grey levels of a frame are multiplied by, 1 at most."""
        turn = 2 * pi * self.frequency_hz * number / self.fps + self.phase
        return (1 + self.depth * sin(turn)) / (1 + self.depth)

    def repeats(self, number: int) -> bool:  # noqa: ARG002 - no frame is
        """Never."""
        return False

    def applied(self, pixels: NDArray[np.uint8], number: int, dark: int = 0) -> NDArray[np.uint8]:
        """The frame in the light of its moment."""
        levels = dark + (np.arange(256) - dark) * self.gain(number)
        table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        return np.asarray(table[pixels], dtype=np.uint8)


def parameters(severity: int) -> dict[str, float]:
    """The depth of that severity, and the frequency."""
    return {"depth": DEPTHS[severity - 1], "frequency_hz": FREQUENCY_HZ}


def made(severity: int, _num_frames: int, fps: float, rng: np.random.Generator) -> Flicker:
    """Flicker that starts anywhere in its period; slower where the rate is below 24 frames/s."""
    frequency = min(FREQUENCY_HZ, fps / _SAMPLES)
    return Flicker(DEPTHS[severity - 1], frequency, float(rng.uniform(0, 2 * pi)), fps)
