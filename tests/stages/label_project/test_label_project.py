from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from annotated import GOOD, done, labelled, result, save
from running import rows_of, run_stage
from tables import write_artifact

from qbuild.core.errors import SchemaError, UsageError
from qbuild.stages import ingest_depictions
from qbuild.stages.label_project import STAGE

PATHS = ("clips/a b.mp4", "ü/#1?.mp4", "c.webm")


def levels(folder, paths=PATHS, name="levels", **columns):
    """A `level` artifact with a row per path, of levels 4, 5, 1, …"""
    import pyarrow as pa

    words = ("Low", "Poor", "Fair", "Good", "High")
    rows = [
        {
            "media_id": f"my%3Aset:{path}",
            "dataset": "my:set",
            "path": path,
            "mos": 3.0,
            "source_file": "made.csv",
            "source_row": at + 1,
            "mos_norm": 71.4567,
            "level": (at + 3) % 5 + 1,
            "word": words[(at + 3) % 5],
            **columns,
        }
        for at, path in enumerate(paths)
    ]
    table = pa.Table.from_pylist(rows)
    return write_artifact(folder / f"{name}.parquet", table, "level", "mos-to-levels")


def project(folder, *inputs, name="project", **given):
    return run_stage(STAGE, inputs, folder / name, **given), folder / name


def tasks_of(output):
    return json.loads((output / "tasks.json").read_text(encoding="utf-8"))


def test_there_is_one_task_per_medium_and_a_view_for_its_kind(tmp_path):
    ended, output = project(tmp_path, levels(tmp_path))
    tasks = tasks_of(output)
    assert [task["data"]["level"] for task in tasks] == [4, 5, 1]
    assert tasks[1]["data"] == {
        "video": "/data/local-files/?d=%C3%BC/%231%3F.mp4",
        "media_id": "my%3Aset:ü/#1?.mp4",
        "mos_norm": 71.5,
        "level": 5,
        "level_word": "High",
    }
    view = ET.parse(output / "config.xml").getroot()
    assert view.find("Video") is not None
    assert ended.report["tasks"] == 3
    assert "3 video tasks (Good 1, High 1, Low 1)" in STAGE.render(ended.report)


@pytest.mark.parametrize("form", ["ugc", "aigc", "pathway"])
def test_annotations_of_the_project_are_read_with_the_media_ids(tmp_path, form):
    source = levels(tmp_path)
    _, output = project(tmp_path, source, form=form)
    view = ET.parse(output / "config.xml").getroot()
    exported = []
    for number, task in enumerate(tasks_of(output), 1):
        fields = [result(tag.attrib["name"], GOOD) for tag in view.iter("TextArea")]
        for tag in view.iter("Choices"):
            chosen = next(choice.attrib["value"] for choice in tag.iter("Choice"))
            fields.append(result(tag.attrib["name"], chosen, kind="choices"))
        exported.append(labelled(task["data"], done(*fields), number=number))
    export = save(tmp_path / "export.json", exported)
    made = tmp_path / "depictions.parquet"
    ended = run_stage(ingest_depictions.STAGE, (export, source), made)
    rows = rows_of(made)
    kinds = {"ugc": ["overall", "in-context", "conversation"], "pathway": ["pathway"]}
    assert [row["kind"] for row in rows] == kinds.get(form, ["aspect"] * 5) * 3
    assert {row["media_id"] for row in rows} == {f"my%3Aset:{path}" for path in PATHS}
    assert {row["mos_norm"] for row in rows} == {71.4567}
    assert (ended.rejected, ended.report["warnings"]) == (0, [])


def test_the_bytes_are_the_same_at_any_batch_size(tmp_path):
    source = levels(tmp_path, [f"{n}.mp4" for n in range(20)])
    outputs = [project(tmp_path, source, name=f"p{n}", batch_rows=n)[1] for n in (1, 7, 65_536)]
    for name in ("tasks.json", "config.xml"):
        assert len({(output / name).read_bytes() for output in outputs}) == 1


def test_images_are_shown_as_images(tmp_path):
    _, output = project(tmp_path, levels(tmp_path, ["a.png"]), url_prefix="https://host.test/")
    assert ET.parse(output / "config.xml").getroot().find("Image") is not None
    assert tasks_of(output)[0]["data"]["image"] == "https://host.test/a.png"


def test_images_and_videos_in_one_project_are_an_error(tmp_path):
    with pytest.raises(UsageError, match=r"'b\.png' is of kind image, others of kind video"):
        project(tmp_path, levels(tmp_path, ["a.mp4", "b.png"]))


def test_a_path_without_a_known_suffix_needs_the_kind(tmp_path):
    source = levels(tmp_path, ["a", "b"])
    with pytest.raises(UsageError, match="the suffix of 'a' is not that of an image or a video"):
        project(tmp_path, source)
    _, output = project(tmp_path, source, medium="video")
    assert [task["data"]["media_id"] for task in tasks_of(output)] == ["my%3Aset:a", "my%3Aset:b"]


def test_a_medium_in_two_artifacts_is_one_task_unless_they_differ(tmp_path):
    first, same = levels(tmp_path), levels(tmp_path, name="same")
    ended, output = project(tmp_path, first, same)
    assert (len(tasks_of(output)), ended.report["collapsed"]) == (3, 3)
    other = levels(tmp_path, PATHS[:1], name="other", mos_norm=10.0, level=1, word="Low")
    ended, output = project(tmp_path, first, other, name="both", share=0.9)
    assert len(tasks_of(output)) == 2
    assert ended.rejected == 2


def test_other_artifacts_are_errors(tmp_path):
    from tables import rating_table

    other = write_artifact(tmp_path / "ratings.parquet", rating_table(3))
    with pytest.raises(SchemaError, match="expected schema level"):
        project(tmp_path, other)
