import numpy as np
import pytest

from qbuild.labels.sessions.logs import read_sessions, recognise
from qbuild.labels.sessions.options import SessionOptions


def read(path):
    (found,) = [session for _, session in read_sessions([path], SessionOptions(layout="lfovia"))]
    return found


def test_flags_of_seconds_become_events_on_the_wall_clock(mat):
    path = mat(
        "TV01.mat", rebuf_flags=np.array([0, 0, 1, 1, 0]), fps=30, subjective_score_overall=55
    )
    session = read(path)
    assert recognise(path).name == "lfovia"
    assert (session.events, session.clock, session.media_s) == (((2.0, 2.0),), "wall", 3.0)
    assert (session.path, session.fps, session.claims) == ("TV01", 30, {"wall_s": 5.0})
    assert session.rating == {"mos": 55.0, "scale_low": 0.0, "scale_high": 100.0}


def test_places_and_lengths_are_media_seconds(mat):
    places = {"rebuf_position": np.array([4.5, 9]), "rebuf_duration": np.array([2, 3])}
    bitrate = np.array([500, 0, 0, 500, 500])
    session = read(mat("TV01.mat", **places, bitrate=bitrate))
    assert (session.events, session.clock) == (((4.5, 2.0), (9.0, 3.0)), "media")
    assert session.media_s == 3.0


def test_one_length_applies_to_all_places(mat):
    scores = {"subjective_score_continuous": np.ones(20)}
    path = mat("TV01.mat", rebuf_position=np.array([1, 9]), rebuf_duration=2, **scores)
    assert (read(path).events, read(path).media_s) == (((1.0, 2.0), (9.0, 2.0)), 16.0)


def test_a_bitrate_of_zero_is_a_stall_without_other_fields(mat):
    scores = {"subjective_score_continuous": np.ones(4)}
    session = read(mat("TV01.mat", bitrate=np.array([0, 500, 0, 300]), **scores))
    assert (session.events, session.media_s) == (((0.0, 1.0), (2.0, 1.0)), 2.0)


def test_a_reference_video_plays_through(mat):
    session = read(mat("RV01.mat", subjective_score_continuous=np.ones(7)))
    assert (session.events, session.media_s, session.rating) == ((), 7.0, {})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"rebuf_flags": np.array([0, 3])}, "bad-digit"),
        ({"rebuf_flags": np.empty((1, 0))}, "empty-log"),
        ({"bitrate": np.empty((1, 0))}, "empty-log"),
        ({"rebuf_flags": "01"}, "not-a-number"),
        ({"rebuf_flags": np.array([0, 1]), "fps": -1}, "bad-frame-rate"),
        (
            {"rebuf_position": np.array([1, 2, 3]), "rebuf_duration": np.array([1, 2])},
            "another-form",
        ),
        ({"score": 1}, "another-form"),
    ],
)
def test_a_broken_log_is_rejected_with_its_reason(mat, fields, reason):
    rejected = read(mat("TV01.mat", **fields))
    assert (rejected.source, rejected.rejection.reason) == ("TV01.mat", reason)
