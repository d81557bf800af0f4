"""Samples of artifacts and of JSON, and why a sample is bad."""

from __future__ import annotations

import hashlib
import json

import pytest

pytest.importorskip("torch", reason="needs the model backends' torch")

from images import write_image
from pairs import medium, pair, part, turns
from qbuild_backends.data.samples import read_samples
from qbuild_backends.training.lineage import lineage_of, write_trained_on
from vqa2_training import artifact, image_pairs

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine.inputs import describe_input
from qbuild.core.errors import InputError, SchemaError, UsageError
from qbuild.core.media_roots import MediaRoots
from qbuild.core.rows.split_filter import SplitFilter

PLACES = MediaRoots({})


@pytest.fixture
def roots(tmp_path):
    write_image(tmp_path / "media" / "p.png")
    (tmp_path / "media" / "v.mp4").write_bytes(b"not looked at yet")
    return MediaRoots({"": tmp_path / "media"})


def read_one(tmp_path, roots, kind=None, **what):
    given = {"media": [medium("p.png")], **what}
    return read_samples([artifact(tmp_path / "one.parquet", [pair(**given)])], roots, kind)


def read_record(tmp_path, roots, **record):
    path = tmp_path / "records.json"
    path.write_text(json.dumps([record]))
    return read_samples([path], roots)


def said(human="<image>\nHow good is it?", gpt="Good."):
    return [{"from": "human", "value": human}, {"from": "gpt", "value": gpt}]


def test_the_place_of_the_medium_among_the_words_is_kept(tmp_path, roots):
    found = read_one(tmp_path, roots, turns=turns(["Look: ", 0, " How good?"], ["Good."]))
    sample = found.good[0]
    assert [turn.text for turn in sample.turns] == ["Look: <image> How good?", "Good."]
    assert sample.file == tmp_path / "media" / "p.png"
    assert sample.media_id == "koniq:p.png"


def test_a_sample_without_a_medium_is_text_only(tmp_path, roots):
    found = read_one(tmp_path, roots, media=[], turns=turns(["What is blur?"], ["Lost detail."]))
    record = {"conversations": said("What is blur?", "Lost detail.")}
    for (sample,) in (found.good, read_record(tmp_path, PLACES, id="1", **record).good):
        assert (sample.kind, sample.media_id, sample.file) == ("text", "", None)
        assert [turn.text for turn in sample.turns] == ["What is blur?", "Lost detail."]


@pytest.mark.parametrize("none", [{"image": None}, {"video": None}, {"image": []}])
def test_a_record_whose_medium_is_null_is_text_only(tmp_path, none):
    record = {"conversations": said("What is blur?"), **none}
    assert [s.kind for s in read_record(tmp_path, PLACES, id="1", **record).good] == ["text"]


def test_the_media_trained_on_are_listed_without_text(tmp_path, roots):
    rows = [pair(media=[medium("p.png")]), pair(media=[], turns=turns(["Blur?"], ["Yes."]))]
    samples = read_samples([artifact(tmp_path / "two.parquet", rows)], roots)
    write_trained_on(tmp_path, samples, "tiny", samples.inputs)
    told = Artifact.open(tmp_path / "trained_on.parquet").table()
    assert told.column("media_id").to_pylist() == ["koniq:p.png"]


def trained_on(folder, samples, base="tiny", fingerprint="sha256:0"):
    """The lineage, and the rows of what was trained on, of a checkpoint in the folder."""
    folder.mkdir()
    lineage = lineage_of(samples, str(base), fingerprint)
    write_trained_on(folder, samples, str(base), lineage)
    return lineage, Artifact.open(folder / "trained_on.parquet").table().to_pylist()


def test_media_trained_on_are_known_by_the_hash_of_their_files(tmp_path, roots):
    made = read_record(tmp_path, roots, id="1", image="p.png", conversations=said())
    (sample,) = made.good
    assert sample.sha256 is None
    digest = hashlib.sha256(sample.file.read_bytes()).hexdigest()
    assert trained_on(tmp_path / "model", made)[1] == [
        {"media_id": sample.media_id, "sha256": digest}
    ]
    given = read_one(tmp_path, roots, media=[medium("p.png", sha256="a" * 64)])
    assert trained_on(tmp_path / "other", given)[1][0]["sha256"] == "a" * 64
    sample.file.unlink()  # as of a medium that could not be read
    assert trained_on(tmp_path / "gone", made)[1][0]["sha256"] is None


def test_a_base_trained_only_on_text_adds_no_media(tmp_path, roots):
    text = read_one(tmp_path, roots, media=[], turns=turns(["What is blur?"], ["Lost detail."]))
    assert trained_on(tmp_path / "base", text)[1] == []
    given = read_one(tmp_path, roots, media=[medium("p.png")])
    (row,) = trained_on(tmp_path / "model", given, tmp_path / "base")[1]
    assert row["media_id"] == "koniq:p.png"


def test_a_base_of_which_nothing_is_known_is_marked_in_all_that_come_from_it(tmp_path, roots):
    samples = read_one(tmp_path, roots, media=[medium("p.png")])
    assert not any("media" in one for one in lineage_of(samples, "tiny", "sha256:0"))
    base = tmp_path / "published"
    base.mkdir()
    lineage, _ = trained_on(tmp_path / "first", samples, base)
    (mark,) = [one for one in lineage if "media" in one]
    assert mark == {"name": "published", "hash": "sha256:0", "media": "unknown"}
    lineage, _ = trained_on(tmp_path / "second", samples, tmp_path / "first", "sha256:1")
    assert [one for one in lineage if "media" in one] == [mark]


def test_turns_are_joined_as_answer_joins_them(tmp_path, roots):
    spoken = [
        {"role": "system", "parts": [part("Be brief.")]},
        {"role": "user", "parts": [part(0)]},
        {"role": "user", "parts": [part("Sharp?")]},
        {"role": "assistant", "parts": [part("No.")]},
    ]
    told = [("system", "You rate.\nBe brief."), ("user", "<image>\nSharp?"), ("assistant", "No.")]
    found = read_one(tmp_path, roots, turns=spoken, system="You rate.")
    assert [(turn.role, turn.text) for turn in found.good[0].turns] == told


def test_a_system_prompt_precedes_the_turns(tmp_path, roots):
    found = read_one(tmp_path, roots, system="You rate pictures.")
    assert [turn.role for turn in found.good[0].turns] == ["system", "user", "assistant"]


@pytest.mark.parametrize(
    ("what", "kind", "reason"),
    [
        ({"media": [], "turns": turns(["How good?"], ["Good."])}, "image", "other-kind"),
        ({"media": [], "turns": turns(["How good?"], ["Good."])}, "video", "other-kind"),
        ({"media": [], "turns": turns(["<image>\nGood?"], ["Good."])}, None, "placeholders"),
        ({"media": [], "turns": turns(["How good?"])}, None, "no-answer"),
        ({"media": [medium("p.png"), medium("q.png")]}, None, "several-media"),
        ({"media": [medium("gone.png")]}, None, "missing-file"),
        ({"turns": turns([0, 0, "How good?"], ["Good."])}, None, "placeholders"),
        ({"turns": turns(["How good?"], ["Good."])}, None, "placeholders"),
        ({"turns": turns([0, "How good?"])}, None, "no-answer"),
        ({"media": [medium("p.png")]}, "video", "other-kind"),
        ({"media": [medium("v.mp4", "video", start_s=1.0)]}, None, "part-of-video"),
    ],
)
def test_a_bad_sample_is_named_with_its_reason(tmp_path, roots, what, kind, reason):
    found = read_one(tmp_path, roots, kind, **what)
    assert found.good == []
    assert [bad.rejection.reason for bad in found.bad] == [reason]
    assert found.bad[0].of == f"one.parquet row 1 (sample {pair()['sample_id']})"


def test_a_dataset_without_a_root_ends_the_run(tmp_path, roots):
    with pytest.raises(UsageError, match="--media-root koniq=DIR"):
        read_one(tmp_path, PLACES)


def test_media_made_with_an_artifact_are_found_next_to_it(tmp_path):
    write_image(tmp_path / "made" / "media" / "p.png")
    artifact(tmp_path / "made" / "artifact.parquet", [pair(media=[medium("p.png")])])
    found = read_samples([tmp_path / "made"], PLACES)
    assert found.good[0].file == tmp_path / "made" / "media" / "p.png"


def test_a_link_that_leads_out_of_the_media_made_with_an_artifact_is_rejected(tmp_path):
    outside = write_image(tmp_path / "out.png")
    (tmp_path / "made" / "media").mkdir(parents=True)
    (tmp_path / "made" / "media" / "p.png").symlink_to(outside)
    artifact(tmp_path / "made" / "artifact.parquet", [pair(media=[medium("p.png")])])
    found = read_samples([tmp_path / "made"], PLACES)
    assert [bad.rejection.reason for bad in found.bad] == ["path-leaves-root"]


def test_an_artifact_of_another_schema_is_rejected(tmp_path, roots):
    from tables import rating_table, write_artifact

    path = write_artifact(tmp_path / "ratings.parquet", rating_table(3))
    with pytest.raises(SchemaError, match="expected instruction"):
        read_samples([path], roots)


def test_inputs_are_described_by_name_and_content_hash(tmp_path):
    path = image_pairs(tmp_path, 3)
    found = read_samples([path], MediaRoots({"": tmp_path / "media"}))
    assert found.inputs == [describe_input(Artifact.open(path)).as_dict()]


# ----------------------------------------------------------------------------------- JSON


def test_a_record_of_the_release_is_a_video_by_its_frame_rate(tmp_path, roots):
    found = read_record(
        tmp_path, roots, id="1", image="v.mp4", conversations=said(), **{"frames per sec": 30}
    )
    assert [(s.kind, s.fps, s.media_id) for s in found.good] == [("video", 30.0, "records:v.mp4")]


def test_a_llava_record_is_an_image_or_a_video_by_its_key(tmp_path, roots):
    (picture,) = read_record(tmp_path, roots, id="1", image="p.png", conversations=said()).good
    (video,) = read_record(tmp_path, roots, id="1", video="v.mp4", conversations=said()).good
    assert (picture.kind, video.kind) == ("image", "video")


def test_what_an_export_kept_of_the_medium_is_read_back(tmp_path, roots):
    known = {"media": [{"media_id": "koniq:p.png", "sha256": "0" * 64, "num_frames": 7}]}
    found = read_record(tmp_path, roots, image="p.png", conversations=said(), qbuild=known)
    sample = found.good[0]
    assert (sample.media_id, sample.sha256, sample.num_frames) == ("koniq:p.png", "0" * 64, 7)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"conversations": said()}, "placeholders"),
        ({"frames per sec": 30, "conversations": said("How good?")}, "no-medium"),
        ({"image": ["p.png", "q.png"], "conversations": said()}, "several-media"),
        ({"image": "../p.png", "conversations": said()}, "path-leaves-root"),
        ({"image": 7, "conversations": said()}, "bad-record"),
        ({"image": "p.png"}, "no-conversation"),
        ({"image": "p.png", "conversations": [{"from": "bot", "value": "?"}]}, "no-conversation"),
        ({"image": "p.png", "conversations": said("<image><image>")}, "placeholders"),
    ],
)
def test_a_bad_record_is_named_with_its_reason(tmp_path, roots, record, reason):
    found = read_record(tmp_path, roots, id="x1", **record)
    assert [(bad.of, bad.rejection.reason) for bad in found.bad] == [
        ("records.json record 1 (id x1)", reason)
    ]


@pytest.mark.parametrize("text", ["{", '{"id": 1}', "nonsense"])
def test_a_file_without_records_is_rejected(tmp_path, roots, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(InputError, match=r"bad\.json"):
        read_samples([tmp_path / "bad.json"], roots)


def test_rows_of_other_splits_are_counted_and_not_checked(tmp_path, roots):
    rows = [pair(media=[medium("p.png")]), pair(media=[medium("missing.png")], split="test")]
    record = {"id": "1", "image": "missing.png", "qbuild": {"split": "test"}}
    json_file = tmp_path / "records.json"
    json_file.write_text(json.dumps([record]))
    paths = [artifact(tmp_path / "rows.parquet", rows), json_file]
    found = read_samples(paths, roots, splits=SplitFilter(training=True))
    assert (len(found.good), len(found.bad)) == (1, 0)
    assert found.splits.left_out == {"test": 2}


def test_a_split_that_no_row_has_is_an_error(tmp_path, roots):
    path = artifact(tmp_path / "rows.parquet", [pair(media=[medium("p.png")])])
    with pytest.raises(UsageError, match=r"--split tran: .*expected one of train \(1 row\)"):
        read_samples([path], roots, splits=SplitFilter(("tran",)))


def test_the_source_of_a_training_medium_is_recorded_as_known_to_the_model(tmp_path, roots):
    parents = {"stage": "distortion-qa", "parents": ["koniq:p.png", "photos:source.png"]}
    rows = artifact(tmp_path / "rows.parquet", [pair(media=[medium("p.png")], provenance=parents)])
    exported = tmp_path / "exported.json"
    record = {"id": "1", "image": "p.png", "conversations": said()}
    exported.write_text(json.dumps([record | {"qbuild": {"provenance": parents}}]))
    for number, path in enumerate((rows, exported)):
        place = tmp_path / str(number)
        place.mkdir()
        found = read_samples([path], roots)
        write_trained_on(place, found, "tiny", lineage_of(found, "tiny", "sha256:0"))
        stored = Artifact.open(place / "trained_on.parquet").table().to_pylist()
        assert {"media_id": "photos:source.png", "sha256": None} in stored
