from fractions import Fraction

import numpy as np
import pytest

from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.sessions.logs import read_sessions, recognise
from qbuild.labels.sessions.options import SessionOptions

ALL = "LIVE_NFLX_Network_Impairments"


def video(**more):
    return {"vid_fps": 25.0, "Nframes": 6, "final_subj_score": -0.5, **more}


def read(path):
    return [session for _, session in read_sessions([path], SessionOptions(layout="live-nflx-1"))]


@pytest.fixture
def table(mat, cell):
    """The file for all videos, with rows of name and stalled frames."""

    def _table(place, *rows):
        array = np.empty((len(rows), 3), dtype=object)
        for at, (name, frames) in enumerate(rows):
            array[at, 0], array[at, 1], array[at, 2] = name, np.empty(0), np.array(frames)
        return mat(f"{place}/{ALL}.mat", **{ALL: array})

    return _table


def test_stalled_frames_count_from_one(mat):
    path = mat("v.mat", **video(stall_frames=np.array([1, 2, 6])))
    (session,) = read(path)
    assert recognise(path).name == "live-nflx-1"
    assert session.digits.tolist() == [1, 1, 0, 0, 0, 1]
    assert (session.path, session.fps, session.clock) == ("v", Fraction(25), "wall")
    assert session.rating == {"mos": -0.5}


def test_lists_of_first_and_last_frames_hold_both_ends(mat):
    lists = {"rebuf_start": np.array([1, 5]), "rebuf_end": np.array([2, 5])}
    assert read(mat("v.mat", **video(**lists)))[0].digits.tolist() == [1, 1, 0, 0, 1, 0]


def test_frames_of_all_videos_are_found_by_content_and_sequence(mat, table):
    folder = table("db", ("cont_1_seq_0", []), ("cont_12_seq_3.yuv", [3, 4])).parent
    mat("db/VideoData/content_12_seq_3.mat", **video())
    mat("db/VideoData/content_01_seq_0.mat", **video())
    sessions = [session for _, session in read_sessions([folder])]
    assert [(s.path, s.digits.tolist()) for s in sessions] == [
        ("content_01_seq_0", [0, 0, 0, 0, 0, 0]),
        ("content_12_seq_3", [0, 0, 1, 1, 0, 0]),
    ]


def test_the_file_for_all_videos_may_be_next_to_them(mat, table):
    folder = table("db", ("cont_1_seq_0", 2)).parent
    mat("db/cont_1_seq_0.mat", **video())
    assert recognise(folder).name == "live-nflx-1"
    assert read(folder)[0].digits.tolist() == [0, 1, 0, 0, 0, 0]


def test_stalls_and_their_seconds_are_claims(mat):
    path = mat("v.mat", **video(stall_frames=np.array([2]), ns=1, ds=np.array([0.04])))
    assert read(path)[0].claims == {"stalls": 1, "stalled_s": 0.04}
    path = mat("w.mat", **video(stall_frames=np.empty(0), ns=0, ds=np.empty(0)))
    assert read(path)[0].claims == {"stalls": 0}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stall_frames": np.array([0, 1])}, "bad-frame"),
        ({"stall_frames": np.array([7])}, "bad-frame"),
        ({"stall_frames": np.array([1.5])}, "bad-frame"),
        ({"stall_frames": np.array([np.nan])}, "bad-frame"),
        ({"stall_frames": "1 2"}, "not-a-number"),
        ({"stall_start": np.array([3]), "stall_end": np.array([2])}, "bad-frame"),
        ({"stall_start": np.array([0]), "stall_end": np.array([2])}, "bad-frame"),
        ({"stall_start": np.array([1]), "stall_end": np.array([2, 3])}, "another-form"),
        ({"stall_start": np.array([1]), "stall_end": np.array([1e12])}, "bad-frame"),
        ({"stall_frames": np.empty(0), "Nframes": 0}, "empty-log"),
        ({"stall_frames": np.empty(0), "Nframes": 1.5}, "not-a-number"),
        ({"stall_frames": np.empty(0), "Nframes": 1e15}, "not-a-number"),
        ({"stall_frames": np.empty(0), "vid_fps": 0}, "bad-frame-rate"),
        ({}, "another-form"),
    ],
)
def test_a_broken_video_is_rejected_with_its_reason(mat, change, reason):
    (rejected,) = read(mat("v.mat", **video(**change)))
    assert isinstance(rejected, RejectedRow)
    assert (rejected.source, rejected.rejection.reason) == ("v.mat", reason)


def test_a_video_without_a_row_is_rejected(mat, table):
    table("db", ("cont_1_seq_0", [1]))
    (rejected,) = read(mat("db/cont_2_seq_0.mat", **video()))
    assert (rejected.rejection.reason, rejected.rejection.message) == (
        "another-form",
        f"{ALL}.mat has no row for cont_2_seq_0",
    )


def test_an_invalid_file_for_all_videos_rejects_each_of_them(mat):
    mat(f"db/{ALL}.mat", **{ALL: np.zeros(4)})
    (rejected,) = read(mat("db/cont_2_seq_0.mat", **video()))
    assert (rejected.rejection.reason, "three columns" in rejected.rejection.message) == (
        "another-form",
        True,
    )
