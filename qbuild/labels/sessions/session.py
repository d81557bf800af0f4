"""What a session log says, in one form for every layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Clock = Literal["media", "wall"]


@dataclass(frozen=True)
class Session:
    """One streaming session as its log has it, before anything is checked across its parts.

    Either `digits` (one 0/1 a frame on the wall clock) or `events` (start and duration in seconds,
    as logged) is given. `fps` is None where the log has none. `media_s` is the length of what was
    played, without stalls; None where only the digits tell. `claims` holds what the log says of
    itself (number of stalls, stalled seconds, frames) for the check against what comes out.
    """

    path: str  # name of the session or of its video
    source_file: str  # base name of the log
    source_row: int  # record in that log, from 1
    fps: Fraction | None = None
    media_s: float | None = None
    events: tuple[tuple[float, float], ...] | None = None
    clock: Clock = "media"
    digits: NDArray[np.int8] | None = None
    rating: dict[str, Any] = field(default_factory=dict)  # mos, mos_std, num_ratings, split, …
    claims: dict[str, float] = field(default_factory=dict)  # stalls, stalled_s, media_frames, …
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A session or a log that cannot be used, with its typed reason."""

    source_file: str
    source_row: int
    reason: str
    message: str
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SessionOptions:
    """How logs are read, beyond what they say: the frame rate and the clock of plain events."""

    fps: Fraction | None = None
    clock: Clock = "media"


@dataclass(frozen=True)
class SessionLayout:
    """A published form of session logs; `matches` and `read` take a file or a folder.

    `read` gives sessions in a fixed order. `dataset` is the name of its data set, or None.
    """

    name: str
    summary: str
    matches: Callable[[Path], bool]
    read: Callable[[Path, SessionOptions], Iterator[Session | Refused]]
    dataset: str | None = None
