import json
from collections import Counter
from fractions import Fraction

import pytest

from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.sessions.logs import read_sessions, recognise
from qbuild.labels.sessions.options import SessionOptions

SCORES = "pvs_id,context,mos,n,sd\nTR1_SRC1,pc,4.5,28,0.5\nTR1_SRC1,mobile,4.1,25,0.25\n"


def record(*stalls, **more):
    segments = [{"start": 0, "duration": 5.48, "fps": 25.0}, {"duration": 5.0, "fps": 25}]
    return {"I13": {"segments": segments}, "I23": {"stalling": list(stalls)}, **more}


def read(path, **options):
    return [s for _, s in read_sessions([path], SessionOptions(layout="p1203", **options))]


def test_stalls_are_media_seconds_and_segments_give_rate_and_length(write):
    path = write("a.json", record([0, 2], [5.5, 3]))
    (session,) = read(path)
    assert recognise(path).name == "p1203"
    assert (session.events, session.clock) == (((0.0, 2.0), (5.5, 3.0)), "media")
    assert (session.fps, session.media_s) == (Fraction(25), 10.48)
    assert (session.path, session.rating) == ("a", {})


@pytest.mark.parametrize("change", [{"I23": {}}, {"I23": None}, {"I23": {"stalling": []}}])
def test_no_list_of_stalls_is_a_session_without_stalls(write, change):
    assert read(write("a.json", record() | change))[0].events == ()


def test_an_input_without_stalling_at_all_is_a_session_without_stalls(write):
    whole = record()
    del whole["I23"]
    assert read(write("a.json", whole))[0].events == ()


def test_without_segments_the_scores_per_second_give_the_length(write):
    scores = {"O21": [4.0] * 9, "O22": [4.0] * 8, "I23": {"stalling": [[3, 1]]}}
    path = write("a.json", scores)
    (session,) = read(path)
    assert (session.fps, session.media_s) == (None, 8.0)
    assert read(path, fps="24")[0].fps == 24


def test_a_session_rated_on_two_devices_is_two_sessions_with_their_scores(write):
    for context in ("pc", "mobile"):
        path = write(f"db/046-TR1_SRC1-{context}-input.json", record())
    write("db/046-TR2_SRC9-pc-input.json", record())
    write("db/mos.csv", SCORES)
    assert recognise(path.parent).name == "p1203"
    assert {s.path: s.rating for s in read(path.parent)} == {
        "mobile/TR1_SRC1": {"mos": 4.1, "mos_std": 0.25, "num_ratings": 25},
        "pc/TR1_SRC1": {"mos": 4.5, "mos_std": 0.5, "num_ratings": 28},
        "pc/TR2_SRC9": {},
    }


def test_truncated_scores_reject_their_sessions(write):
    path = write("db/046-TR1_SRC1-pc-input.json", record())
    write("db/mos.csv", SCORES[:-9])
    (rejected,) = read(path)
    assert (rejected.rejection.reason, rejected.rejection.message.startswith("mos.csv: ")) == (
        "unreadable",
        True,
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty-log"),
        ('{"I23": {"stalling": [[0, 2]', "unreadable"),
        ("[" * 100_000, "unreadable"),
        (b'{"I23": "\xff"}', "unreadable"),
        ("[]", "unreadable"),
        ({"other": 1}, "another-form"),
        ([record(), record()], "another-form"),
        (record(5), "another-form"),
        (record([1, 2, 3]), "another-form"),
        (record() | {"I23": []}, "another-form"),
        (record() | {"I23": {"stalling": "none"}}, "another-form"),
        (record() | {"I13": {"segments": [1]}}, "another-form"),
        (record(["1", 2]), "not-a-number"),
        (record([True, 2]), "not-a-number"),
        (record([1, None]), "not-a-number"),
        ('{"I23": {"stalling": [[NaN, 2]]}}', "not-a-number"),
        ('{"I23": {"stalling": [[1, 1e999]]}}', "not-a-number"),
        (f'{{"I23": {{"stalling": [[1, {"9" * 400}]]}}}}', "not-a-number"),
        (record() | {"I13": {"segments": [{"fps": 25}]}}, "not-a-number"),
        (record() | {"I13": {"segments": [{"fps": 0, "duration": 1}]}}, "bad-frame-rate"),
        (
            record()
            | {"I13": {"segments": [{"fps": 25, "duration": 1}, {"fps": 50, "duration": 1}]}},
            "mixed-frame-rates",
        ),
    ],
)
def test_a_broken_input_is_rejected_with_its_reason(write, content, reason):
    (rejected,) = read(write("a.json", content))
    assert isinstance(rejected, RejectedRow)
    assert (rejected.source, rejected.row, rejected.rejection.reason) == ("a.json", 1, reason)


def test_an_input_longer_than_its_preview_is_recognised(write):
    path = write("a.json", {"O22": [1.0] * 50_000, "I23": {"stalling": [[1, 2]]}})
    assert path.stat().st_size > 1 << 17
    assert recognise(path).name == "p1203"
    assert read(path)[0].media_s == 50_000


def test_published_inputs_hold_the_stalls_of_their_lists(streaming):
    folder = streaming / "p1203"
    sessions = [session for _, session in read_sessions([folder])]
    assert len(sessions) == len({session.path for session in sessions}) == 150
    for session in sessions:
        record = json.loads((folder / session.source_file).read_text(encoding="utf-8"))
        assert [list(stall) for stall in session.events] == record["I23"]["stalling"]
        assert session.media_s == len(record["O22"])
    assert Counter(len(s.events) for s in sessions) == {0: 62, 1: 20, 2: 62, 4: 4, 5: 2}
    assert {session.fps for session in sessions} == {None}


def test_published_scores_are_missing_for_fifteen_mobile_inputs(streaming):
    sessions = [session for _, session in read_sessions([streaming / "p1203"])]
    unrated = [session.path for session in sessions if not session.rating]
    assert len(unrated) == 15
    assert all(path.startswith("mobile/VL13_") for path in unrated)


def test_published_examples_are_all_read(streaming):
    sessions = {s.path: s for _, s in read_sessions([streaming / "p1203_examples"])}
    assert len(sessions) == 16
    assert sessions["mode0_no_stalling"].events == ()
    assert sessions["mode0"].events == ()
    assert sessions["mode0_long_stalling"].events == ((0.0, 5.0), (5.0, 30.0))
    assert sessions["mode0_long_stalling"].media_s == pytest.approx(20.078)
    assert sessions["mode3_errors"].fps == sessions["mode1_errors"].fps == Fraction(30000, 1001)
    assert [name for name, s in sessions.items() if s.fps is None] == ["existing_O21_O22"]
