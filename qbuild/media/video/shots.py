"""Find the cuts between shots of a video from thumbnails of its frames.

The distance of two frames is the difference of their thumbnails in structure (correlation of luma),
colour and brightness. A hard cut is a step that is large, much larger than the steps around it (a
pan or a shake has many of similar size), and lasting: all frames before it differ from all frames
after it (after a flash the old image returns). Fades and dissolves are not cuts: their steps are
small. The jump after a long freeze in fast motion may be detected as a cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 16  # px of a thumbnail: an hour at 30 frames/s uses 83 MB
MIN_STEP = 0.3  # the smallest step that can be a cut
MEDIAN_RATIO = 4.0  # smallest ratio of a cut to the median of the steps around it
AROUND = 6  # steps before and after that are compared
NEXT_RATIO, NEXT = 2.0, 2  # smallest ratio of a cut to the steps next to it, and their number
LASTING = 4  # frames before and after that have to differ
_FLAT = 36.0  # variance of luma that is noise rather than structure (6 grey levels)
_COLOUR, _LIGHT = 32.0, 255.0  # differences of means, in grey levels, that count as 1


def make_thumbnail(planes: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """A small copy `[3, 16, 16]` of a frame's planes Y, Cb, Cr, each `[h, w]` of its own size."""
    import cv2

    small = [cv2.resize(plane, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for plane in planes]
    return np.stack(small).astype(np.uint8, copy=False)


def find_cuts(thumbnails: Sequence[NDArray[Any]]) -> list[int]:
    """The frames that follow a cut, ascending, of thumbnails `[3, h, w]`: luma and two chromas."""
    steps = np.array([0.0, *(distance(a, b) for a, b in pairwise(thumbnails))])
    return [
        at
        for at in np.flatnonzero(steps > MIN_STEP).tolist()
        if _is_prominent(steps, at) and _is_lasting(thumbnails, at)
    ]


def shots(cuts: Sequence[int], num_frames: int) -> list[range]:
    """The frames of each shot, in order."""
    return [range(first, end) for first, end in pairwise([0, *cuts, num_frames])]


def distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """The distance of two thumbnails: 0 for equal ones, about 1 for unrelated ones."""
    flat_a, flat_b = (x.reshape(3, -1).astype(np.float64) for x in (a, b))
    means = np.abs(flat_a.mean(axis=1) - flat_b.mean(axis=1))
    rest_a, rest_b = flat_a[0] - flat_a[0].mean(), flat_b[0] - flat_b[0].mean()
    covariance = float(np.mean(rest_a * rest_b)) + _FLAT
    deviations = np.sqrt((np.mean(rest_a**2) + _FLAT) * (np.mean(rest_b**2) + _FLAT))
    structure = 1 - covariance / float(deviations)
    colour, light = float(means[1:].max()) / _COLOUR, float(means[0]) / _LIGHT
    return structure + colour + light


def _is_prominent(steps: NDArray[np.float64], at: int) -> bool:
    """Whether a step is large compared to those around and next to it; a fade has several."""
    around, near = (
        np.concatenate([steps[max(1, at - count) : at], steps[at + 1 : at + 1 + count]])
        for count in (AROUND, NEXT)
    )
    usual = np.median(around) if len(around) else 0.0
    return bool(steps[at] > max(MEDIAN_RATIO * usual, NEXT_RATIO * near.max(initial=0)))


def _is_lasting(thumbnails: Sequence[NDArray[Any]], at: int) -> bool:
    before, after = thumbnails[max(0, at - LASTING) : at], thumbnails[at : at + LASTING]
    return all(distance(a, b) > MIN_STEP for a in before for b in after)
