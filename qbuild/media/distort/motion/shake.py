"""Camera shake: the frame moves and rotates as in an unsteady hand."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFTS = (0.003, 0.006, 0.011, 0.019, 0.032)  # root mean square, as a share of the shorter side
TURNS = (0.05, 0.1, 0.2, 0.35, 0.6)  # root mean square, in degrees
LOW_HZ, HIGH_HZ = 2.0, 8.0  # the tremor of a hand that holds a camera
WAVES = 12  # sines whose sum is a path
LIMIT = 2.5  # largest displacement in root mean squares; determines the margin


@dataclass(frozen=True)
class Shake:
    """Moves frames along a camera path, enlarged so that their border is never visible.

    `path` is [t, 3]: right and down as shares of the shorter side, anticlockwise in degrees.
    """

    shift: float
    turn: float
    low_hz: float
    high_hz: float
    path: NDArray[np.float64]

    @property
    def parameters(self) -> dict[str, float]:
        """Root mean squares of shift and rotation, and the frequency band."""
        return {
            "shift_rms_of_shorter_side": self.shift,
            "turn_rms_degrees": self.turn,
            "low_hz": self.low_hz,
            "high_hz": self.high_hz,
        }

    def repeats_previous(self, number: int) -> bool:  # noqa: ARG002
        """False: no frame is repeated."""
        return False

    def zoom(self, height: int, width: int) -> float:
        """The factor by which all frames of a clip are enlarged."""
        turn, shift = radians(LIMIT * self.turn), LIMIT * self.shift * min(height, width)
        across = (width / 2 - shift) / (width * cos(turn) + height * sin(turn))
        down = (height / 2 - shift) / (height * cos(turn) + width * sin(turn))
        return 0.5 / min(across, down)

    def apply(
        self,
        pixels: NDArray[np.uint8],
        number: int,
        black: int = 0,  # noqa: ARG002 - brightness does not change
    ) -> NDArray[np.uint8]:
        """Move and rotate the frame by its point of the path; the size is kept."""
        import cv2

        height, width = pixels.shape[:2]
        center = ((width - 1) / 2, (height - 1) / 2)
        right, down, turn = self.path[number]
        matrix = cv2.getRotationMatrix2D(center, float(turn), self.zoom(height, width))
        matrix[:, 2] += np.array([right, down]) * min(height, width) * self.zoom(height, width)
        size, how = (width, height), cv2.INTER_CUBIC
        out = cv2.warpAffine(pixels, matrix, size, flags=how, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(out, dtype=np.uint8)


def parameters(severity: int) -> dict[str, float]:
    """Root mean squares of shift and rotation of a severity, and the frequency band."""
    return _shake(severity, HIGH_HZ, np.zeros((0, 3))).parameters


def create(severity: int, num_frames: int, fps: float, rng: np.random.Generator) -> Shake:
    """Shake with a random path; frequencies are at most 0.4 times the rate."""
    high = min(HIGH_HZ, 0.4 * fps)
    seconds = np.arange(num_frames) / fps
    drawn = np.stack([_path(seconds, min(LOW_HZ, high), high, rng) for _ in range(3)], axis=1)
    shift, turn = SHIFTS[severity - 1], TURNS[severity - 1]
    return _shake(severity, high, drawn * np.array([shift, shift, turn]))


def _shake(severity: int, high: float, path: NDArray[np.float64]) -> Shake:
    shift, turn = SHIFTS[severity - 1], TURNS[severity - 1]
    return Shake(shift, turn, min(LOW_HZ, high), high, path)


def _path(
    seconds: NDArray[np.float64], low: float, high: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A smooth random path [t] of root mean square 1, clipped at LIMIT.

    A sum of sines; as in a hand, slower ones have larger amplitudes.
    """
    hertz = rng.uniform(low, high, WAVES)
    phases = rng.uniform(0, 2 * np.pi, WAVES)
    sizes = 1 / hertz
    sizes *= np.sqrt(2 / np.sum(sizes**2))  # makes the mean square of the sum 1
    path = np.sin(2 * np.pi * np.outer(seconds, hertz) + phases) @ sizes
    return np.asarray(np.clip(path, -LIMIT, LIMIT))
