"""Where one shot of a video ends and the next begins, from thumbnails of its frames.

Two frames are as far apart as their thumbnails differ in structure (correlation of luma), colour
and light. A hard cut is a step that is large, large against the steps around it (a pan or a shake
has many of its size), and lasting: the frames before and after it are all far apart (after a flash
the old picture is back). Fades and dissolves are no cuts: their steps are small. The jump after a
long freeze in fast motion may pass for a cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

SIDE = 16  # px of a thumbnail: an hour of them is 83 MB at 30 frames/s
FLOOR = 0.3  # the least step that can be a cut
TIMES = 4.0  # how many times the median of the steps around it a cut is
AROUND = 6  # steps before and after that are looked at
TIMES_NEXT, NEXT = 2.0, 2  # and how many times the largest of the steps next to it
LASTING = 4  # frames before and after that have to be apart
_FLAT = 36.0  # variance of luma that is noise rather than structure (6 grey levels)
_COLOUR, _LIGHT = 32.0, 255.0  # grey levels between means that count as wholly different


@dataclass
class Thumbnails:
    """Small copies of frames, taken as they pass: `[3, 16, 16]` of luma and the two chromas."""

    taken: list[NDArray[np.uint8]] = field(default_factory=list)

    def add(self, planes: Iterable[NDArray[np.uint8]]) -> None:
        """Take a frame in, given as its planes Y, Cb, Cr, each `[h, w]` of its own size."""
        import cv2

        size, how = (SIDE, SIDE), cv2.INTER_AREA
        small = [cv2.resize(plane, size, interpolation=how) for plane in planes]
        self.taken.append(np.stack(small).astype(np.uint8, copy=False))

    def cuts(self) -> list[int]:
        """The first frames of all shots but the first."""
        return find_cuts(self.taken)


def find_cuts(thumbnails: Sequence[NDArray[Any]]) -> list[int]:
    """The frames that follow a cut, ascending, of thumbnails `[3, h, w]`: luma and two chromas."""
    steps = np.array([0.0, *(distance(a, b) for a, b in pairwise(thumbnails))])
    return [
        at
        for at in np.flatnonzero(steps > FLOOR).tolist()
        if _stands_out(steps, at) and _lasting(thumbnails, at)
    ]


def shots(cuts: Sequence[int], num_frames: int) -> list[range]:
    """The frames of each shot, in order."""
    edges = [0, *cuts, num_frames]
    return [range(first, end) for first, end in pairwise(edges)]


def distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """How far two thumbnails are apart: 0 the same, about 1 nothing in common."""
    flat_a, flat_b = (x.reshape(3, -1).astype(np.float64) for x in (a, b))
    means = np.abs(flat_a.mean(axis=1) - flat_b.mean(axis=1))
    rest_a, rest_b = flat_a[0] - flat_a[0].mean(), flat_b[0] - flat_b[0].mean()
    common = float(np.mean(rest_a * rest_b)) + _FLAT
    spread = np.sqrt((np.mean(rest_a**2) + _FLAT) * (np.mean(rest_b**2) + _FLAT))
    structure = 1 - common / float(spread)
    colour, light = float(means[1:].max()) / _COLOUR, float(means[0]) / _LIGHT
    return structure + colour + light


def _stands_out(steps: NDArray[np.float64], at: int) -> bool:
    """Whether a step is large against those around it, and those next to it: a fade has several."""
    around, near = (
        np.concatenate([steps[max(1, at - room) : at], steps[at + 1 : at + 1 + room]])
        for room in (AROUND, NEXT)
    )
    usual = np.median(around) if len(around) else 0.0
    return bool(steps[at] > max(TIMES * usual, TIMES_NEXT * near.max(initial=0)))


def _lasting(thumbnails: Sequence[NDArray[Any]], at: int) -> bool:
    before, after = thumbnails[max(0, at - LASTING) : at], thumbnails[at : at + LASTING]
    return all(distance(a, b) > FLOOR for a in before for b in after)
