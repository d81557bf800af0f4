"""qbuild/stages/stalling.py: logs in, stall rows out."""

from __future__ import annotations

import json

import pytest
import stalled
from running import rejected_of, run_stage

from qbuild.core.artifact.reader import Artifact
from qbuild.core.errors import InputError, UsageError
from qbuild.core.schema import load_schema
from qbuild.labels.sessions.options import SessionOptions
from qbuild.quality.stalls import expand_runs
from qbuild.stages import get_stage


def stalling(inputs, output, **given):
    run_stage(get_stage("stalling"), inputs, output, **given)
    return Artifact.open(output)


def events_file(folder, *sessions, name="log.csv", fps="25", clock="media"):
    lines = ["media,start_s,duration_s,fps,media_s,clock"]
    for path, stalls in sessions:
        for start, length in stalls or [("", "")]:
            lines.append(f"{path},{start},{length},{fps},10,{clock}")
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def test_rows_hold_both_clocks_the_sequence_and_the_summary():
    table = stalled.rows(stalled.session("a.mp4", [(0.0, 2.0), (5.0, 1.0)]))
    assert not load_schema("stall").check(table)
    (row,) = table.to_pylist()
    assert (row["duration_s"], row["initial_buffering_s"]) == (13.0, 2.0)
    assert (row["stall_count"], row["stall_total_s"], row["tail_s"]) == (1, 1.0, 5.0)
    assert row["stall_share"] == pytest.approx(1 / 13)
    assert row["runs"] == [0, 50, 125, 25, 125]
    assert [event["kind"] for event in row["events"]] == ["initial buffering", "stall"]
    assert [event["wall_start_s"] for event in row["events"]] == [0.0, 7.0]
    assert [event["first_frame"] for event in row["events"]] == [0, 175]


def test_initial_buffering_can_be_left_out_of_the_sequence():
    session = stalled.session("a.mp4", [(0.0, 2.0), (5.0, 1.0)])
    (row,) = stalled.rows(session, initial="none").to_pylist()
    assert row["runs"] == [125, 25, 125]
    assert row["num_frames"] == 275
    assert [event["num_frames"] for event in row["events"]] == [0, 25]
    assert row["initial_buffering_s"] == 2.0


def test_the_sequence_is_as_long_as_the_sum_of_its_runs():
    session = stalled.session("a.mp4", [(1.01, 0.333)], fps=24, media_s=9.99)
    (row,) = stalled.rows(session).to_pylist()
    assert sum(row["runs"]) == row["num_frames"] == len(expand_runs(row["runs"]))


def test_a_session_without_stalls_is_one_run():
    (row,) = stalled.rows(stalled.session()).to_pylist()
    assert (row["runs"], row["events"], row["stall_share"]) == ([250], [], 0.0)


def test_plain_events_go_through_the_stage(tmp_path):
    log = events_file(tmp_path, ("a.mp4", [(0, 1), (4, 2)]), ("b.mp4", []))
    made = stalling([log], tmp_path / "s.parquet", dataset="mine")
    rows = made.table().to_pylist()
    assert [row["media_id"] for row in rows] == ["mine:a.mp4", "mine:b.mp4"]
    assert made.description.report["sessions"] == {
        "none": 1, "buffering only": 0, "stalls": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("layout", "events"),
        ("dataset", "other"),
        ("fps", "50"),
        ("clock", "wall"),
        ("initial", "none"),
        ("licence", "MIT"),
        ("source", "a study"),
    ],
)
def test_every_option_changes_the_rows(tmp_path, option, value):
    lines = "media,start_s,duration_s,media_s\na.mp4,0,1,10\na.mp4,4,2,10\n"
    (tmp_path / "log.csv").write_text(lines)
    base = {"fps": "25"}
    plain = stalling([tmp_path / "log.csv"], tmp_path / "a.parquet", **base)
    other = stalling([tmp_path / "log.csv"], tmp_path / "b.parquet", **{**base, option: value})
    same = plain.description.content_hash == other.description.content_hash
    assert same == (option == "layout"), "auto finds the layout that is named"


def test_rejected_sessions_are_kept_and_the_others_are_read(tmp_path):
    good = [(f"{at}.mp4", [(1, 1)]) for at in range(30)]
    log = events_file(tmp_path, *good, ("bad.mp4", [(5, 1), (2, 1)]))
    made = stalling([log], tmp_path / "s.parquet")
    (kept,) = rejected_of(made.path)
    assert (made.rows, kept["reason"]) == (30, "out-of-order")
    assert "bad.mp4" in kept["message"]
    assert json.loads(kept["record"])["path"] == "bad.mp4"


def test_sessions_of_one_name_collapse_if_identical_and_are_rejected_otherwise(tmp_path):
    one = events_file(tmp_path, ("a.mp4", [(1, 1)]), ("b.mp4", [(1, 1)]), name="one.csv")
    two = events_file(tmp_path, ("a.mp4", [(1, 1)]), ("b.mp4", [(3, 1)]), name="two.csv")
    made = stalling([one, two], tmp_path / "s.parquet", dataset="d", share=1.0)
    assert made.table().column("path").to_pylist() == ["a.mp4"]
    assert made.description.report["collapsed"] == 1
    assert [row["reason"] for row in rejected_of(made.path)] == ["conflict", "conflict"]


def test_limit_takes_the_first_sessions(tmp_path):
    log = events_file(tmp_path, *[(f"{at}.mp4", [(1, 1)]) for at in range(9)])
    assert stalling([log], tmp_path / "s.parquet", limit=4).rows == 4


@pytest.mark.parametrize("fps", ["0", "-25", "25/0", "fast", "1e3"])
def test_an_invalid_rate_is_a_usage_error(fps):
    with pytest.raises(ValueError, match="expected a positive rate"):
        SessionOptions(fps=fps)


def test_an_unknown_layout_and_a_missing_log_are_errors(tmp_path):
    log = events_file(tmp_path, ("a.mp4", [(1, 1)]))
    with pytest.raises(UsageError, match="waterlo"):
        stalling([log], tmp_path / "s.parquet", layout="waterlo")
    with pytest.raises(InputError, match="no such file"):
        stalling([tmp_path / "gone"], tmp_path / "s.parquet")


# ---------------------------------------------------------------------------- published sessions


def test_live_nflx_2_counts_and_seconds_are_the_files_own(data_folder, tmp_path):
    from scipy.io import loadmat

    folder = data_folder / "streaming" / "live_nflx_2"
    rows = stalling([folder], tmp_path / "s.parquet").table().to_pylist()
    assert len(rows) == 224
    assert sum(row["stall_count"] > 0 for row in rows) == 87
    by_name = {row["source_file"]: row for row in rows}
    for path in folder.glob("*.mat"):
        log, row = loadmat(path), by_name[path.name]
        assert row["stall_count"] == log["rebuffer_number"].item(), path.name
        frame = row["fps_den"] / row["fps_num"]
        assert row["stall_total_s"] == pytest.approx(
            log["rebuffer_duration_sec"].item(), abs=frame / 2
        )
        assert expand_runs(row["runs"]).tolist() == log["is_rebuffered_bool"].ravel().tolist()


def test_waterloo_1_has_60_sessions_of_each_kind(data_folder, tmp_path):
    folder = data_folder / "streaming" / "waterloo_sqoe_1"
    rows = stalling([folder], tmp_path / "s.parquet").table().to_pylist()
    kinds = [
        (
            row["initial_buffering_s"],
            [(e["media_start_s"], e["duration_s"]) for e in row["events"][-1:]],
        )
        for row in rows
    ]
    assert len(rows) == 180
    assert kinds.count((0.0, [])) == 60
    assert kinds.count((5.0, [(0.0, 5.0)])) == 60
    assert kinds.count((0.0, [(5.0, 5.0)])) == 60
    assert all(row["mos"] is not None for row in rows)


def test_every_p1203_list_equals_the_events_written(data_folder, tmp_path):
    folder = data_folder / "streaming" / "p1203"
    rows = stalling([folder], tmp_path / "s.parquet", fps="25").table().to_pylist()
    logs = {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}
    assert len(rows) == len(logs) == 150
    for row in rows:
        logged = logs[row["source_file"]]["I23"]["stalling"]
        ours = [[e["media_start_s"], e["duration_s"]] for e in row["events"]]
        assert ours == [[start, length] for start, length in logged if length > 0]
