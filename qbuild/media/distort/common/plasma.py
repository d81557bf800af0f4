"""The height map of fog: midpoint displacement, "diamond-square", on a torus.

The corners, the centres and the midpoints of the upper and left edges of all squares are dense
arrays of one shape; a pass computes the latter three and interleaves the four into the corners of
the next pass.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from qbuild.media.images.read_write import Floats

FIRST_WOBBLE = 100.0


def map_side(longest: int) -> int:
    """The side of the map for an image with this longer side: the next power of two."""
    return 1 << (longest - 1).bit_length()


def height_map(side: int, decay: float, uniforms: Callable[[int, int], Floats]) -> Floats:
    """A height map `[side, side]` from 0 to 1.

    `uniforms(n, n)` returns numbers in (-1, 1); it is called for centres, upper edges and left
    edges, from the coarsest pass on. The wobble, initially `FIRST_WOBBLE`, is divided by `decay`
    after each pass and applies twice: as amplitude and as factor.
    """
    corners, wobble = np.zeros((1, 1), np.float32), FIRST_WOBBLE
    while len(corners) < side:
        corners = _pass(corners, wobble**2, uniforms)
        wobble /= decay
    corners -= corners.min()
    corners /= corners.max()
    return corners


def _pass(corners: Floats, wobble: float, uniforms: Callable[[int, int], Floats]) -> Floats:
    """Double the side: each new height is the mean of four heights plus a displacement."""
    side = len(corners)

    def displaced(pairs: Floats, others: Floats) -> Floats:
        total = pairs + others
        cv2.scaleAdd(uniforms(side, side), 4 * wobble, total, dst=total)
        total *= np.float32(0.25)
        return total

    above = corners + np.roll(corners, -1, axis=1)
    centres = displaced(above, np.roll(above, -1, axis=0))
    upper = displaced(centres + np.roll(centres, 1, axis=0), above)
    left = displaced(centres + np.roll(centres, 1, axis=1), corners + np.roll(corners, -1, axis=0))
    interleaved = np.empty((side, 2, side, 2), np.float32)
    cv2.merge([corners, upper], dst=interleaved[:, 0])
    cv2.merge([left, centres], dst=interleaved[:, 1])
    return interleaved.reshape(2 * side, 2 * side)
