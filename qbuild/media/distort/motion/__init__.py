"""Motion distortions of known strength: shake, flicker and stutter.

`shake` and `flicker` are both what the paper calls flicker (VQA² section 3.2: "flickers (camera
shake)"), `stutter` is its stuttering. Each is created for a clip of known length and rate from a
seed, and then processes the clip's frames in order, one at a time: `[h, w, 3]` uint8 in and out,
of the same number and size. The parameters of each severity are in docs/motion.md.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import numpy as np

from qbuild.media.distort.motion import flicker, shake, stutter
from qbuild.media.distort.parameters import check_choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

MODULES = {"shake": shake, "flicker": flicker, "stutter": stutter}


class MotionDistortion(Protocol):
    """One distortion, created for one clip."""

    @property
    def parameters(self) -> dict[str, float]:
        """Its parameters for this clip, with units in the names."""

    def repeats_previous(self, number: int) -> bool:
        """Whether frame `number`, from 0, is shown as a copy of the previous frame."""

    def apply(self, pixels: Pixels, number: int, black: int = 0) -> Pixels:
        """Distort frame `number`, `[h, w, 3]` or one of its planes; returns a new array.

        `black` is the value of no light: 0 in RGB, 128 in the planes Cb and Cr, and in a plane Y
        the lower end of its range. A plane of half the size is moved by half as much.
        """


def create_motion(
    name: str, severity: int, num_frames: int, fps: Fraction, seed: int
) -> MotionDistortion:
    """Create a distortion for a clip; ValueError for arguments that are not valid."""
    _check(name, severity)
    if num_frames < 1 or fps <= 0:
        raise ValueError(f"expected frames and a rate above 0, not {num_frames} and {fps}")
    rng = np.random.Generator(np.random.PCG64(seed))
    distortion: MotionDistortion = MODULES[name].create(severity, num_frames, float(fps), rng)
    return distortion


def parameters(name: str, severity: int) -> dict[str, float]:
    """The nominal parameters of a severity.

    A short or slow clip may get less (`MotionDistortion.parameters`).
    """
    _check(name, severity)
    values: dict[str, float] = MODULES[name].parameters(severity)
    return values


def _check(name: str, severity: int) -> None:
    check_choice(name, severity, MODULES, "motion distortion")
