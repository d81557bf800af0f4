"""A session as its log describes it, in one form for every layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbuild.core.canonical import canonical_json
from qbuild.core.rows.rejections import RejectedError, RejectedRow
from qbuild.labels.sessions.options import Clock, SessionOptions


@dataclass(frozen=True)
class Session:
    """One streaming session as its log describes it, before its parts are compared.

    Either `digits` (0 or 1 per frame on the wall clock) or `events` (start and duration in seconds,
    as logged) is given. `fps` is None where the log has none. `media_s` is the length of the media
    that was played, without stalls; None where only the digits show it. `claims` holds totals that
    the log states (stalls, stalled seconds, frames), to be compared with the result.
    """

    path: str  # name of the session or of its video
    source_file: str  # base name of the log
    source_row: int = 1  # record in that log, from 1
    fps: Fraction | None = None
    media_s: float | None = None
    events: tuple[tuple[float, float], ...] | None = None
    clock: Clock = "media"
    digits: NDArray[np.int8] | None = None
    rating: dict[str, Any] = field(default_factory=dict)  # mos, mos_std, num_ratings, split, …
    claims: dict[str, float] = field(default_factory=dict)  # stalls, stalled_s, media_frames, …
    notes: tuple[str, ...] = ()


ReadLog = Callable[[Path, SessionOptions], Iterator[Session | RejectedRow]]


@dataclass(frozen=True)
class SessionLayout:
    """A published form of session logs; `matches` and `read` take a file or a folder.

    `read` returns sessions in a fixed order. `dataset` is the name of the dataset, if the layout is
    that of one; `side_files` are names of files that accompany its logs.
    """

    name: str
    matches: Callable[[Path], bool]
    read: ReadLog
    dataset: str | None = None
    side_files: tuple[str, ...] = ()


def one_session(read: Callable[[Path, SessionOptions], Session]) -> ReadLog:
    """A reader of logs with one session each, from the function that reads it."""

    def read_log(path: Path, options: SessionOptions) -> Iterator[Session | RejectedRow]:
        try:
            yield read(path, options)
        except RejectedError as error:
            yield rejected_log(error, path.name)

    return read_log


def rejected_log(
    error: RejectedError, source_file: str, source_row: int = 1, record: Any = None
) -> RejectedRow:
    """The rejected row of a log or session; by default with the record of the error."""
    record = canonical_json(record or error.record or {})
    return RejectedRow(source_file, source_row, error.rejection, record)
