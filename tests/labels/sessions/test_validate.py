"""qbuild/labels/sessions/validate.py: rejected sessions, and corrected ones."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import stalled

from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.sessions.validate import ValidSession, validate_session


def valid(session) -> ValidSession:
    found = validate_session(session)
    assert isinstance(found, ValidSession), found
    return found


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"fps": None}, "no-frame-rate"),
        ({"fps": 0}, "bad-frame-rate"),
        ({"fps": Fraction(-25)}, "bad-frame-rate"),
        ({"media_s": None}, "no-duration"),
        ({"media_s": 0.0}, "no-duration"),
        ({"media_s": float("nan")}, "no-duration"),
        ({"events": [(-1.0, 1.0)]}, "negative-time"),
        ({"events": [(1.0, -0.5)]}, "negative-time"),
        ({"events": [(1.0, float("inf"))]}, "not-finite"),
        ({"events": [(5.0, 1.0), (2.0, 1.0)]}, "out-of-order"),
        ({"events": [(2.0, 1.0), (2.0, 1.0)]}, "overlap"),
        ({"events": [(2.0, 3.0), (4.0, 1.0)], "clock": "wall"}, "overlap"),
        ({"events": [(10.5, 1.0)]}, "after-end"),
        ({"events": [(13.0, 1.0)], "clock": "wall", "claims": {"wall_s": 12.0}}, "after-end"),
        ({"events": [(2.0, 1.0)], "claims": {"stalls": 2}}, "frames-disagree"),
        ({"events": [(2.0, 1.0)], "claims": {"stalled_s": 2.0}}, "frames-disagree"),
        ({"claims": {"media_frames": 300}}, "frames-disagree"),
    ],
)
def test_an_inconsistent_session_is_rejected_by_name(given, reason):
    found = validate_session(stalled.session("clip.mp4", **given))
    assert isinstance(found, RejectedRow)
    assert (found.rejection.reason, found.rejection.message.split(":")[0]) == (reason, "clip.mp4")


def test_stalls_may_overlap_in_media_seconds():
    found = valid(stalled.session(events=[(2.0, 3.0), (4.0, 1.0)]))
    assert found.stalls == ((2.0, 3.0), (4.0, 1.0))


def test_wall_clock_events_are_moved_to_media_time():
    found = valid(stalled.session(events=[(0.0, 2.0), (7.0, 1.5), (12.5, 1.0)], clock="wall"))
    assert found.stalls == ((0.0, 2.0), (5.0, 1.5), (9.0, 1.0))


def test_adjacent_stalls_on_the_wall_clock_are_one():
    found = valid(stalled.session(events=[(3.0, 1.0), (4.0, 2.0)], clock="wall"))
    assert found.stalls == ((3.0, 3.0),)


def test_a_stall_that_runs_past_the_end_is_cut_and_noted():
    session = stalled.session(events=[(9.0, 5.0)], clock="wall", claims={"wall_s": 11.0})
    found = valid(session)
    assert found.stalls == ((9.0, 2.0),)
    assert found.notes == ("a stall of 5 s runs past the end: cut to 2 s",)


def test_a_stall_of_no_length_is_left_out_and_one_below_a_frame_is_kept():
    found = valid(stalled.session(events=[(1.0, 0.0), (2.0, 0.01)]))
    assert found.stalls == ((2.0, 0.01),)
    assert found.notes == (
        "1 of 2 stalls last no time: left out",
        "a stall is shorter than a frame",
    )


def test_frames_of_24000_over_1001_are_counted_exactly():
    digits = stalled.vector(48, 24, 100)
    session = stalled.session(fps=Fraction(24000, 1001), media_s=None, digits=digits)
    found = valid(replace(session, events=None))
    assert (found.media_frames, found.frames) == (148, 172)
    assert found.stalls == ((48 * 1001 / 24000, 24 * 1001 / 24000),)


def test_a_vector_that_begins_stalled_begins_with_buffering():
    session = stalled.session(digits=stalled.vector(0, 50, 100, 25), media_s=None)
    found = valid(replace(session, events=None))
    assert found.stalls == ((0.0, 2.0), (4.0, 1.0))


@pytest.mark.parametrize(
    ("digits", "reason"), [([], "empty-log"), ([0, 2, 0], "bad-digit"), ([0, -1], "bad-digit")]
)
def test_an_invalid_vector_is_rejected(digits, reason):
    session = replace(stalled.session(), events=None, digits=digits)
    found = validate_session(session)
    assert isinstance(found, RejectedRow)
    assert found.rejection.reason == reason


def test_the_content_of_a_session_does_not_contain_its_place():
    one = valid(stalled.session(events=[(1.0, 1.0)]))
    assert one.content == replace(one, source_row=7, source_file="b").content
    assert one.content != valid(stalled.session(events=[(1.0, 2.0)])).content
