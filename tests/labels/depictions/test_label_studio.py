import json
import re

import pytest
from annotated import GOOD, PERSON, done, labelled, read, result, save

from qbuild.core.errors import InputError, SchemaError

VIDEO = {"video": "/data/local-files/?d=clips%2Fa%20b.mp4", "level": 4, "mos_norm": 71.5}


def test_an_export_gives_the_fields_of_every_annotation(tmp_path):
    talk = (result("question", "Why is it dark?"), result("answer", "Because of the dusk."))
    task = labelled(
        VIDEO,
        done(
            result("overall", GOOD),
            result("note", "in-context depiction", kind="choices"),
            result("in_context", "At the end it is dark."),
        ),
        done(result("overall", "Sharp."), *talk, by=8),
    )
    rows, rejected, tally = read(save(tmp_path / "export.json", [task]))
    assert rejected == []
    assert [row["kind"] for row in rows] == ["overall", "in-context", "overall", "conversation"]
    assert {(row["path"], row["level"], row["mos_norm"]) for row in rows} == {
        ("clips/a b.mp4", 4, 71.5)
    }
    assert {row["annotated_on"] for row in rows} == {"2024-03-07"}
    assert len({row["annotator"] for row in rows}) == 2
    assert not tally.of("note")


def test_cancelled_annotations_are_left_out_and_counted(tmp_path):
    tasks = [
        labelled(VIDEO, done(result("overall", "No."), was_cancelled=True)),
        labelled(VIDEO, done(result("overall", "Sharp."))),
        labelled(VIDEO),
    ]
    rows, _, tally = read(save(tmp_path / "export.json", tasks))
    assert [(row["text"], row["source_row"]) for row in rows] == [("Sharp.", 2)]
    assert tally["cancelled"] == 1
    assert tally["note", "export.json: 1 task without annotation"] == 1


def test_an_annotation_without_a_text_is_rejected(tmp_path):
    tasks = [labelled(VIDEO, done(), done(result("overall", "Sharp.")))]
    rows, rejected, _ = read(save(tmp_path / "export.json", tasks))
    assert len(rows) == 1
    assert [row["reason"] for row in rejected] == ["missing-text"]


def test_aspects_are_read_with_their_chosen_levels(tmp_path):
    fields = (
        result("visual_quality", "Clear."),
        result("visual_quality_level", "4", kind="choices"),
        result("dynamic_degree", "Nothing moves."),
        {**result("dynamic_degree_level"), "type": "rating", "value": {"rating": 1}},
    )
    rows, rejected, _ = read(save(tmp_path / "export.json", [labelled(VIDEO, done(*fields))]))
    assert rejected == []
    assert [(row["aspect"], row["aspect_level"]) for row in rows] == [
        ("visual quality", 4),
        ("dynamic degree", 1),
    ]


def test_several_texts_of_one_field_are_several_depictions(tmp_path):
    task = labelled(VIDEO, done(result("overall", "Sharp.", "Bright.")))
    rows, _, _ = read(save(tmp_path / "export.json", [task]))
    assert [row["text"] for row in rows] == ["Sharp.", "Bright."]


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/data/local-files/?d=clips/a.mp4", "clips/a.mp4"),
        ("https://labels.test:8080/data/local-files/?d=clips%2Fa.mp4&x=1", "clips/a.mp4"),
        ("/data/upload/3/1a2b3c4d-a.mp4", "a.mp4"),
        ("/data/upload/a%20b.mp4", "a b.mp4"),
        ("own/data/upload/a.mp4", "own/data/upload/a.mp4"),
    ],
)
def test_urls_become_relative_paths(tmp_path, address, path):
    task = labelled({"video": address}, done(result("overall", "Sharp.")))
    rows, _, _ = read(save(tmp_path / "export.json", [task]))
    assert rows[0]["path"] == path


@pytest.mark.parametrize(
    "address",
    ["/data/local-files/?d=../a.mp4", "/data/local-files/?d=/etc/a.mp4", "s3://store/a.mp4"],
)
def test_urls_outside_the_root_are_rejected(tmp_path, address):
    task = labelled({"video": address}, done(result("overall", "Sharp.")))
    _, rejected, _ = read(save(tmp_path / "export.json", [task]))
    assert [row["reason"] for row in rejected] == ["unsafe-path"]


def test_json_min_gives_the_rows_of_the_full_export(tmp_path):
    full = labelled(VIDEO, done(result("overall", GOOD), result("in_context", "It is dark.")))
    flat = {
        **VIDEO,
        "id": 1,
        "overall": GOOD,
        "in_context": "It is dark.",
        "note": "in-context depiction",
        "annotator": 7,
        "annotation_id": 1001,
        "created_at": "2024-03-07T10:12:13.123456Z",
        "updated_at": "2024-03-07T10:13:14.123456Z",
        "lead_time": 61.5,
    }
    first, _, _ = read(save(tmp_path / "full.json", [full]), dataset="set")
    second, _, _ = read(save(tmp_path / "flat.json", [flat]), dataset="set")
    for row in first + second:
        row.pop("source_file")
    assert first == second


def test_a_user_is_the_same_person_as_number_and_as_object(tmp_path):
    user = {"id": 7, "email": PERSON, "first_name": "Ann", "last_name": "Example"}
    task = labelled(
        VIDEO, done(result("overall", "Sharp.")), done(result("overall", "Bright."), by=user)
    )
    rows, _, _ = read(save(tmp_path / "export.json", [task]))
    assert len({row["annotator"] for row in rows}) == 1


def test_no_output_names_the_annotator(tmp_path):
    user = {"id": 7, "email": PERSON, "first_name": "Annabel"}
    bad = done(result("overall", ""), by=user, updated_by=user)
    task = labelled(VIDEO, bad, done(result("overall", "Sharp."), by={"email": PERSON}))
    text = json.dumps(read(save(tmp_path / "export.json", [task]))[:2])
    assert "missing-text" in text
    assert PERSON not in text
    assert "Annabel" not in text


def test_an_export_of_another_project_is_an_error_with_its_fields(tmp_path):
    task = labelled(VIDEO, done(result("label", "car", kind="choices"), result("caption", "A car")))
    with pytest.raises(SchemaError, match=r"no field of this project .*: caption, label"):
        read(save(tmp_path / "export.json", [task]))


def test_fields_of_other_names_can_be_named_and_the_rest_is_noted(tmp_path):
    task = labelled(VIDEO, done(result("caption", "Sharp."), result("mood", "calm")))
    path = save(tmp_path / "export.json", [task])
    rows, _, tally = read(path, columns="overall=caption")
    assert [row["text"] for row in rows] == ["Sharp."]
    assert any(re.search("fields not read: mood", key) for key in tally.of("note"))


def test_an_export_without_annotations_is_an_error(tmp_path):
    with pytest.raises(InputError, match="2 tasks hold no annotation"):
        read(save(tmp_path / "export.json", [labelled(VIDEO), labelled(VIDEO)]))
