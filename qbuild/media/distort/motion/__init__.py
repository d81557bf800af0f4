"""Distortions of motion of known strength: shake, flicker and stutter.

`shake` and `flicker` are both what the paper calls flicker (VQA² section 3.2: "flickers (camera
shake)"), `stutter` is its stuttering. Each is made for a clip of known length and rate from a
seed, and then takes the clip's frames in order, one at a time: `[h, w, 3]` uint8 in and out, the
same number of frames, of the same size. The figures behind a severity are in docs/motion.md.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import numpy as np

from qbuild.core.errors import near
from qbuild.media.distort.motion import flicker, shake, stutter
from qbuild.quality.distortions import SEVERITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

MODULES = {"shake": shake, "flicker": flicker, "stutter": stutter}


class Motion(Protocol):
    """One distortion made for one clip."""

    @property
    def parameters(self) -> dict[str, float]:
        """What it is made with for this clip, units in the names."""

    def repeats(self, number: int) -> bool:
        """Whether frame `number`, from 0, is shown as the frame before it."""

    def applied(self, pixels: Pixels, number: int, dark: int = 0) -> Pixels:
        """Frame `number`, `[h, w, 3]` or one of its planes, spoiled; a new array.

        `dark` is the value that stands for no light: 0 in RGB, 128 in the planes Cb and Cr, and in
        a plane Y the end of its range. A plane of half the size is moved by half as much.
        """


def motion(name: str, severity: int, num_frames: int, fps: Fraction, seed: int) -> Motion:
    """The distortion of that name for a clip; ValueError for what is none, with what is."""
    parameters(name, severity)
    if num_frames < 1 or fps <= 0:
        raise ValueError(f"expected frames and a rate above 0, not {num_frames} and {fps}")
    rng = np.random.Generator(np.random.PCG64(seed))
    made: Motion = MODULES[name].made(severity, num_frames, float(fps), rng)
    return made


def parameters(name: str, severity: int) -> dict[str, float]:
    """What a severity asks for; a clip that is short or slow may get less (`Motion.parameters`)."""
    if name not in MODULES:
        raise ValueError(f"no motion distortion is called {name!r}. {near(name, MODULES)}")
    if severity not in SEVERITIES:
        raise ValueError(f"expected a severity from 1 to 5, not {severity!r}")
    found: dict[str, float] = MODULES[name].parameters(severity)
    return found


def spoiled(frames: Pixels, name: str, severity: int, fps: Fraction, seed: int) -> Pixels:
    """A clip `[t, h, w, 3]` with the distortion put in: a new array of the same shape."""
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        raise ValueError(f"expected uint8 [t, h, w, 3], not {frames.dtype} {list(frames.shape)}")
    made = motion(name, severity, len(frames), fps, seed)
    out = np.empty_like(frames)
    for number, pixels in enumerate(frames):
        shown = out[number - 1] if made.repeats(number) else made.applied(pixels, number)
        out[number] = shown
    return out
