from __future__ import annotations

import json
import re
import sys

import jsonschema
import numpy as np
import pyarrow as pa
import pytest
import stalled
import tables
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from running import rejected_of, rows_of, run_stage

from qbuild.cli.main import main
from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.canonical import hash_file
from qbuild.core.errors import (
    CombinedError,
    InputError,
    SchemaError,
    TooManyRejectedError,
    UsageError,
)
from qbuild.core.inspect.validate import validate
from qbuild.core.media_roots import MediaRoots
from qbuild.core.schema import load_schema
from qbuild.quality import stalls
from qbuild.stages import get_stage
from qbuild.stages.streaming_qa import STAGE

WORDS = ("Low", "Poor", "Fair", "Good", "High")
QUESTION = "How would you rate the quality of this video?"
ONE_EACH = (
    "Each digit below stands for one frame of this video, in the order shown: "
    "0 where playback runs, 1 where it stalls."
)


def session(path, media_s, events=(), fps=(10, 1), **changed):
    """A stall row: seconds of media, and (media time, duration) of each stall."""
    starts, lasting = ([float(e[at]) for e in events] for at in (0, 1))
    stall_events = stalls.Events(np.array([0, len(events)]), np.array(starts), np.array(lasting))
    rates = stalls.Rates(np.array([fps[0]]), np.array([fps[1]]))
    summary = stalls.summarise(stall_events, np.array([float(media_s)]))
    first, covered = stalls.covered_frames(stall_events, rates)
    frames = rates.frames(summary.duration)
    runs, _ = stalls.run_lengths(stall_events.offsets, first, covered, frames)
    events = zip(
        np.where(stall_events.initial, stalls.INITIAL, stalls.PLAYBACK).tolist(),
        starts, stall_events.wall_start.tolist(), lasting, first.tolist(), covered.tolist(),
        strict=True,
    )  # fmt: skip
    form = load_schema("stall").arrow.field("events").type.value_type
    return {
        "media_id": f"d:{path}", "dataset": "d", "path": path, "mos": 50.0,
        "source_file": "made.log", "source_row": 1, "fps_num": fps[0], "fps_den": fps[1],
        "media_frames": int(rates.frames(np.array([float(media_s)]))[0]),
        "num_frames": int(frames[0]), "duration_s": summary.duration[0],
        "initial_buffering_s": summary.initial_buffering[0],
        "events": [dict(zip((f.name for f in form), event, strict=True)) for event in events],
        "runs": runs.tolist(), "stall_count": int(summary.count[0]),
        "stall_total_s": summary.total[0], "stall_share": summary.share[0],
        "tail_s": summary.tail[0], **changed,
    }  # fmt: skip


def watched(path, digits, fps=(24000, 1001)):
    """A stall row made from one digit a frame, as per-frame logs have them."""
    runs = stalls.vector_run_lengths(np.array(digits))
    rates = stalls.Rates(np.array([fps[0]]), np.array([fps[1]]))
    stall_events, frames = stalled.events_of(runs, np.array([0, len(runs)]), rates)
    events = list(
        zip(stall_events.media_start.tolist(), stall_events.duration.tolist(), strict=True)
    )
    return session(path, rates.seconds(frames)[0], events, fps)


def level(path, level=3, **changed):
    """A level row of the session with this path."""
    row = {
        "media_id": f"d:{path}", "dataset": "d", "path": path, "mos": 20.0 * level - 10,
        "source_file": "scores.csv", "source_row": 1, "mos_norm": 20.0 * level - 10,
        "level": level, "word": WORDS[level - 1],
    }  # fmt: skip
    return row | changed


def artifact(path, schema, rows):
    form = load_schema(schema).arrow
    table = pa.Table.from_pylist([dict.fromkeys(form.names) | row for row in rows], form)
    return tables.write_artifact(path, table, schema, "made")


def write_pairs(tmp_path, sessions, levels=None, **given):
    """Runs the stage; the result and the pairs as an artifact. Levels are made up if not given."""
    levels = [level(row["path"]) for row in sessions] if levels is None else levels
    inputs = (
        artifact(tmp_path / "stalls.parquet", "stall", sessions),
        artifact(tmp_path / "levels.parquet", "level", levels),
    )
    output = tmp_path / "pairs.parquet"
    result = run_stage(STAGE, inputs, output, **{"share": 1.0, **given})
    return result, Artifact.open(output)


def pairs(tmp_path, sessions, levels=None, **given):
    return write_pairs(tmp_path, sessions, levels, **given)[1].table().to_pylist()


def question_and_answer(row):
    """Both turns, the medium as `<0>`."""
    return tuple(
        "".join(f"<{part['media']}>" if part["text"] is None else part["text"] for part in parts)
        for parts in (turn["parts"] for turn in row["turns"])
    )


def questions(tmp_path, *sessions, **given):
    return [question_and_answer(row)[0] for row in pairs(tmp_path, sessions, **given)]


PLAIN = session("plain.mp4", 1)
BUFFERED = session("buffered.mp4", 1, [(0, 0.25)])
ONE = session("one.mp4", 1, [(0.5, 1)])
THREE = session("three.mp4", 2, [(0.5, 0.5), (1, 1), (1.5, 0.5)])
BOTH = session("both.mp4", 1, [(0, 0.5), (0.4, 0.5)])
BLINK = session("blink.mp4", 1, [(0.31, 0.004)])
ALL = [PLAIN, BUFFERED, ONE, THREE, BOTH, BLINK]
TEXTS = {
    "plain.mp4": (
        "0000000000",
        (
            "Playback of this video never stalls: stalls take up 0% of the total length. "
            "There is no initial buffering. "
            "The time from the beginning to the end of playback is 1 second."
        ),
    ),
    "buffered.mp4": (
        "1110000000000",
        (
            "Playback of this video never stalls: stalls take up 0% of the total length. "
            "Initial buffering takes 0.25 seconds. "
            "The time from the end of initial buffering to the end of playback is 1 second."
        ),
    ),
    "one.mp4": (
        "00000111111111100000",
        (
            "Playback of this video stalls once. "
            "The stall lasts 1 second and takes up 50% of the total length. "
            "There is no initial buffering. "
            "The time from the end of the stall to the end of playback is 0.5 seconds."
        ),
    ),
    "three.mp4": (
        "0000011111000001111111111000001111100000",
        (
            "Playback of this video stalls 3 times. "
            "In order, the stalls last 0.5 seconds, 1 second and 0.5 seconds; "
            "together they take up 50% of the total length. "
            "There is no initial buffering. "
            "The time from the end of the last stall to the end of playback is 0.5 seconds."
        ),
    ),
    "both.mp4": (
        "11111000011111000000",
        (
            "Playback of this video stalls once. "
            "The stall lasts 0.5 seconds and takes up 25% of the total length. "
            "Initial buffering takes 0.5 seconds. "
            "The time from the end of the stall to the end of playback is 0.6 seconds."
        ),
    ),
    "blink.mp4": (
        "00000000000",
        (
            "Playback of this video stalls once. "
            "The stall lasts less than 0.01 seconds and takes up 0.4% of the total length. "
            "There is no initial buffering. "
            "The time from the end of the stall to the end of playback is 0.69 seconds."
        ),
    ),
}


@pytest.mark.parametrize("row", ALL, ids=lambda row: row["path"])
def test_the_exact_words_of_both_pairs_of_a_session(tmp_path, row):
    digits, summary = TEXTS[row["path"]]
    assert [
        question_and_answer(pair) for pair in pairs(tmp_path, [row], [level(row["path"], 5)])
    ] == [
        (f"<0>\n{ONE_EACH}\n{digits}\n{QUESTION}", "The quality of the video is high."),
        (f"<0>\n{summary}\n{QUESTION}", "The quality of the video is high."),
    ]


def test_every_session_gives_its_two_pairs_side_by_side(tmp_path):
    result, pairs_artifact = write_pairs(tmp_path, ALL)
    assert (result.rows, result.rejected) == (12, 0)
    texts = [question_and_answer(row)[0] for row in pairs_artifact.table().to_pylist()]
    wanted = [TEXTS[row["path"]] for row in ALL]
    assert [text for text in texts if ONE_EACH in text] == texts[::2]
    assert all(summary in text for text, (_, summary) in zip(texts[1::2], wanted, strict=True))


def test_a_thinned_sequence_states_its_step(tmp_path):
    sequence, summary = questions(tmp_path, THREE, every_nth_frame=5)
    assert sequence == (
        "<0>\nEach digit below stands for one frame in 5 of this video, from the first on, "
        f"in the order shown: 0 where playback runs, 1 where it stalls.\n01011010\n{QUESTION}"
    )
    assert TEXTS["three.mp4"][1] in summary


@pytest.mark.parametrize(
    ("word_case", "words"),
    [("capitalised", WORDS), ("lower", ("low", "poor", "fair", "good", "high"))],
)
def test_the_answers_word_has_the_case_asked_for(tmp_path, word_case, words):
    sessions = [session(f"{at}.mp4", 1) for at in range(5)]
    levels = [level(f"{at}.mp4", at + 1) for at in range(5)]
    rows = pairs(tmp_path, sessions, levels, word_case=word_case)
    assert [question_and_answer(row)[1] for row in rows[::2]] == [
        f"The quality of the video is {w}." for w in words
    ]
    assert [row["labels"]["word"] for row in rows[1::2]] == list(WORDS)


def test_the_words_are_those_of_vqa2_whichever_the_levels_were_cut_with(tmp_path):
    rows = pairs(tmp_path, [ONE], [level("one.mp4", 5, word="excellent")])
    assert {question_and_answer(row)[1] for row in rows} == {"The quality of the video is high."}
    assert {row["labels"]["word"] for row in rows} == {"High"}


def test_every_option_changes_the_pairs(tmp_path):
    row = session("a.mp4", 2, [(0, 0.123), (1, 0.456)])
    choices = [
        {}, {"format": "sequence"}, {"format": "summary"}, {"word_case": "capitalised"},
        {"every_nth_frame": 2}, {"decimals": 1}, {"decimals": 0}, {"decimals": 3},
    ]  # fmt: skip
    texts = [
        tuple(map(question_and_answer, pairs(tmp_path, [row], **options))) for options in choices
    ]
    assert len(set(texts)) == len(choices)
    assert texts[0] == texts[1] + texts[2]


def test_decimals_are_as_requested(tmp_path):
    row = session("a.mp4", 2, [(0, 0.123456), (1, 0.456789)])
    (summary,) = questions(tmp_path, row, format="summary", decimals=4)
    assert re.findall(r"\d+\.\d+", summary) == ["0.4568", "17.7033", "0.1235"]
    (summary,) = questions(tmp_path, row, format="summary", decimals=0)
    assert "lasts less than 1 second and takes up 18% of" in summary


def test_a_live_like_session_gives_two_pairs(tmp_path):
    digits = [0] * 240 + [1] * 48 + [0] * 96 + [1] * 24
    sequence, summary = questions(tmp_path, watched("AirShow_Trace_0", digits))
    assert sequence.split("\n")[2] == "".join(map(str, digits))
    assert "stalls 2 times. In order, the stalls last 2 seconds and 1 second;" in summary
    assert summary.endswith(f"to the end of playback is 0 seconds.\n{QUESTION}")


def test_a_waterloo_like_session_gives_two_pairs(tmp_path):
    row = session("BigBuckBunny_1.mp4", 10, [(0, 2), (4, 1.5), (8, 0.25)], fps=(30, 1))
    sequence, summary = questions(tmp_path, row)
    digits = "1" * 60 + "0" * 120 + "1" * 45 + "0" * 120 + "1" * 8 + "0" * 60
    assert sequence.split("\n")[2] == digits
    assert "last 1.5 seconds and 0.25 seconds; together they take up 12.73% of" in summary
    assert "Initial buffering takes 2 seconds." in summary


def test_a_session_of_ten_minutes_has_a_digit_per_frame(tmp_path):
    row = session("long.mp4", 590, [(0, 2), (100, 8)], fps=(30, 1))
    (text,) = questions(tmp_path, row, format="sequence")
    digits = text.split("\n")[2]
    assert (len(digits), digits.count("1")) == (18_000, 300)


EVENTS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 500_000)), max_size=5, unique_by=lambda e: e[0]
).map(lambda found: [(at / 40, lasting / 1e5) for at, lasting in sorted(found)])


@given(
    st.lists(EVENTS, min_size=1, max_size=4),
    st.sampled_from([(25, 1), (30000, 1001), (24, 1)]),
    st.integers(1, 7),
    st.integers(0, 4),
)
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_text_reads_back_as_the_values_of_the_row(tmp_path, events, fps, thin, decimals):
    rows = [session(f"{at}.mp4", 10, stalls_of_one, fps) for at, stalls_of_one in enumerate(events)]
    texts = questions(tmp_path, *rows, every_nth_frame=thin, decimals=decimals)
    for row, sequence, summary in zip(rows, texts[::2], texts[1::2], strict=True):
        digits = stalls.expand_runs(np.array(row["runs"]))[::thin]
        assert sequence.split("\n")[-2] == "".join(map(str, digits))
        lasting = [e["duration_s"] for e in row["events"] if e["kind"] == "stall"]
        buffering = [row["initial_buffering_s"]] if row["initial_buffering_s"] else []
        numbers = re.findall(r"(less than )?(\d+(?:\.\d+)?)(?: second|%)", summary)
        figures = [*lasting, 100 * row["stall_share"], *buffering, row["tail_s"]]
        stalls_of_one = [0.0 if less else float(number) for less, number in numbers]
        assert stalls_of_one == [round(float(figure), decimals) for figure in figures]
        assert (len(lasting) > 1) == (f"stalls {len(lasting)} times" in summary)


# ------------------------------------------------------------------------------- what rows carry


def test_rows_are_valid_by_the_schema_and_by_its_oracle(tmp_path):
    _, pairs_artifact = write_pairs(tmp_path, ALL)
    assert validate(pairs_artifact.path, MediaRoots({})).total == 0
    oracle = jsonschema.Draft202012Validator(pairs_artifact.schema.document)
    rows = pairs_artifact.table().to_pylist()
    assert not [error.message for row in rows for error in oracle.iter_errors(row)]


def test_a_pair_has_its_labels_its_medium_and_its_parent(tmp_path):
    shares = [0.0, 0.25, 0.75, 0.0, 0.0]
    level_row = level("b/a.mp4", 4, mos=3.5, mos_std=7.5, level_probs=shares)
    row = session("b/a.mp4", 10, [(5, 1)], fps=(24000, 1001), split="train")
    for pair in pairs(tmp_path, [row], [level_row]):
        (medium,) = pair["media"]
        assert medium == {
            "media_id": "d:b/a.mp4", "kind": "video", "path": "b/a.mp4", "sha256": None,
            "fps": 24000 / 1001, "num_frames": row["num_frames"], "start_s": None, "end_s": None,
        }  # fmt: skip
        assert pair["labels"] == {
            "mos": 3.5, "mos_norm": 70.0, "mos_std": 7.5, "level": 4, "word": "Good",
            "level_probs": shares,
        }  # fmt: skip
        assert (pair["task"], pair["split"], pair["system"]) == ("streaming", "train", None)
        assert pair["provenance"]["stage"] == "streaming-qa"
        assert pair["provenance"]["parents"] == ["d:b/a.mp4"]
        assert pair["provenance"]["origin"] is None


def test_a_medium_has_as_many_frames_as_its_sequence_has_digits(tmp_path):
    for pair, row in zip(pairs(tmp_path, ALL, format="sequence"), ALL, strict=True):
        assert pair["media"][0]["num_frames"] == len(question_and_answer(pair)[0].split("\n")[2])
        assert row["media_frames"] <= row["num_frames"]


def test_a_session_without_a_split_takes_that_of_its_level(tmp_path):
    (pair, _) = pairs(tmp_path, [ONE], [level("one.mp4", split="test")])
    assert pair["split"] == "test"


def test_scores_that_no_human_gave_are_marked_synthetic(tmp_path):
    levels = [level("one.mp4", source="synthetic: a model"), level("both.mp4", source="A study")]
    rows = pairs(tmp_path, [ONE, BOTH], levels, format="summary")
    assert [row["provenance"]["origin"] for row in rows] == ["synthetic", None]


def test_a_sample_id_is_the_hash_of_its_content(tmp_path):
    def names(sessions, levels=None, **options):
        return [row["sample_id"] for row in pairs(tmp_path, sessions, levels, **options)]

    first = names([ONE, BOTH])
    assert len(set(first)) == 4
    assert names([BOTH, ONE]) == first[2:] + first[:2]
    assert names([ONE], [level("one.mp4", mos=61.0)]) == first[:2]
    assert set(names([ONE], [level("one.mp4", 4)])).isdisjoint(first)
    assert names([ONE], every_nth_frame=2)[0] not in first


def test_the_report_counts_sessions_and_the_pairs_of_each_format(tmp_path):
    result, _ = write_pairs(tmp_path, [ONE, BOTH, BOTH])
    formats = {"sequence": 2, "summary": 2}
    assert result.report == {"sessions": 2, "formats": formats, "collapsed": 1}
    line = "2 sessions, each with a sequence and a summary; 1 identical row collapsed"
    assert STAGE.render(result.report) == line
    result, _ = write_pairs(tmp_path, [ONE], format="summary")
    assert STAGE.render(result.report) == "1 session, each with a summary"


# ------------------------------------------------------------------------------------ rejections


def test_a_session_without_a_level_is_rejected(tmp_path):
    result, _ = write_pairs(tmp_path, [ONE, BOTH], [level("both.mp4"), level("elsewhere.mp4")])
    assert (result.rows, result.rejected) == (2, 1)
    (rejected,) = rejected_of(tmp_path / "pairs.parquet")
    assert (rejected["reason"], rejected["column"]) == ("no-level", "media_id")
    assert (rejected["value"], rejected["source"], rejected["row"]) == ("d:one.mp4", "made.log", 1)
    assert rejected["message"] == "no level artifact has a row of this session"
    assert json.loads(rejected["record"])["stall_count"] == 1


def test_nothing_is_written_if_no_session_has_a_level(tmp_path):
    with pytest.raises(InputError, match=r"no usable row \(2 of 2 rejected: .*no-level"):
        write_pairs(tmp_path, [ONE, BOTH], [level("elsewhere.mp4")])


def test_identical_sessions_collapse_and_conflicting_ones_are_rejected(tmp_path):
    other = session("both.mp4", 1, [(0.4, 0.5)], source_row=2)
    moved = ONE | {"source_file": "again.log", "source_row": 7}
    result, _ = write_pairs(tmp_path, [ONE, BOTH, moved, other, PLAIN])
    assert (result.rows, result.rejected, result.report["collapsed"]) == (4, 2, 1)
    rejected = rejected_of(tmp_path / "pairs.parquet")
    assert [(row["reason"], row["value"]) for row in rejected] == [("conflict", "d:both.mp4")] * 2


@pytest.mark.parametrize(
    ("changed", "given_", "reason", "column"),
    [
        ({"split": "train"}, {"split": "test"}, "split-conflict", "split"),
        ({"runs": [0], "num_frames": 0}, {}, "no-frame", "num_frames"),
        ({"runs": [5, 9, 5]}, {}, "inconsistent", None),
        ({"stall_count": 2}, {}, "inconsistent", None),
        ({"runs": [2**31], "num_frames": 2**31}, {}, "inconsistent", None),
    ],
)
def test_an_inconsistent_session_is_rejected(tmp_path, changed, given_, reason, column):
    result, _ = write_pairs(
        tmp_path, [PLAIN, ONE | changed], [level("plain.mp4"), level("one.mp4", **given_)]
    )
    assert (result.rows, result.rejected) == (2, 1)
    (rejected,) = rejected_of(tmp_path / "pairs.parquet")
    assert (rejected["reason"], rejected["column"]) == (reason, column)


def test_rejected_sessions_keep_the_order_of_the_input(tmp_path):
    sessions = [PLAIN, ONE | {"stall_count": 4}, THREE, BOTH | {"runs": [1]}]
    write_pairs(tmp_path, sessions, [level(row["path"]) for row in (PLAIN, ONE, BOTH)])
    reasons = [row["reason"] for row in rejected_of(tmp_path / "pairs.parquet")]
    assert reasons == ["inconsistent", "no-level", "inconsistent"]


def test_identical_levels_collapse_wherever_they_were_read(tmp_path):
    again = level("one.mp4", source_file="other.csv", source_row=9)
    assert len(pairs(tmp_path, [ONE], [level("one.mp4"), again])) == 2


def test_conflicting_levels_are_all_reported_at_once(tmp_path):
    levels = [level("one.mp4", 3), level("one.mp4", 4), level("one.mp4", 5)]
    with pytest.raises(
        InputError, match=r"d:one\.mp4: has levels that conflict: mos is 50\.0 and 70"
    ):
        write_pairs(tmp_path, [ONE], levels)
    more = [level("both.mp4", 3), level("both.mp4", 3, split="test")]
    with pytest.raises(
        CombinedError, match=r"d:both\.mp4: has levels that conflict: split is None and "
    ):
        write_pairs(tmp_path, [ONE, BOTH], [*levels, *more])


def test_levels_of_other_media_may_conflict(tmp_path):
    levels = [level("x.mp4", 1), level("one.mp4"), level("x.mp4", 2)]
    assert len(pairs(tmp_path, [ONE], levels)) == 2


def run(tmp_path, *inputs, **options):
    return run_stage(STAGE, inputs, tmp_path / "pairs.parquet", **options)


def test_levels_of_several_artifacts_in_any_order_are_joined(tmp_path):
    inputs = (
        artifact(tmp_path / "a.parquet", "level", [level("one.mp4", 1)]),
        artifact(tmp_path / "b.parquet", "stall", [ONE]),
        artifact(tmp_path / "c.parquet", "level", [level("both.mp4", 5, split="s", word="good")]),
        artifact(tmp_path / "d.parquet", "stall", [BOTH]),
    )
    assert run(tmp_path, *inputs).rows == 4
    rows = rows_of(tmp_path / "pairs.parquet")
    assert [row["labels"]["level"] for row in rows] == [1, 1, 5, 5]


def test_without_levels_the_command_that_makes_them_is_named(tmp_path):
    sessions = artifact(tmp_path / "live.parquet", "stall", [ONE])
    with pytest.raises(UsageError) as caught:
        run(tmp_path, sessions)
    assert str(caught.value) == (
        "streaming-qa: no level artifact is given; "
        "expected the levels of the sessions as well as their stalls. "
        "Make one with `qbuild mos-to-levels live.parquet -o levels.parquet`, and give both."
    )


def test_without_sessions_the_command_that_makes_them_is_named(tmp_path):
    levels = artifact(tmp_path / "levels.parquet", "level", [level("one.mp4")])
    with pytest.raises(UsageError, match=r"no stall artifact is given.*`qbuild stalling LOGS"):
        run(tmp_path, levels)


def test_an_artifact_of_another_kind_is_an_error(tmp_path):
    ratings = tables.write_artifact(tmp_path / "ratings.parquet", tables.rating_table(3))
    with pytest.raises(SchemaError, match="expected schema stall or level"):
        run(tmp_path, ratings)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (
            {"every_nth_frame": 2, "format": "summary"},
            "--every-nth-frame: a summary has no sequence",
        ),
        ({"decimals": 1, "format": "sequence"}, "--decimals: a sequence has none"),
    ],
)
def test_options_without_effect_are_an_error(tmp_path, options, what):
    with pytest.raises(UsageError, match=what):
        write_pairs(tmp_path, [ONE], **options)


@pytest.mark.parametrize(
    "given_", [("--every-nth-frame", "0"), ("--decimals", "7"), ("--decimals", "-1")]
)
def test_a_value_out_of_range_is_a_usage_error(tmp_path, given_, monkeypatch, capsys):
    row = str(artifact(tmp_path / "stalls.parquet", "stall", [ONE]))
    output = str(tmp_path / "pairs.parquet")
    monkeypatch.setattr(sys, "argv", ["qbuild", "streaming-qa", row, "-o", output, *given_])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert given_[0] in capsys.readouterr().err


def test_limit_and_the_share_of_rejected_rows_count_sessions(tmp_path):
    levels = [level(row["path"]) for row in ALL[:-1]]
    assert write_pairs(tmp_path, ALL, levels, limit=2)[0].rows == 4
    with pytest.raises(TooManyRejectedError, match="1 of 6 rows rejected"):
        write_pairs(tmp_path, ALL, levels, share=0.1)
    assert write_pairs(tmp_path, ALL, levels, share=0.2)[0].rows == 10


# --------------------------------------------------------------------------------- reproducibility


def many():
    """Sessions of all sorts, some repeated, at odds, without a level; and the levels."""
    rng = np.random.default_rng(5)
    sessions = []
    for at in range(150):
        starts = np.sort(rng.choice(60, rng.integers(0, 4), replace=False)) / 10
        events = [(start, float(rng.uniform(0.001, 2))) for start in starts.tolist()]
        sessions.append(session(f"{at:03d}.mp4", 6, events, fps=(25, 1)))
    sessions += [sessions[4], sessions[9] | {"tail_s": 0.5}]
    return sessions, [level(f"{at:03d}.mp4", at % 5 + 1) for at in range(150) if at % 31]


def test_one_hash_at_any_batch_size_and_number_of_workers(tmp_path):
    sessions, levels = many()
    hashes = set()
    for rows, workers in [(1, 1), (7, 1), (65_536, 1), (7, 2), (65_536, 2)]:
        _, pairs_artifact = write_pairs(
            tmp_path, sessions, levels, batch_rows=rows, workers=workers
        )
        files = [pairs_artifact.path, rejected_path(pairs_artifact.path)]
        hashes.add(tuple(map(hash_file, files)))
    assert len(hashes) == 1


def test_the_order_of_the_levels_changes_no_pair(tmp_path):
    sessions, levels = many()
    assert pairs(tmp_path, sessions, levels) == pairs(tmp_path, sessions, levels[::-1])


def test_pairs_are_made_from_levels_of_mos_to_levels(tmp_path):
    rows = [session(f"{at}.mp4", 1, [(0.5, at + 1)], mos=10.0 * at) for at in range(11)]
    sessions = artifact(tmp_path / "stalls.parquet", "stall", rows)
    levels = tmp_path / "levels.parquet"
    run_stage(get_stage("mos-to-levels"), sessions, levels)
    assert run(tmp_path, sessions, levels, format="summary").rows == 11
    made = rows_of(levels)
    qa_rows = rows_of(tmp_path / "pairs.parquet")
    for row, pair in zip(made, qa_rows, strict=True):
        assert pair["labels"]["mos"] == row["mos"]
        assert question_and_answer(pair)[1] == f"The quality of the video is {row['word'].lower()}."
