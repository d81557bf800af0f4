"""Motion distortions of known strength: shake, flicker and stutter.

`shake` and `flicker` are both what the paper calls flicker (VQA² section 3.2: "flickers (camera
shake)"), `stutter` is its stuttering. Each is created for a clip of known length and rate from a
seed, and then processes the clip's frames in order, one at a time: `[h, w, 3]` uint8 in and out,
of the same number and size. The parameters of each severity are in docs/motion.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from math import cos, pi, radians, sin
from typing import Self

import numpy as np
from numpy.typing import NDArray

from qbuild.media.distort.parameters import check_choice
from qbuild.media.images.read_write import Pixels


class MotionDistortion(ABC):
    """One distortion, created for one clip."""

    @classmethod
    @abstractmethod
    def create(cls, severity: int, num_frames: int, fps: float, rng: np.random.Generator) -> Self:
        """Draw the distortion of a clip."""

    @property
    @abstractmethod
    def parameters(self) -> dict[str, float]:
        """Its parameters for this clip, with units in the names."""

    def repeats_previous(self, number: int) -> bool:  # noqa: ARG002
        """Whether frame `number`, from 0, is shown as a copy of the previous frame."""
        return False

    def apply(self, pixels: Pixels, number: int, black: int = 0) -> Pixels:  # noqa: ARG002
        """Distort frame `number`, `[h, w, 3]` or one of its planes; returns a new array.

        `black` is the value of no light: 0 in RGB, 128 in the planes Cb and Cr, and in a plane Y
        the lower end of its range. A plane of half the size is moved by half as much.
        """
        return pixels.copy()


@dataclass(frozen=True)
class Shake(MotionDistortion):
    """Moves frames along a camera path, enlarged so that their border is never visible.

    `path` is [t, 3]: right and down as shares of the shorter side, anticlockwise in degrees.
    """

    shift: float
    turn: float
    low_hz: float
    high_hz: float
    path: NDArray[np.float64]

    # root mean square, as a share of the shorter side, and in degrees
    SHIFTS = (0.003, 0.006, 0.011, 0.019, 0.032)
    TURNS = (0.05, 0.1, 0.2, 0.35, 0.6)
    LOW_HZ, HIGH_HZ = 2.0, 8.0  # the tremor of a hand that holds a camera
    WAVES = 12  # sines whose sum is a path
    LIMIT = 2.5  # largest displacement in root mean squares; determines the margin

    @classmethod
    def create(cls, severity: int, num_frames: int, fps: float, rng: np.random.Generator) -> Self:
        """Shake with a random path; frequencies are at most 0.4 times the rate."""
        shift, turn, high = cls.SHIFTS[severity - 1], cls.TURNS[severity - 1], 0.4 * fps
        low, high = min(cls.LOW_HZ, high), min(cls.HIGH_HZ, high)
        seconds = np.arange(num_frames) / fps
        path = np.stack([cls._draw_path(seconds, low, high, rng) for _ in range(3)], axis=1)
        return cls(shift, turn, low, high, path * np.array([shift, shift, turn]))

    @property
    def parameters(self) -> dict[str, float]:
        """Root mean squares of shift and rotation, and the frequency band."""
        return {
            "shift_rms_of_shorter_side": self.shift,
            "turn_rms_degrees": self.turn,
            "low_hz": self.low_hz,
            "high_hz": self.high_hz,
        }

    def zoom(self, height: int, width: int) -> float:
        """The factor by which all frames of a clip are enlarged."""
        turn, shift = radians(self.LIMIT * self.turn), self.LIMIT * self.shift * min(height, width)
        across = (width / 2 - shift) / (width * cos(turn) + height * sin(turn))
        down = (height / 2 - shift) / (height * cos(turn) + width * sin(turn))
        return 0.5 / min(across, down)

    def apply(self, pixels: Pixels, number: int, black: int = 0) -> Pixels:  # noqa: ARG002
        """Move and rotate the frame by its point of the path; the size is kept."""
        import cv2

        height, width = pixels.shape[:2]
        center = ((width - 1) / 2, (height - 1) / 2)
        right, down, turn = self.path[number]
        matrix = cv2.getRotationMatrix2D(center, float(turn), self.zoom(height, width))
        matrix[:, 2] += np.array([right, down]) * min(height, width) * self.zoom(height, width)
        size, cubic = (width, height), cv2.INTER_CUBIC
        out = cv2.warpAffine(pixels, matrix, size, flags=cubic, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(out, dtype=np.uint8)

    @classmethod
    def _draw_path(
        cls, seconds: NDArray[np.float64], low: float, high: float, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """A smooth random path [t] of root mean square 1, clipped at LIMIT.

        A sum of sines; as in a hand, slower ones have larger amplitudes.
        """
        hertz = rng.uniform(low, high, cls.WAVES)
        phases = rng.uniform(0, 2 * np.pi, cls.WAVES)
        sizes = 1 / hertz
        sizes *= np.sqrt(2 / np.sum(sizes**2))  # makes the mean square of the sum 1
        path = np.sin(2 * np.pi * np.outer(seconds, hertz) + phases) @ sizes
        return np.asarray(np.clip(path, -cls.LIMIT, cls.LIMIT))


@dataclass(frozen=True)
class Flicker(MotionDistortion):
    """Scales grey levels by a sine with a maximum of 1, as under a lamp with unstable power.

    Nothing is brightened, so nothing is clipped and the depth is exact.
    """

    depth: float
    frequency_hz: float
    phase: float
    fps: float

    # (brightest - darkest) / (brightest + darkest) of the frames' mean grey levels
    DEPTHS = (0.03, 0.06, 0.11, 0.18, 0.28)
    FREQUENCY_HZ = 6.0  # below flicker fusion, above what resembles a change of scene
    FRAMES_PER_PERIOD = 4  # fewest at which the depth is visible

    @classmethod
    def create(cls, severity: int, _frames: int, fps: float, rng: np.random.Generator) -> Self:
        """Flicker with a random phase; slower if the rate is below 24 frames/s."""
        frequency = min(cls.FREQUENCY_HZ, fps / cls.FRAMES_PER_PERIOD)
        return cls(cls.DEPTHS[severity - 1], frequency, float(rng.uniform(0, 2 * pi)), fps)

    @property
    def parameters(self) -> dict[str, float]:
        """Depth of the modulation and its frequency."""
        return {"depth": self.depth, "frequency_hz": self.frequency_hz}

    def gain(self, number: int) -> float:
        """The factor of the grey levels of a frame, 1 at most."""
        phase = 2 * pi * self.frequency_hz * number / self.fps + self.phase
        return (1 + self.depth * sin(phase)) / (1 + self.depth)

    def apply(self, pixels: Pixels, number: int, black: int = 0) -> Pixels:
        """Scale the grey levels of the frame."""
        levels = black + (np.arange(256) - black) * self.gain(number)
        table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        return np.asarray(table[pixels], dtype=np.uint8)


@dataclass(frozen=True)
class Stutter(MotionDistortion):
    """Freezes of equal length at random positions; after a freeze, the clip continues in sync.

    `is_repeated` is [t]: whether a frame is shown as the previous one.
    """

    freezes: int
    freeze_frames: int
    fps: float
    is_repeated: NDArray[np.bool_]

    FREEZE_S = (0.1, 0.2, 0.3, 0.45, 0.7)  # how long a frame is shown beyond its own time
    FREEZES_PER_S = (0.5, 0.6, 0.7, 0.75, 0.8)  # 5, 12, 21, 34 and 56 % of all frames are repeated

    @classmethod
    def create(cls, severity: int, num_frames: int, fps: float, rng: np.random.Generator) -> Self:
        """At least one freeze if the clip has two frames; the first frame is never repeated."""
        longest = num_frames - 1
        length = min(max(1, round(cls.FREEZE_S[severity - 1] * fps)), max(1, longest // 2))
        wanted = max(1, round(cls.FREEZES_PER_S[severity - 1] * num_frames / fps))
        freezes = min(wanted, longest // (length + 1)) if longest > length else min(1, longest)
        is_repeated = np.zeros(num_frames, dtype=np.bool_)
        # each freeze takes one frame and its repetitions; the remaining frames are between freezes
        slack = num_frames - freezes * (length + 1)
        gaps = np.sort(rng.integers(0, slack + 1, freezes))
        for at, gap in enumerate(gaps):
            first = gap + at * (length + 1) + 1
            is_repeated[first : first + length] = True
        return cls(freezes, length, fps, is_repeated)

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


DISTORTIONS: dict[str, type[MotionDistortion]] = {
    "shake": Shake,
    "flicker": Flicker,
    "stutter": Stutter,
}


def create_motion(
    name: str, severity: int, num_frames: int, fps: Fraction, seed: int
) -> MotionDistortion:
    """Create a distortion for a clip; ValueError for arguments that are not valid."""
    check_choice(name, severity, DISTORTIONS, "motion distortion")
    if num_frames < 1 or fps <= 0:
        raise ValueError(f"expected frames and a rate above 0, not {num_frames} and {fps}")
    rng = np.random.Generator(np.random.PCG64(seed))
    return DISTORTIONS[name].create(severity, num_frames, float(fps), rng)
