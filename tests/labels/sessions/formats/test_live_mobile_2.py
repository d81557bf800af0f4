import json
from fractions import Fraction

import numpy as np
import pytest

from qbuild.labels.sessions.logs import read_sessions, recognise
from qbuild.labels.sessions.options import SessionOptions


def read(path):
    return [session for _, session in read_sessions([path], SessionOptions(layout="live-mobile-2"))]


def test_a_waveform_of_frames_becomes_digits(mat):
    path = mat("a.mat", stallWaveform=np.array([0, 100, 100, 0]), fps=29.97, MOS=61.5)
    (session,) = read(path)
    assert recognise(path).name == "live-mobile-2"
    assert session.digits.tolist() == [0, 1, 1, 0]
    assert (session.path, session.fps, session.clock) == ("a", Fraction(30000, 1001), "wall")
    assert (session.rating, session.events) == ({"mos": 61.5}, None)


@pytest.mark.parametrize("high", [1, 100])
def test_a_waveform_of_seconds_becomes_events_on_the_wall_clock(mat, high):
    wave = np.array([1, 1, 0, 0, 0, 1, 0]) * high
    (session,) = read(mat("a.mat", stallWaveforms_s=wave))
    assert session.events == ((0.0, 2.0), (5.0, 1.0))
    assert (session.clock, session.media_s, session.claims) == ("wall", 4.0, {"wall_s": 7.0})


@pytest.mark.parametrize(
    ("places", "lengths", "events"),
    [
        ([0, 12.5, 1000], [2, 3, 20], ((0, 2), (12.5, 3))),
        ([4, 1000, 1000], [2, 20, 20], ((4, 2),)),
        ([4], [2], ((4, 2),)),
        ([4, -1], [2, -1], ((4, 2),)),
        ([-1], [-1], ()),
        ([-1], [], ()),
        ([1000], [20], ()),
        ([], [], ()),
    ],
)
def test_lists_end_at_their_mark_and_hold_media_seconds(mat, places, lengths, events):
    lists = {"stallLocations": np.array(places), "stallLengths": np.array(lengths)}
    (session,) = read(mat("a.mat", **lists, media_s=30))
    assert (session.events, session.clock, session.media_s) == (events, "media", 30.0)


@pytest.mark.parametrize(
    ("places", "lengths", "reason"),
    [
        ([4, 1000, 8], [2, 20, 1], "sentinel"),
        ([-1, 4], [-1, 2], "sentinel"),
        ([4, 8], [2], "another-form"),
        ([4, np.nan], [2, 1], "not-a-number"),
        ([4], [np.nan], "not-a-number"),
        ("4", [2], "not-a-number"),
    ],
)
def test_invalid_lists_are_rejected(mat, places, lengths, reason):
    value = places if isinstance(places, str) else np.array(places)
    (rejected,) = read(mat("a.mat", stallLocation=value, stallLength=np.array(lengths)))
    assert rejected.rejection.reason == reason


@pytest.mark.parametrize("wave", [[0, 50], [0, 1, 100], [0, -1], [0, np.nan]])
def test_a_waveform_of_other_values_is_rejected(mat, wave):
    assert read(mat("a.mat", stallWaveform=np.array(wave)))[0].rejection.reason == "bad-digit"


def test_an_empty_waveform_and_a_rate_of_zero_are_rejected(mat):
    assert read(mat("a.mat", stallWaveform=np.empty((1, 0))))[0].rejection.reason == "empty-log"
    assert (
        read(mat("b.mat", stallWaveform=np.zeros(3), fps=0))[0].rejection.reason == "bad-frame-rate"
    )


def test_a_struct_of_all_videos_gives_a_session_each_with_the_scores_of_the_side_file(mat, cell):
    videos = {
        "vidNames": cell("one.mp4", "two.mp4"),
        "stallWaveforms_s": cell(np.array([0, 0, 100]), np.array([0, 50])),
    }
    path = mat("db/videoMetaData.mat", liveMobileStall_videoMetaData=videos)
    scores = {"MOS_overall": np.array([40.0, 60.0]), "continuousQoE_s": cell(1, 2)}
    mat("db/subjectiveData.mat", liveMobileStall_subjectiveData=scores)
    assert recognise(path.parent).name == "live-mobile-2"
    first, second = read(path.parent)
    assert (first.path, first.events, first.rating) == ("one.mp4", ((2.0, 1.0),), {"mos": 40.0})
    assert (second.source, second.row, second.rejection.reason) == (
        "videoMetaData.mat",
        2,
        "bad-digit",
    )


def test_videos_without_names_are_numbered(mat, cell):
    waves = cell(np.zeros(2), np.zeros(3))
    assert [s.path for s in read(mat("v.mat", stallWaveforms_s=waves))] == ["v/1", "v/2"]


def test_lists_in_a_matrix_hold_one_video_per_row(mat):
    lists = {
        "stallLocations": np.array([[0, 5.0], [9, 1000]]),
        "stallLengths": np.array([[1, 2.0], [3, 20]]),
    }
    path = mat("v.mat", **lists, media_s=np.array([20, 30]))
    assert [(s.events, s.media_s) for s in read(path)] == [
        (((0, 1), (5, 2)), 20.0),
        (((9, 3),), 30.0),
    ]


def test_lists_count_before_a_waveform_of_seconds_which_gives_the_length(mat):
    lists = {"stallLocations": np.array([1.25]), "stallLengths": np.array([1.5])}
    (session,) = read(mat("v.mat", **lists, stallWaveforms_s=np.array([0, 1, 0])))
    assert (session.events, session.media_s, session.clock) == (((1.25, 1.5),), 2.0, "media")


@pytest.mark.parametrize("field", ["vidNames", "fps", "stallLengths"])
def test_fields_of_another_number_of_videos_reject_the_file(mat, cell, field):
    fields = {
        "stallLocations": cell(np.array([1]), np.array([2]), np.array([3])),
        "stallLengths": cell(np.array([1]), np.array([1]), np.array([1])),
        field: cell("a", "b") if field != "fps" else np.array([25, 30]),
    }
    (rejected,) = read(mat("v.mat", **fields))
    assert (rejected.rejection.reason, rejected.row) == ("another-form", 1)


def test_unknown_fields_are_named_those_within_a_struct_too(mat):
    (rejected,) = read(mat("v.mat", stallMetaData={"waves": np.zeros(3)}, other=1))
    assert rejected.rejection.reason == "another-form"
    assert json.loads(rejected.record) == {"fields": ["other", "stallMetaData", "waves"]}
    assert "other, stallMetaData, waves; expected a waveform" in rejected.rejection.message
