"""Stall rows built in code."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa

from qbuild.labels.sessions.options import SessionOptions
from qbuild.labels.sessions.read import ReadSessions, stall_tables
from qbuild.labels.sessions.session import Session
from qbuild.labels.sessions.validate import ValidSession, validate_session
from qbuild.quality.stalls import Events, Rates


def session(path="a.mp4", events=(), fps=25, media_s=10.0, **given) -> Session:
    """One session of plain events."""
    rate = None if fps is None else Fraction(fps)
    return Session(path, "log.csv", 1, fps=rate, media_s=media_s, events=tuple(events), **given)


def rows(*sessions: Session, dataset="set", **options) -> pa.Table:
    """The sessions as rows of the schema `stall`; each must be valid."""
    valid = [validate_session(given) for given in sessions]
    assert all(isinstance(one, ValidSession) for one in valid), valid
    read = ReadSessions([(dataset, session) for session in valid], [])
    return pa.concat_tables(list(stall_tables(read, SessionOptions(**options))))


def vector(*runs: int) -> np.ndarray:
    """A 0/1 vector from run lengths, zeros first."""
    return np.repeat(np.arange(len(runs)) % 2, runs).astype(np.int8)


def events_of(runs: np.ndarray, offsets: np.ndarray, rates: Rates):
    """The stalls in sequences given as run lengths, and the frames of media in each session."""
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    position = np.arange(len(runs)) - offsets[:-1][owner]
    stalled = position % 2 == 1
    played = np.where(stalled, 0, runs)
    before = np.concatenate(([0], np.cumsum(played)))
    media_frame = before[:-1] - before[offsets[:-1]][owner]
    counts = np.bincount(owner[stalled], minlength=len(offsets) - 1)
    starts = rates.seconds(media_frame[stalled], owner[stalled])
    events = Events(
        np.concatenate(([0], np.cumsum(counts))),
        starts,
        rates.seconds(runs[stalled], owner[stalled]),
    )
    return events, np.bincount(owner, played, len(offsets) - 1).astype(np.int64)
