"""Which clips to make of a video: drawn by seed, all different.

VQA² stage 1 makes 5,211 clips of 134 labelled videos by cutting them in time and in space (section
3.2); a clip keeps the label of its video. A clip is drawn from the run's seed, the video, the
operation and the clip's number, so that it depends on no other video.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Self

from qbuild.core.canonical import row_seed
from qbuild.core.plural import plural
from qbuild.media.distort.parameters import ALL, MIN_SIDE, RANDOM
from qbuild.media.unreadable import UnreadableMediaError
from qbuild.quality.distortions import SEVERITIES

if TYPE_CHECKING:
    import numpy as np

Window = tuple[int, int, int, int]  # left, top, width and height, in pixels
CUT, INJECT = ("temporal", "spatial"), ("shake", "flicker", "stutter")
GROUPS = {"cut": CUT, "inject": INJECT}
# VQA² section 3.2 has one flicker: "flickers (camera shake)".
PAPER_NAMES = {"shake": "flicker", "flicker": "flicker", "stutter": "stuttering"}

WHOLE = "whole"  # instead of lengths: all of a video, or of a shot
MIN_FRAMES = 4  # the stride of VQA²'s motion branch: fewer frames produce no token
_TRIES = 20  # random draws before all candidates are tried in order


@dataclass(frozen=True)
class ClipSettings:
    """How clips are made.

    `lengths` are seconds; with `between`, two of them are bounds; without any, clips are as long as
    the video or shot. `crops` are sides of square windows in pixels, `severity` is 1 to 5, random
    or all.
    """

    operations: tuple[str, ...]
    lengths: tuple[float, ...]
    between: bool
    crops: tuple[int, ...]
    severity: str
    within_shots: bool
    seed: int


@dataclass(frozen=True)
class ClipRequest:
    """A clip to make of a video that is not read yet; `number` counts those of its operation."""

    operation: str
    number: int
    seed: int


@dataclass(frozen=True)
class VideoExtent:
    """The shots of a video in order, its size in pixels and its rate."""

    shots: tuple[range, ...]
    width: int
    height: int
    fps: Fraction


@dataclass(frozen=True)
class Clip:
    """Frames and window of a clip in its source; sides and offsets are even.

    Clips are equal if they differ in their seed only.
    """

    operation: str
    start: int
    frames: int
    left: int
    top: int
    width: int
    height: int
    severity: int | None
    seed: int = field(compare=False)


@dataclass(frozen=True)
class Quota:
    """How many clips each video gets: `each`, and one more if its rank is below `more`."""

    each: int
    more: int
    seed: int

    @classmethod
    def distribute(cls, media: Iterable[str], total: int, seed: int) -> Quota:
        """Distribute `total` clips evenly; the seed decides which videos get one more."""
        ranks = sorted(_rank(medium, seed) for medium in media)
        each, over = divmod(total, len(ranks))
        return cls(each, ranks[over], seed)

    def of(self, medium: str) -> int:
        """The number of clips of one video."""
        return self.each + int(_rank(medium, self.seed) < self.more)


def _rank(medium: str, seed: int) -> int:
    return row_seed(seed, medium, "one clip more")


def request_clips(medium: str, count: int, settings: ClipSettings) -> list[ClipRequest]:
    """`count` clips of a video, its operations in turn, beginning with one drawn by seed."""
    names, seed = settings.operations, settings.seed
    first = row_seed(seed, medium, "first operation") % len(names)
    requests = []
    for at in range(count):
        name, number = names[(first + at) % len(names)], at // len(names)
        requests.append(ClipRequest(name, number, row_seed(seed, medium, name, str(number))))
    return requests


def plan_clips(
    requests: Iterable[ClipRequest], settings: ClipSettings, video: VideoExtent
) -> list[Clip]:
    """Choose frames and window of each clip, in order; fewer if no other fits.

    Raises UnreadableMediaError `too-short` or `too-small` for a video that allows no clip.
    """
    shots = tuple(shot for shot in video.shots if len(shot) >= MIN_FRAMES)
    if not shots:
        longest = max(map(len, video.shots), default=0)
        raise UnreadableMediaError(
            "too-short",
            f"{plural(longest, 'frame')} without a cut; expected at least {MIN_FRAMES}",
        )
    if min(video.width, video.height) < MIN_SIDE:
        size = f"{video.width} x {video.height} pixels"
        raise UnreadableMediaError("too-small", f"{size}; expected at least {MIN_SIDE} per side")
    candidates = _Candidates.of(shots, video, settings)
    clips: dict[Clip, None] = {}
    for request in requests:
        clip = _choose_clip(request, settings, candidates, clips)
        if clip is not None:
            clips[clip] = None
    return list(clips)


def _choose_clip(
    request: ClipRequest,
    settings: ClipSettings,
    candidates: _Candidates,
    existing: Container[Clip],
) -> Clip | None:
    """A new clip: drawn at random, or the first that fits in order; None if none fits."""
    import numpy as np

    rng = np.random.Generator(np.random.PCG64(row_seed(request.seed, "place")))
    severities = _severities(request, settings, rng)
    drawn = (
        (severities[0], candidates.draw_frames(request, rng), candidates.draw_window(request, rng))
        for _ in range(_TRIES)
    )
    in_order = (
        (severity, frames, window)
        for severity in severities
        for frames in candidates.all_frames(request)
        for window in candidates.all_windows(request)
    )
    for severity, (start, frames), window in chain(drawn, in_order):
        clip = Clip(request.operation, start, frames, *window, severity, request.seed)
        if clip not in existing:
            return clip
    return None


def _severities(
    request: ClipRequest, settings: ClipSettings, rng: np.random.Generator
) -> list[int | None]:
    """The severity of a clip, then the alternatives if none fits."""
    if request.operation in CUT:
        return [None]
    if settings.severity == RANDOM:
        return [int(severity) for severity in rng.permutation(SEVERITIES)]
    if settings.severity == ALL:
        return [SEVERITIES[request.number % len(SEVERITIES)]]
    return [int(settings.severity)]


@dataclass(frozen=True)
class _Candidates:
    """The ranges of frames and the windows that fit into a video.

    Only `spatial` uses a window, of whole shots; the others use a range of frames.
    """

    shots: tuple[range, ...]
    lengths: tuple[int, ...]  # frames, ascending; empty: whole shots
    width: int
    height: int
    sides: tuple[int, ...]  # px of square windows, ascending

    @classmethod
    def of(cls, shots: tuple[range, ...], video: VideoExtent, settings: ClipSettings) -> Self:
        """Lengths and sides are reduced to the longest shot and to the size of the frame."""
        longest = max(map(len, shots))
        frames = [max(MIN_FRAMES, round(seconds * video.fps)) for seconds in settings.lengths]
        if settings.between:
            frames = list(range(frames[0], min(frames[1], longest) + 1)) or [longest]
        width, height = video.width // 2 * 2, video.height // 2 * 2
        return cls(
            shots=shots,
            lengths=tuple(sorted({min(length, longest) for length in frames})),
            width=width,
            height=height,
            sides=tuple(sorted({min(side, width, height) for side in settings.crops})),
        )

    def draw_frames(self, request: ClipRequest, rng: np.random.Generator) -> tuple[int, int]:
        """First frame and number of frames; first the length, then the start, is uniform."""
        if not self._lengths(request):
            shot = self.shots[int(rng.integers(len(self.shots)))]
            return shot.start, len(shot)
        length = self.lengths[int(rng.integers(len(self.lengths)))]
        starts = [start for shot in self.shots for start in _starts(shot, length)]
        return starts[int(rng.integers(len(starts)))], length

    def all_frames(self, request: ClipRequest) -> Iterator[tuple[int, int]]:
        """Every first frame and number of frames."""
        if not self._lengths(request):
            yield from ((shot.start, len(shot)) for shot in self.shots)
        for length in self._lengths(request):
            yield from ((start, length) for shot in self.shots for start in _starts(shot, length))

    def draw_window(self, request: ClipRequest, rng: np.random.Generator) -> Window:
        """Left, top, width and height; first the side, then the position, is uniform."""
        if request.operation != "spatial":
            return 0, 0, self.width, self.height
        side = self.sides[int(rng.integers(len(self.sides)))]
        left, top = (
            2 * int(rng.integers((of - side) // 2 + 1)) for of in (self.width, self.height)
        )
        return left, top, side, side

    def all_windows(self, request: ClipRequest) -> Iterator[Window]:
        """Every left, top, width and height."""
        if request.operation != "spatial":
            yield 0, 0, self.width, self.height
            return
        for side in self.sides:
            for top in range(0, self.height - side + 1, 2):
                yield from ((left, top, side, side) for left in range(0, self.width - side + 1, 2))

    def _lengths(self, request: ClipRequest) -> tuple[int, ...]:
        return () if request.operation == "spatial" else self.lengths


def _starts(shot: range, length: int) -> range:
    return range(shot.start, shot.stop - length + 1)
