import json
from fractions import Fraction

import pytest

from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.sessions.logs import read_sessions, recognise
from qbuild.labels.sessions.options import SessionOptions


def read(path, **options):
    return [s for _, s in read_sessions([path], SessionOptions(layout="events", **options))]


def test_rows_of_one_media_are_one_session_in_the_order_of_the_file(write):
    path = write("a.csv", "media,start_s,duration_s\nb,5,1\na,9,2\na,3,1.5\n")
    assert recognise(path).name == "events"
    assert [(s.path, s.events, s.source_row) for s in read(path)] == [
        ("b", ((5.0, 1.0),), 1),
        ("a", ((9.0, 2.0), (3.0, 1.5)), 2),
    ]


def test_a_row_with_empty_start_and_duration_is_a_session_without_stalls(write):
    (session,) = read(write("a.csv", "media,start_s,duration_s,media_s\na,,,12\n"))
    assert (session.events, session.media_s) == ((), 12.0)


def test_values_of_a_session_may_be_in_any_of_its_rows(write):
    header = "media,start_s,duration_s,fps,media_s,clock,mos,mos_std,num_ratings,split\n"
    rows = "a,1,1,,,wall,,,,\na,5,1,24000/1001,30,,3.5,0.5,20,test\n"
    (session,) = read(write("a.csv", header + rows))
    assert (session.fps, session.media_s) == (Fraction(24000, 1001), 30.0)
    assert session.clock == "wall"
    assert session.rating == {"mos": 3.5, "mos_std": 0.5, "num_ratings": 20, "split": "test"}


def test_the_clock_of_the_options_is_for_files_without_one(write):
    path = write("a.csv", "media,start_s,duration_s,clock\na,1,1,\nb,1,1,media\n")
    assert [s.clock for s in read(path)] == ["media", "media"]
    assert [s.clock for s in read(path, clock="wall")] == ["wall", "media"]


def test_lines_of_json_are_read_like_a_table(write):
    records = [
        {"media": "a", "start_s": 1, "duration_s": 2.5, "fps": 29.97, "mos": 4},
        {"media": "b", "start_s": None, "duration_s": None},
    ]
    path = write("a.jsonl", "".join(json.dumps(record) + "\n" for record in records))
    first, second = read(path)
    assert recognise(path).name == "events"
    assert (first.events, first.fps) == (((1.0, 2.5),), Fraction(30000, 1001))
    assert (second.events, second.source_row) == ((), 2)


def test_other_delimiters_are_found(write):
    assert read(write("a.tsv", "media\tstart_s\tduration_s\na\t1\t2\n"))[0].events == ((1.0, 2.0),)
    assert read(write("a.csv", "media;start_s;duration_s\na;1;2\n"))[0].events == ((1.0, 2.0),)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,x,1,25,media", "not-a-number"),
        ("a,1,,25,media", "not-a-number"),
        ("a,,1,25,media", "not-a-number"),
        ("a,inf,1,25,media", "not-a-number"),
        ("a,1,1,0,media", "bad-frame-rate"),
        ("a,1,1,-5,media", "bad-frame-rate"),
        ("a,1,1,24,media", "conflict"),
        ("a,1,1,25,utc", "bad-clock"),
        (",1,1,25,media", "missing-path"),
    ],
)
def test_a_broken_row_rejects_its_session_and_no_other(write, row, reason):
    text = "media,start_s,duration_s,fps,clock\nb,1,1,25,media\n"
    if reason == "conflict":
        text += "a,2,1,25,media\n"
    *rest, rejected = sorted(
        read(write("a.csv", text + row + "\n")), key=lambda s: isinstance(s, RejectedRow)
    )
    assert [session.path for session in rest] == ["b"]
    assert (rejected.source, rejected.row, rejected.rejection.reason) == ("a.csv", 2, reason)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "", "empty-log"),
        ("a.jsonl", "", "empty-log"),
        ("a.csv", "media,start_s,duration_s\n", "empty-log"),
        ("a.csv", "media,start_s,duration_s\na,1\n", "unreadable"),
        ("a.jsonl", '{"media": "a", "start_s": 1, "dur', "unreadable"),
        ("a.csv", "media,start_s\na,1\n", "another-form"),
        ("a.jsonl", '{"media": "a", "start_s": 1}\n', "another-form"),
    ],
)
def test_a_broken_file_is_rejected_as_a_whole(write, name, content, reason):
    (rejected,) = read(write(name, content))
    assert (rejected.source, rejected.row, rejected.rejection.reason) == (name, 1, reason)
