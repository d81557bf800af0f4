"""Camera shake: the frame wanders and turns as in an unsteady hand."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFTS = (0.003, 0.006, 0.011, 0.019, 0.032)  # root mean square, in shorter sides of the frame
TURNS = (0.05, 0.1, 0.2, 0.35, 0.6)  # root mean square, in degrees
LOW_HZ, HIGH_HZ = 2.0, 8.0  # the tremor of a hand that holds a camera
WAVES = 12  # sines that a path is the sum of
LIMIT = 2.5  # farthest from the middle, in root mean squares: what the margin is cut for


@dataclass(frozen=True)
class Shake:
    """A path of the camera; the frame is enlarged by as much as hides its border at the farthest.

    `path` is [t, 3]: to the right and down in shorter sides of the frame, anticlockwise in degrees.
    """

    shift: float
    turn: float
    low_hz: float
    high_hz: float
    path: NDArray[np.float64]

    @property
    def parameters(self) -> dict[str, float]:
        """Root mean squares of shift and turn, and the band their frequencies come from."""
        return {
            "shift_rms_of_shorter_side": self.shift,
            "turn_rms_degrees": self.turn,
            "low_hz": self.low_hz,
            "high_hz": self.high_hz,
        }

    def repeats(self, number: int) -> bool:  # noqa: ARG002 - no frame is
        """Never."""
        return False

    def zoom(self, height: int, width: int) -> float:
        """How much the frame is enlarged: the same for every frame of a clip."""
        turn, shift = radians(LIMIT * self.turn), LIMIT * self.shift * min(height, width)
        across = (width / 2 - shift) / (width * cos(turn) + height * sin(turn))
        down = (height / 2 - shift) / (height * cos(turn) + width * sin(turn))
        return 0.5 / min(across, down)

    def applied(
        self,
        pixels: NDArray[np.uint8],
        number: int,
        dark: int = 0,  # noqa: ARG002 - light is left as it is
    ) -> NDArray[np.uint8]:
        """The frame as the camera at that place of its path sees it, in the size it came in."""
        import cv2

        height, width = pixels.shape[:2]
        middle = ((width - 1) / 2, (height - 1) / 2)
        right, down, turn = self.path[number]
        matrix = cv2.getRotationMatrix2D(middle, float(turn), self.zoom(height, width))
        matrix[:, 2] += np.array([right, down]) * min(height, width) * self.zoom(height, width)
        size, how = (width, height), cv2.INTER_CUBIC
        out = cv2.warpAffine(pixels, matrix, size, flags=how, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(out, dtype=np.uint8)


def parameters(severity: int) -> dict[str, float]:
    """Root mean squares of shift and turn of that severity, and the band."""
    return _shake(severity, HIGH_HZ, np.zeros((0, 3))).parameters


def made(severity: int, num_frames: int, fps: float, rng: np.random.Generator) -> Shake:
    """A path drawn for the clip; frequencies stay below four tenths of its rate."""
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
    """A smooth random path [t] of root mean square 1 that never goes farther than LIMIT.

    A sum of sines; as in a hand, the slower ones are the larger ones.
    """
    hertz = rng.uniform(low, high, WAVES)
    phases = rng.uniform(0, 2 * np.pi, WAVES)
    sizes = 1 / hertz
    sizes *= np.sqrt(2 / np.sum(sizes**2))  # so that the mean square of the sum is 1
    path = np.sin(2 * np.pi * np.outer(seconds, hertz) + phases) @ sizes
    return np.asarray(np.clip(path, -LIMIT, LIMIT))
