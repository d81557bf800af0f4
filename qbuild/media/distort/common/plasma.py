"""The cloud of fog: a height map by midpoint displacement, "diamond-square", on a torus.

Corners, centres, and the middles of the upper and left edges of all squares are dense arrays of
one shape; a pass makes the latter three and weaves the four into the corners of the next.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Heights = NDArray[np.float32]
FIRST_WOBBLE = 100.0


def side_of(longest: int) -> int:
    """The side of the map for a picture: the next power of two."""
    return 1 << (longest - 1).bit_length()


def heights(side: int, decay: float, uniforms: Callable[[int, int], Heights]) -> Heights:
    """A map `[side, side]` from 0 to 1.

    `uniforms(n, n)` gives numbers in (-1, 1); it is asked for those of centres, upper edges and
    left edges, from the coarsest pass on. The wobble, `FIRST_WOBBLE` at first, is divided by
    `decay` after each pass and counts twice: as amplitude and as factor.
    """
    corners, wobble = np.zeros((1, 1), np.float32), FIRST_WOBBLE
    while len(corners) < side:
        corners = _pass(corners, wobble**2, uniforms)
        wobble /= decay
    corners -= corners.min()
    corners /= corners.max()
    return corners


def _pass(corners: Heights, wobble: float, uniforms: Callable[[int, int], Heights]) -> Heights:
    """Twice as many heights a side: each new one is the mean of four and a displacement."""
    side = len(corners)

    def displaced(pairs: Heights, others: Heights) -> Heights:
        total = pairs + others
        cv2.scaleAdd(uniforms(side, side), 4 * wobble, total, dst=total)
        total *= np.float32(0.25)
        return total

    above = corners + np.roll(corners, -1, axis=1)
    centres = displaced(above, np.roll(above, -1, axis=0))
    upper = displaced(centres + np.roll(centres, 1, axis=0), above)
    left = displaced(centres + np.roll(centres, 1, axis=1), corners + np.roll(corners, -1, axis=0))
    woven = np.empty((side, 2, side, 2), np.float32)
    cv2.merge([corners, upper], dst=woven[:, 0])
    cv2.merge([left, centres], dst=woven[:, 1])
    return woven.reshape(2 * side, 2 * side)
