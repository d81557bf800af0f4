import csv
from collections import Counter
from fractions import Fraction

import pytest

from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.sessions.logs import read_sessions, recognise
from qbuild.labels.sessions.options import SessionOptions
from qbuild.labels.sessions.session import Session

HEADER = "rebuffering_duration,chunk_duration,framerate,mos\n"


def log(*stalls, rate="25", length="2.0"):
    return HEADER + "".join(f"{stall},{length},{rate},1.0\n" for stall in stalls)


@pytest.fixture
def folder(write):
    """A folder of logs by name, with the rows of data.csv."""

    def _folder(scores, **logs):
        for name, text in logs.items():
            write(f"db/streaming_logs/{name}.csv", text)
        return write("db/data.csv", scores).parent

    return _folder


def read(*paths, **options):
    return [session for _, session in read_sessions(paths, options=SessionOptions(**options))]


def test_a_stall_is_where_the_previous_chunks_end(folder):
    path = folder("streaming_log,mos\na.csv,70.5\n", a=log(1.5, 0, 3, 0))
    (session,) = read(path)
    assert session.events == ((0.0, 1.5), (4.0, 3.0))
    assert (session.fps, session.media_s, session.clock) == (Fraction(25), 8.0, "media")
    assert (session.path, session.source_file, session.source_row) == ("a.csv", "a.csv", 1)


def test_the_score_is_that_of_data_csv_and_not_of_the_log(folder):
    (session,) = read(folder("streaming_log,mos\na.csv,70.5\n", a=log(0)))
    assert session.rating == {"mos": 70.5}


def test_sessions_are_in_the_order_of_data_csv_then_the_unlisted_ones(folder):
    path = folder("streaming_log,mos\nb.csv,2\na.csv,1\n", a=log(0), b=log(0), c=log(0))
    assert [(s.path, s.rating) for s in read(path)] == [
        ("b.csv", {"mos": 2.0}),
        ("a.csv", {"mos": 1.0}),
        ("c.csv", {}),
    ]


def test_a_log_rated_on_two_devices_is_two_sessions(folder):
    scores = "streaming_log,mos,device\na.csv,1,phone\na.csv,2,hdtv\n"
    assert [s.path for s in read(folder(scores, a=log(0)))] == ["phone/a.csv", "hdtv/a.csv"]


def test_a_log_without_scores_is_a_session_without_score(write):
    path = write("a.csv", "chunk_duration,rebuffering_duration\n4,0\n4,1\n")
    (session,) = read(path)
    assert recognise(path).name == "waterloo"
    assert (session.events, session.rating, session.fps) == (((4.0, 1.0),), {}, None)
    assert [name for name, _ in read_sessions([path])] == [None]


def test_a_log_without_rate_takes_that_of_the_options(write):
    path = write("a.csv", "chunk_duration,rebuffering_duration\n4,0\n")
    assert read(path, fps="24")[0].fps == 24


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty-log"),
        (HEADER, "empty-log"),
        (log(0) + "0,2", "unreadable"),
        (log("x"), "not-a-number"),
        (log(""), "not-a-number"),
        (log(0, length="nan"), "not-a-number"),
        (log(0, rate="0"), "bad-frame-rate"),
        (log(0, rate="-25"), "bad-frame-rate"),
        (log(0) + "0,2,50,1\n", "mixed-frame-rates"),
        ("a,b\n1,2\n", "another-form"),
    ],
)
def test_a_broken_log_is_rejected_and_the_others_are_read(folder, text, reason):
    path = folder("streaming_log,mos\na.csv,1\nb.csv,2\n", a=text, b=log(0))
    broken, whole = read(path)
    assert isinstance(broken, RejectedRow)
    assert (broken.source, broken.row, broken.rejection.reason) == ("a.csv", 1, reason)
    assert isinstance(whole, Session)


@pytest.mark.parametrize("name", ["gone.csv", "", "../data.csv", "..\\data.csv"])
def test_a_missing_log_is_rejected_at_its_row_of_data_csv(folder, name):
    path = folder(f"streaming_log,mos\na.csv,1\n{name},1\n", a=log(0))
    _, rejected = read(path)
    assert (rejected.source, rejected.row, rejected.rejection.reason) == (
        "data.csv",
        2,
        "missing-log",
    )


def test_a_score_that_is_not_a_number_rejects_its_session(folder):
    (rejected,) = read(folder("streaming_log,mos\na.csv,good\n", a=log(0)))
    assert (rejected.source, rejected.rejection.reason) == ("data.csv", "not-a-number")


def test_truncated_scores_reject_the_folder(folder):
    (rejected,) = read(folder("streaming_log,mos\na.csv\n", a=log(0)))
    assert (rejected.source, rejected.rejection.reason) == ("data.csv", "unreadable")


def test_a_negative_stall_is_left_to_the_validation(folder):
    (session,) = read(folder("streaming_log,mos\na.csv,1\n", a=log(-1, 0)))
    assert session.events == ((0.0, -1.0),)


def test_published_logs_of_database_one_are_sixty_of_each_kind(streaming):
    sessions = read(streaming / "waterloo_sqoe_1")
    assert Counter(session.events for session in sessions) == {
        (): 60,
        ((0.0, 5.0),): 60,
        ((5.0, 5.0),): 60,
    }
    assert {session.media_s for session in sessions} == {10.0}
    assert {session.fps for session in sessions} == {24, 25, 30, 50}


def test_published_scores_inside_the_logs_disagree_in_120_of_180(streaming):
    folder = streaming / "waterloo_sqoe_1"
    with (folder / "data.csv").open(encoding="utf-8") as stream:
        scores = {row["streaming_log"]: float(row["mos"]) for row in csv.DictReader(stream)}
    differ = 0
    for session in read(folder):
        assert session.rating == {"mos": scores[session.path]}
        with (folder / "streaming_logs" / session.source_file).open(encoding="utf-8") as stream:
            inside = {float(row["mos"]) for row in csv.DictReader(stream)}
        differ += inside != {scores[session.path]}
    assert (len(scores), differ) == (180, 120)
