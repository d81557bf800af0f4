"""`motion-clips`: complete rows, reproducible bytes, bad videos rejected by reason."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pyarrow as pa
import pytest
from clips import make_clip, make_sound, truncate
from pydantic import ValidationError
from running import file_hashes, rejected_of, rows_of, run_stage
from tables import write_artifact

from qbuild.core.canonical import hash_file, row_seed
from qbuild.core.errors import InputError, TooManyRejectedError, UsageError
from qbuild.media.clips.plan import request_clips
from qbuild.stages.motion_clips import STAGE, MotionClipsOptions, prepare, reject_unused_options

LABELS = "path,distortions\na.mp4,stuttering\nb.mp4,flicker\nc.mp4,stuttering;flicker\n"


def clips(inputs, folder, share=1.0, **given):
    operations = given.get("operations", "cut")
    short = {"crops": "32,48"} if {"cut", "spatial"} & set(operations.split(",")) else {}
    return run_stage(STAGE, inputs, folder, share=share, **{"lengths": "0.3,0.5", **short, **given})


def videos_in(folder, *names, **properties):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        make_clip(folder / name, frames=24 + number, **properties)
    return folder


def labelled(rows):
    """Rows of a `distortion` artifact with these columns."""
    defaults = {
        "split": None,
        "licence": None,
        "source": None,
        "sha256": None,
        "source_media_id": None,
        "distortions": [],
        "others": [],
        "judged": None,
        "kind": "video",
        "source_file": None,
        "source_row": None,
    }
    made = [{**defaults, "media_id": f"{r['dataset']}:{r['path']}", **r} for r in rows]
    return pa.Table.from_pylist(made)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return videos_in(tmp_path_factory.mktemp("in") / "street", "a.mp4", "b.mp4", "c.mp4")


@pytest.fixture(scope="module")
def cuts(folder, tmp_path_factory):
    """Cuts of the three labelled videos: the output folder and the result."""
    place = tmp_path_factory.mktemp("cuts")
    (place / "labels.csv").write_text(LABELS)
    out = place / "out"
    roots = (str(folder),)
    result = clips(place / "labels.csv", out, roots=roots, dataset="live", per_video=4)
    return out, result


@pytest.fixture(scope="module")
def distorted(folder, tmp_path_factory):
    """The three videos, without labels, with shake, flicker and stuttering."""
    out = tmp_path_factory.mktemp("distorted") / "out"
    return out, clips(folder, out, operations="inject", per_video=3, severity="all")


def test_a_cut_keeps_the_labels_of_its_video(cuts):
    out, result = cuts
    known = {"a.mp4": ["stuttering"], "b.mp4": ["flicker"], "c.mp4": ["flicker", "stuttering"]}
    rows = rows_of(out)
    assert len(rows) == result.rows == 12
    for row in rows:
        assert sorted(d["name"] for d in row["distortions"]) == known[row["source_path"]]
        assert row["source_media_id"] == f"live:{row['source_path']}"
        assert row["dataset"] == "live-clips"
        assert row["media_id"] == f"live-clips:{row['path']}"
        assert row["source_file"] == "labels.csv"
        assert (row["severity"], row["parameters"]) == (None, [])
        assert not (row["source"] or "").startswith("synthetic")


def test_a_row_describes_its_file(cuts, folder):
    out, _ = cuts
    for row in rows_of(out):
        file = out / "media" / row["path"]
        assert hash_file(file) == f"sha256:{row['sha256']}"
        assert hash_file(folder / row["source_path"]) == f"sha256:{row['source_sha256']}"
        with av.open(str(file)) as opened:
            stream = opened.streams.video[0]
            assert (stream.width, stream.height) == (row["width"], row["height"])
            assert stream.average_rate == Fraction(row["fps_num"], row["fps_den"])
            assert sum(1 for _ in opened.decode(stream)) == row["num_frames"]


def test_a_name_contains_source_operation_position_and_seed(cuts):
    for row in rows_of(cuts[0]):
        name = f"live/{row['source_path']}.{row['operation']}-{row['start_frame']}-"
        assert row["path"].startswith(f"{name}{row['num_frames']}f")
        window = f"-{row['width']}x{row['height']}+{row['left']}+{row['top']}"
        assert (window in row["path"]) == (row["operation"] == "spatial")
        assert row["path"].endswith(f"-s{row['seed']}.mp4")


def test_the_seed_of_a_row_depends_on_run_video_operation_and_number(cuts):
    for operation in ("temporal", "spatial"):
        seeds = {r["seed"] for r in rows_of(cuts[0]) if r["operation"] == operation}
        wanted = {
            f"{row_seed(0, f'live:{name}.mp4', operation, str(number)):016x}"
            for name in "abc"
            for number in (0, 1)
        }
        assert seeds == wanted


def test_an_injected_distortion_is_labelled_synthetic_with_its_severity(distorted):
    out, result = distorted
    seen_as = {"shake": "flicker", "flicker": "flicker", "stutter": "stuttering"}
    rows = rows_of(out)
    assert len(rows) == result.rows == 9
    for row in rows:
        name = seen_as[row["operation"]]
        assert row["distortions"] == [{"name": name, "severity": row["severity"]}]
        assert row["judged"] == ["flicker", "stuttering"]
        assert row["source"].startswith("synthetic: ")
        names = [parameter["name"] for parameter in row["parameters"]]
        assert names
        assert names == sorted(names)
        assert f"-{row['severity']}-s{row['seed']}.mp4" in row["path"]


def test_a_cut_of_an_unlabelled_video_has_no_labels(folder, tmp_path):
    clips(folder, tmp_path / "out", per_video=1)
    for row in rows_of(tmp_path / "out"):
        assert (row["distortions"], row["judged"], row["source"]) == ([], [], None)


def test_an_injection_keeps_the_other_labels_of_the_video(folder, tmp_path):
    noise = {"name": "noise", "severity": 2}
    rows = [
        {"dataset": "street", "path": "a.mp4", "distortions": [noise], "judged": ["noise"]},
        {"dataset": "street", "path": "b.mp4", "source": "A study", "split": "test"},
    ]
    given = write_artifact(tmp_path / "in.parquet", labelled(rows), "distortion", "distortion-qa")
    clips(
        given,
        tmp_path / "out",
        roots=(str(folder),),
        operations="stutter",
        per_video=1,
        severity="5",
    )
    first, second = rows_of(tmp_path / "out")
    assert first["distortions"] == [noise, {"name": "stuttering", "severity": 5}]
    assert first["judged"] == ["noise", "flicker", "stuttering"]
    assert (second["judged"], second["split"]) == (None, "test")
    assert second["source"] == "synthetic: stutter put in by qbuild motion-clips from A study"


@pytest.mark.parametrize("rows", [1, 7])
def test_the_bytes_do_not_depend_on_the_batch_size(cuts, distorted, folder, tmp_path, rows):
    injected, cut_again = tmp_path / "injected", tmp_path / "cut"
    clips(folder, injected, operations="inject", per_video=3, severity="all", batch_rows=rows)
    assert file_hashes(injected) == file_hashes(distorted[0])
    labels = cuts[0].parent / "labels.csv"
    clips(labels, cut_again, roots=(str(folder),), dataset="live", per_video=4, batch_rows=rows)
    assert file_hashes(cut_again) == file_hashes(cuts[0])


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_the_number_of_workers(distorted, folder, tmp_path):
    out = tmp_path / "out"
    clips(folder, out, operations="inject", per_video=3, severity="all", workers=2)
    assert file_hashes(out) == file_hashes(distorted[0])


def test_the_order_of_the_videos_changes_no_row(folder, tmp_path):
    rows = [{"dataset": "street", "path": f"{name}.mp4"} for name in "abc"]
    made = []
    for name, order in (("forward", rows), ("backward", rows[::-1])):
        given = write_artifact(tmp_path / f"{name}.parquet", labelled(order), "distortion", "x")
        out = tmp_path / name
        clips(given, out, roots=(str(folder),), total=7)
        made.append({row["media_id"]: row["sha256"] for row in rows_of(out)})
    assert made[0] == made[1]


def test_a_total_is_reached_exactly(folder, tmp_path):
    result = clips(folder, tmp_path / "out", total=8)
    assert result.rows == 8
    assert result.report["fewer_than_asked"] == 0


def test_134_labelled_videos_are_planned_into_5211_clips(tmp_path):
    rows = [{"dataset": "live", "path": f"{number}.mp4"} for number in range(134)]
    rows += [{"dataset": "live", "path": "still.png", "kind": "image"}]
    given = write_artifact(tmp_path / "in.parquet", labelled(rows), "distortion", "x")
    options = MotionClipsOptions(total=5211)
    quotas = []

    def take(inputs, given_options):
        state = prepare(inputs, given_options)
        quotas.extend(state.quota.of(f"live:{number}.mp4") for number in range(134))
        raise UsageError("", "planned")

    stage = replace(STAGE, prepare=take)
    with pytest.raises(UsageError, match="planned"):
        run_stage(stage, given, tmp_path / "out", total=5211)
    assert sum(quotas) == 5211
    assert set(quotas) == {38, 39}
    plans = [
        len(request_clips(f"live:{n}.mp4", count, options.settings))
        for n, count in enumerate(quotas)
    ]
    assert sum(plans) == 5211


def test_identical_rows_collapse_and_conflicting_rows_are_rejected(folder, tmp_path):
    a, b = ({"dataset": "street", "path": f"{name}.mp4"} for name in "ab")
    rows = labelled([a, a, b, {**b, "judged": ["flicker"]}])
    given = write_artifact(tmp_path / "in.parquet", rows, "distortion", "x")
    result = clips(given, tmp_path / "out", roots=(str(folder),), total=3)
    assert (result.rows, result.rejected) == (3, 2)
    assert result.report["collapsed"] == 1
    assert {row["reason"] for row in rejected_of(tmp_path / "out")} == {"conflict"}


def test_clips_of_clips_can_be_made(cuts, tmp_path):
    result = clips(cuts[0], tmp_path / "out", operations="temporal", per_video=1, lengths="whole")
    assert result.rows == 12
    assert {row["dataset"] for row in rows_of(tmp_path / "out")} == {"live-clips-clips"}


def test_bad_videos_are_rejected_by_reason_and_the_others_give_clips(folder, tmp_path):
    place = videos_in(tmp_path / "mixed", "good.mp4")
    (place / "zero.mp4").write_bytes(b"")
    (place / "text.mp4").write_text("not a video\n" * 100)
    make_sound(place / "sound.mp4")
    make_clip(place / "one.mp4", frames=1)
    truncate(make_clip(place / "half.mp4", frames=24), 0.6)
    (place / "half.mp4").unlink()
    (place / "image.png").write_bytes(b"")
    result = clips(place, tmp_path / "out", per_video=2)
    assert result.rows == 2
    assert {row["value"]: row["reason"] for row in rejected_of(tmp_path / "out")} == {
        "zero.mp4": "empty-file",
        "text.mp4": "not-a-video",
        "sound.mp4": "no-video-stream",
        "one.mp4": "too-short",
        "cut-half.mp4": "truncated",
    }
    assert result.report["ignored"] == 1


def test_a_labelled_image_and_a_missing_video_are_rejected(folder, tmp_path):
    (tmp_path / "labels.csv").write_text(
        "path,distortions\na.mp4,flicker\nx.png,noise\ngone.mp4,flicker\n"
    )
    clips(tmp_path / "labels.csv", tmp_path / "out", roots=(str(folder),), per_video=1)
    rejected = [(r["source"], r["row"], r["reason"]) for r in rejected_of(tmp_path / "out")]
    assert rejected == [("labels.csv", 2, "not-a-video"), ("labels.csv", 3, "missing-file")]


def test_too_many_bad_videos_fail_the_run(tmp_path):
    place = videos_in(tmp_path / "mixed", "good.mp4")
    (place / "zero.mp4").write_bytes(b"")
    with pytest.raises(TooManyRejectedError, match="empty-file"):
        clips(place, tmp_path / "out", per_video=1, share=0.05)
    assert not (tmp_path / "out" / "artifact.parquet").exists()


def test_a_path_out_of_its_root_is_rejected(folder, tmp_path):
    rows = [{"dataset": "street", "path": p} for p in ("a.mp4", "link.mp4")]
    (folder / "link.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    given = write_artifact(tmp_path / "in.parquet", labelled(rows), "distortion", "x")
    clips(given, tmp_path / "out", roots=(str(folder),), per_video=1)
    (folder / "link.mp4").unlink()
    assert [row["reason"] for row in rejected_of(tmp_path / "out")] == ["outside-root"]


@pytest.mark.parametrize("properties", [{"rate": 5}, {"width": 64, "height": 96}, {"rotation": 90}])
def test_slow_portrait_and_rotated_videos_are_supported(tmp_path, properties):
    place = videos_in(tmp_path / "odd", "a.mp4", **properties)
    result = clips(place, tmp_path / "out", operations="cut,inject", per_video=5, lengths="1")
    assert result.rows == 5
    for row in rows_of(tmp_path / "out"):
        tall = row["height"] > row["width"]
        assert tall == ("rate" not in properties and row["operation"] != "spatial")


def test_a_small_video_gives_fewer_clips_and_the_report_counts_them(tmp_path):
    make_clip(videos_in(tmp_path / "tiny") / "a.mp4", frames=6, width=32, height=32)
    result = clips(tmp_path / "tiny", tmp_path / "out", per_video=8)
    assert result.rows == 2
    assert result.report["fewer_than_asked"] == 6
    assert STAGE.render is not None
    assert "6 clips fewer than requested: the videos allow no more" in STAGE.render(result.report)


def test_the_report_counts_clips_by_operation_and_distortion(cuts, distorted):
    report = cuts[1].report
    assert (report["videos"], report["clips"]) == (3, 12)
    assert report["operations"] == {"temporal": 6, "spatial": 6}
    assert report["distortions"] == {"flicker": 8, "stuttering": 8}
    assert STAGE.render is not None
    assert STAGE.render(report).splitlines() == [
        "12 clips of 3 videos: temporal 6, spatial 6",
        "clips with flicker 8, stuttering 8",
    ]
    assert distorted[1].report["distortions"] == {"flicker": 6, "stuttering": 3}


def test_a_limit_takes_the_first_videos_of_folders_then_of_label_files(folder, tmp_path):
    (tmp_path / "labels.csv").write_text(LABELS)
    given = (folder, tmp_path / "labels.csv")
    roots = (f"labels={folder}",)
    clips(given, tmp_path / "out", limit=4, roots=roots, per_video=1)
    made = {row["source_media_id"] for row in rows_of(tmp_path / "out")}
    assert made == {"street:a.mp4", "street:b.mp4", "street:c.mp4", "labels:a.mp4"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"operations": "shakes"}, "expected names separated by commas. Did you mean shake?"),
        ({"operations": ""}, "expected names separated by commas"),
        ({"lengths": "2,x"}, "expected seconds above 0"),
        ({"lengths": "0"}, "expected seconds above 0"),
        ({"lengths": "6:2"}, "expected seconds above 0"),
        ({"lengths": "2:4:6"}, "expected seconds above 0"),
        ({"lengths": "1:2,3"}, "expected seconds above 0"),
        ({"lengths": "1e9"}, "expected seconds above 0"),
        ({"crops": "225"}, "expected even numbers from 32"),
        ({"crops": "30"}, "expected even numbers from 32"),
        ({"crops": "-64"}, "expected even numbers from 32"),
        ({"severity": "6"}, "expected 1, 2, 3, 4, 5, random or all"),
        ({"per_video": 0}, "greater than or equal to 1"),
        ({"qp": 31}, "less than or equal to 30"),
    ],
)
def test_an_option_that_is_not_valid_is_rejected_with_what_was_expected(options, message):
    with pytest.raises(ValidationError, match=message):
        MotionClipsOptions(**options)


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"severity": "3"}, "--severity"),
        ({"operations": "inject", "crops": "64"}, "--crops"),
        ({"operations": "spatial", "lengths": "3"}, "--lengths"),
        ({"total": 9, "per_video": 3}, "--per-video"),
    ],
)
def test_an_option_without_effect_is_rejected(options, flag):
    with pytest.raises(UsageError, match=f"{flag}: has no effect"):
        reject_unused_options(MotionClipsOptions(**options))


def test_a_total_below_one_per_video_is_rejected(folder, tmp_path):
    with pytest.raises(UsageError, match=r"--total: 2 clips for 3 videos; expected at least 3"):
        clips(folder, tmp_path / "out", total=2)


def test_options_of_label_files_are_rejected_with_artifacts_only(folder, tmp_path):
    rows = labelled([{"dataset": "street", "path": "a.mp4"}])
    given = write_artifact(tmp_path / "in.parquet", rows, "distortion", "x")
    with pytest.raises(UsageError, match="--threshold"):
        clips(given, tmp_path / "out", roots=(str(folder),), threshold=0.7)


def test_labels_without_a_media_root_are_an_error_that_names_it(tmp_path):
    (tmp_path / "labels.csv").write_text(LABELS)
    with pytest.raises(UsageError, match="--media-root"):
        clips(tmp_path / "labels.csv", tmp_path / "out")


def test_a_freeze_in_a_still_is_not_stuttering(tmp_path):
    grey = np.full((64, 96, 3), 128, dtype=np.uint8)
    with av.open(str(tmp_path / "still.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for _ in range(24):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey)))
        container.mux(stream.encode())
    asked = {"operations": "stutter,flicker", "per_video": 2, "severity": "3"}
    result = clips(tmp_path / "still.mp4", tmp_path / "out", **asked)
    made = {row["operation"]: row for row in rows_of(tmp_path / "out")}
    assert made["stutter"]["distortions"] == []
    assert made["stutter"]["others"] == ["stutter, unchanged"]
    assert made["flicker"]["distortions"] == [{"name": "flicker", "severity": 3}]
    assert made["flicker"]["others"] == []
    assert result.report["unchanged"] == 1


def test_a_video_of_the_longest_name_gives_clips_that_the_disk_can_hold(folder, tmp_path):
    long = tmp_path / "in" / f"{'n' * 251}.mp4"
    long.parent.mkdir()
    long.write_bytes((folder / "a.mp4").read_bytes())
    clips(long, tmp_path / "out", per_video=1)
    (row,) = rows_of(tmp_path / "out")
    assert row["source_path"] == long.name
    assert (tmp_path / "out/media" / row["path"]).is_file()


def test_a_folder_without_videos_is_an_error_that_lists_ignored_files(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("none")
    with pytest.raises(InputError, match=r"holds no video; 1 file .* ignored: \.txt 1"):
        clips(tmp_path / "in", tmp_path / "out")


def test_a_dataset_name_of_special_characters_gets_its_own_folder(folder, tmp_path):
    for dataset, name in (("a/b:c", "a%2Fb%3Ac"), ("..", "%2E%2E"), (7, "7")):
        out = tmp_path / name
        clips(folder / "a.mp4", out, dataset=dataset, per_video=1)
        assert [path.name for path in (out / "media").iterdir()] == [name]


def test_real_videos_give_clips_within_48_db_of_their_source(data_folder, tmp_path):
    video = data_folder / "videos" / "llamafactory_1.mp4"
    clips(video, tmp_path / "out", operations="temporal", per_video=1, lengths="1")
    (row,) = rows_of(tmp_path / "out")
    with av.open(str(video)) as source, av.open(str(tmp_path / "out/media" / row["path"])) as clip:
        given = [f.to_ndarray(format="yuv420p")[:360] for f in source.decode(video=0)]
        made = [f.to_ndarray(format="yuv420p")[:360] for f in clip.decode(video=0)]
    start = row["start_frame"]
    error = np.array(given[start : start + len(made)], dtype=float) - np.array(made, dtype=float)
    assert 10 * np.log10(255**2 / np.mean(error**2, axis=(1, 2)).max()) >= 48
