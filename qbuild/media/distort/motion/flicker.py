"""Flicker: the brightness oscillates as under a lamp with unstable power."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sin
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# (brightest - darkest) / (brightest + darkest) of the frames' mean grey levels
DEPTHS = (0.03, 0.06, 0.11, 0.18, 0.28)
FREQUENCY_HZ = 6.0  # below flicker fusion, above what looks like a change of scene
_SAMPLES = 4  # fewest frames per period at which the depth is visible


@dataclass(frozen=True)
class Flicker:
    """Scales grey levels by a sine with a maximum of 1.

    Nothing is brightened, so nothing is clipped and the depth is exact.
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
        """The factor of the grey levels of a frame, 1 at most."""
        phase = 2 * pi * self.frequency_hz * number / self.fps + self.phase
        return (1 + self.depth * sin(phase)) / (1 + self.depth)

    def repeats_previous(self, number: int) -> bool:  # noqa: ARG002
        """False: no frame is repeated."""
        return False

    def apply(self, pixels: NDArray[np.uint8], number: int, black: int = 0) -> NDArray[np.uint8]:
        """Scale the grey levels of the frame."""
        levels = black + (np.arange(256) - black) * self.gain(number)
        table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        return np.asarray(table[pixels], dtype=np.uint8)


def parameters(severity: int) -> dict[str, float]:
    """Depth and frequency of a severity."""
    return {"depth": DEPTHS[severity - 1], "frequency_hz": FREQUENCY_HZ}


def create(severity: int, _num_frames: int, fps: float, rng: np.random.Generator) -> Flicker:
    """Flicker with a random phase; slower if the rate is below 24 frames/s."""
    frequency = min(FREQUENCY_HZ, fps / _SAMPLES)
    return Flicker(DEPTHS[severity - 1], frequency, float(rng.uniform(0, 2 * pi)), fps)
