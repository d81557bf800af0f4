"""Which clips to make of a video: drawn by seed, no two of them the same.

VQA² stage 1 makes 5,211 clips of 134 labelled videos by cutting them in time and in space (section
3.2); a clip keeps the label of its video. What is drawn for a clip comes from the run's seed, the
video, the operation and the clip's number, so that it depends on no other video.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from qbuild.core.canonical import row_seed
from qbuild.core.plural import plural
from qbuild.media.clips.operations import CUT, MIN_FRAMES, MIN_SIDE
from qbuild.media.distort.severities import ALL, RANDOM
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.quality.distortions import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction

_TRIES = 20  # draws before all that is possible is gone through in order


@dataclass(frozen=True)
class Recipe:
    """How clips are made. `lengths` are seconds; two with `between` are bounds; none is the whole.

    `crops` are sides of square windows in pixels, `severity` is 1 to 5, random or all.
    """

    operations: tuple[str, ...]
    lengths: tuple[float, ...]
    between: bool
    crops: tuple[int, ...]
    severity: str
    within_shots: bool
    seed: int


@dataclass(frozen=True)
class Wish:
    """A clip to be made of a video not yet looked at; `number` counts those of its operation."""

    operation: str
    number: int
    seed: int


@dataclass(frozen=True)
class Extent:
    """What there is of a video to cut from: its shots in order, and its size in pixels."""

    shots: tuple[range, ...]
    width: int
    height: int
    fps: Fraction


@dataclass(frozen=True)
class Clip:
    """Frames and window of a clip in its source; sides and offsets are even."""

    operation: str
    start: int
    frames: int
    left: int
    top: int
    width: int
    height: int
    severity: int | None
    seed: int

    @property
    def place(self) -> tuple[object, ...]:
        """What no other clip of the video has."""
        window = (self.left, self.top, self.width, self.height)
        return (self.operation, self.start, self.frames, window, self.severity)


@dataclass(frozen=True)
class Quota:
    """How many clips each video gets: `each`, and one more where its rank lies below `more`."""

    each: int
    more: int
    seed: int

    @classmethod
    def spread(cls, media: Iterable[str], total: int, seed: int) -> Quota:
        """`total` clips over these videos, evenly: who gets one more is drawn by seed."""
        ranks = sorted(_rank(medium, seed) for medium in media)
        each, over = divmod(total, len(ranks))
        return cls(each, ranks[over], seed)

    def of(self, medium: str) -> int:
        """The number of clips of one video."""
        return self.each + int(_rank(medium, self.seed) < self.more)


def _rank(medium: str, seed: int) -> int:
    return row_seed(seed, medium, "one clip more")


def wishes(medium: str, count: int, recipe: Recipe) -> list[Wish]:
    """`count` clips of a video, its operations in turn; which comes first is drawn by seed."""
    names = recipe.operations
    first = row_seed(recipe.seed, medium, "first operation") % len(names)
    made = []
    for at in range(count):
        name, number = names[(first + at) % len(names)], at // len(names)
        made.append(Wish(name, number, row_seed(recipe.seed, medium, name, str(number))))
    return made


def planned(asked: Iterable[Wish], recipe: Recipe, video: Extent) -> list[Clip]:
    """The clips, in the order asked; fewer where the video has no other place for one.

    Raises UnreadableMediaError `too-short` or `too-small` for a video of which none can be made.
    """
    shots = tuple(shot for shot in video.shots if len(shot) >= MIN_FRAMES)
    if not shots:
        longest = max(map(len, video.shots), default=0)
        raise UnreadableMediaError(
            "too-short",
            f"{plural(longest, 'frame')} without a break; expected at least {MIN_FRAMES}",
        )
    if min(video.width, video.height) < MIN_SIDE:
        size = f"{video.width} x {video.height} pixels"
        raise UnreadableMediaError("too-small", f"{size}; expected at least {MIN_SIDE} a side")
    room = _Room.of(shots, video, recipe)
    taken: dict[tuple[object, ...], Clip] = {}
    for wish in asked:
        clip = _placed(wish, recipe, room, taken)
        if clip is not None:
            taken[clip.place] = clip
    return list(taken.values())


def _placed(
    wish: Wish, recipe: Recipe, room: _Room, taken: dict[tuple[object, ...], Clip]
) -> Clip | None:
    """A clip at a place that is free: drawn, or the first of all places; None where none is."""
    rng = np.random.Generator(np.random.PCG64(row_seed(wish.seed, "place")))
    severities = _severities(wish, recipe, rng)
    drawn = (
        (severities[0], room.stretch(wish, rng), room.window(wish, rng)) for _ in range(_TRIES)
    )
    every = (
        (severity, stretch, window)
        for severity in severities
        for stretch in room.stretches(wish)
        for window in room.windows(wish)
    )
    for severity, (start, frames), window in chain(drawn, every):
        clip = Clip(wish.operation, start, frames, *window, severity, wish.seed)
        if clip.place not in taken:
            return clip
    return None


def _severities(wish: Wish, recipe: Recipe, rng: np.random.Generator) -> list[int | None]:
    """The severity of a clip, then those it may have instead where no place is free."""
    if wish.operation in CUT:
        return [None]
    if recipe.severity == RANDOM:
        return [int(severity) for severity in rng.permutation(SEVERITIES)]
    if recipe.severity == ALL:
        return [SEVERITIES[wish.number % len(SEVERITIES)]]
    return [int(recipe.severity)]


@dataclass(frozen=True)
class _Room:
    """The stretches of time and the windows that a video has room for.

    Only `spatial` takes a window, and takes shots whole; the others take a stretch and no window.
    """

    shots: tuple[range, ...]
    lengths: tuple[int, ...]  # frames, ascending; empty: shots are taken whole
    width: int
    height: int
    sides: tuple[int, ...]  # px of square windows, ascending

    @classmethod
    def of(cls, shots: tuple[range, ...], video: Extent, recipe: Recipe) -> _Room:
        """What is longer than the longest shot, or larger than the frame, is cut to what fits."""
        longest = max(map(len, shots))
        frames = [max(MIN_FRAMES, round(seconds * video.fps)) for seconds in recipe.lengths]
        if recipe.between:
            frames = list(range(frames[0], min(frames[1], longest) + 1)) or [longest]
        width, height = video.width // 2 * 2, video.height // 2 * 2
        return cls(
            shots=shots,
            lengths=tuple(sorted({min(length, longest) for length in frames})),
            width=width,
            height=height,
            sides=tuple(sorted({min(side, width, height) for side in recipe.crops})),
        )

    def stretch(self, wish: Wish, rng: np.random.Generator) -> tuple[int, int]:
        """A first frame and a number of frames; every length, then every start, alike likely."""
        if not self._lengths(wish):
            shot = self.shots[int(rng.integers(len(self.shots)))]
            return shot.start, len(shot)
        length = self.lengths[int(rng.integers(len(self.lengths)))]
        starts = [start for shot in self.shots for start in _starts(shot, length)]
        return starts[int(rng.integers(len(starts)))], length

    def stretches(self, wish: Wish) -> Iterator[tuple[int, int]]:
        """All of them."""
        if not self._lengths(wish):
            yield from ((shot.start, len(shot)) for shot in self.shots)
        for length in self._lengths(wish):
            yield from ((start, length) for shot in self.shots for start in _starts(shot, length))

    def window(self, wish: Wish, rng: np.random.Generator) -> tuple[int, int, int, int]:
        """Left, top, width and height of a window; every side, then every place, alike likely."""
        if wish.operation != "spatial":
            return 0, 0, self.width, self.height
        side = self.sides[int(rng.integers(len(self.sides)))]
        left, top = (
            2 * int(rng.integers((of - side) // 2 + 1)) for of in (self.width, self.height)
        )
        return left, top, side, side

    def windows(self, wish: Wish) -> Iterator[tuple[int, int, int, int]]:
        """All of them."""
        if wish.operation != "spatial":
            yield 0, 0, self.width, self.height
            return
        for side in self.sides:
            for top in range(0, self.height - side + 1, 2):
                yield from ((left, top, side, side) for left in range(0, self.width - side + 1, 2))

    def _lengths(self, wish: Wish) -> tuple[int, ...]:
        return () if wish.operation == "spatial" else self.lengths


def _starts(shot: range, length: int) -> range:
    return range(shot.start, shot.stop - length + 1)
