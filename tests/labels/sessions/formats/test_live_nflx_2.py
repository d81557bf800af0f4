import json
from fractions import Fraction

import numpy as np
import pytest
from scipy.io import loadmat

from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.sessions.logs import read_sessions, recognise
from qbuild.labels.sessions.options import SessionOptions


def log(digits, **more):
    return {
        "is_rebuffered_bool": np.array(digits),
        "frame_rate": 24.0,
        "distorted_mp4_video": "clip.mp4",
        "retrospective_zscored_mos": 0.5,
        **more,
    }


def read(path):
    (found,) = [
        session for _, session in read_sessions([path], SessionOptions(layout="live-nflx-2"))
    ]
    return found


def test_a_session_holds_its_digits_its_rate_and_its_score(mat):
    path = mat("a.mat", **log([0, 0, 1, 1, 0]))
    session = read(path)
    assert recognise(path).name == "live-nflx-2"
    assert session.digits.tolist() == [0, 0, 1, 1, 0]
    assert (session.fps, session.clock, session.media_s) == (24, "wall", None)
    assert (session.path, session.source_file, session.rating) == (
        "clip.mp4",
        "a.mat",
        {"mos": 0.5},
    )
    assert {name for name, _ in read_sessions([path])} == {"live-nflx-2"}


def test_totals_of_the_log_become_claims(mat):
    counts = {
        "rebuffer_number": 1,
        "rebuffer_duration_sec": 0.5,
        "playback_duration_sec": 2.0,
        "video_duration_sec": 2.5,
        "N_playback_frames": 48,
        "N_rebuffer_frames": 12,
        "N_total_frames": 60,
    }
    assert read(mat("a.mat", **log([0, 1], **counts))).claims == {
        "stalls": 1,
        "stalled_s": 0.5,
        "media_s": 2,
        "wall_s": 2.5,
        "media_frames": 48,
        "stalled_frames": 12,
        "frames": 60,
    }
    assert read(mat("b.mat", **log([0, 1]))).claims == {}


@pytest.mark.parametrize("rate", [23.976, 24000 / 1001])
def test_an_ntsc_rate_becomes_its_fraction(mat, rate):
    assert read(mat("a.mat", **log([0], frame_rate=rate))).fps == Fraction(24000, 1001)


def test_a_session_without_name_takes_that_of_its_file(mat):
    path = mat("stem.mat", is_rebuffered_bool=np.array([0, 1]), frame_rate=30)
    assert (read(path).path, read(path).rating) == ("stem", {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_rebuffered_bool": np.array([0, 2])}, "bad-digit"),
        ({"is_rebuffered_bool": np.array([0, 100])}, "bad-digit"),
        ({"is_rebuffered_bool": np.empty((1, 0))}, "empty-log"),
        ({"is_rebuffered_bool": "0110"}, "not-a-number"),
        ({"is_rebuffered_bool": np.zeros((2, 3))}, "another-form"),
        ({"frame_rate": 0}, "bad-frame-rate"),
        ({"frame_rate": -24}, "bad-frame-rate"),
        ({"frame_rate": np.nan}, "bad-frame-rate"),
        ({"rebuffer_number": "two"}, "not-a-number"),
    ],
)
def test_a_broken_log_is_rejected_with_its_reason(mat, change, reason):
    rejected = read(mat("a.mat", **(log([0, 1]) | change)))
    assert isinstance(rejected, RejectedRow)
    assert (rejected.source, rejected.row, rejected.rejection.reason) == ("a.mat", 1, reason)


def test_a_file_of_another_form_is_rejected_by_name_and_by_recognition(mat):
    path = mat("a.mat", something=1.0)
    assert read(path).rejection.reason == "another-form"
    ((name, rejected),) = read_sessions([path])
    assert (name, rejected.rejection.reason, json.loads(rejected.record)) == (
        None,
        "another-form",
        {"fields": ["something"]},
    )
    assert "something" in rejected.rejection.message


def test_published_sessions_are_224_and_87_of_them_stall(streaming):
    sessions = [session for _, session in read_sessions([streaming / "live_nflx_2"])]
    assert len(sessions) == len({session.path for session in sessions}) == 224
    assert sum(bool(session.digits.any()) for session in sessions) == 87
    assert not any(session.digits[0] for session in sessions)
    assert {session.fps for session in sessions} == {24, 30}
    assert all(len(session.claims) == 7 and "mos" in session.rating for session in sessions)


def test_published_claims_agree_with_the_digits(streaming):
    for _, session in read_sessions([streaming / "live_nflx_2"]):
        claims, digits = session.claims, session.digits.astype(int)
        assert claims["stalls"] == (np.diff(np.concatenate(([0], digits))) == 1).sum()
        assert claims["stalled_s"] == pytest.approx(float(digits.sum() / session.fps))
        assert claims["media_s"] == pytest.approx(float((1 - digits).sum() / session.fps))
        assert claims["wall_s"] == pytest.approx(float(len(digits) / session.fps))
        assert claims["frames"] == len(digits)
        assert claims["stalled_frames"] == digits.sum()
        assert claims["media_frames"] == len(digits) - digits.sum()


def test_published_digits_are_those_of_the_file(streaming):
    path = next(iter(sorted((streaming / "live_nflx_2").glob("*Trace_3.mat"))))
    assert read(path).digits.tolist() == loadmat(path)["is_rebuffered_bool"].ravel().tolist()
