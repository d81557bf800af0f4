from __future__ import annotations

import json
from typing import get_args

import pairs
import pyarrow as pa
import pytest
import tables
from running import rejected_of, rows_of, run_stage

from qbuild.core.artifact.reader import Artifact
from qbuild.core.canonical import hash_file
from qbuild.core.errors import InputError, TooManyRejectedError
from qbuild.core.schema import load_schema
from qbuild.dialects import DIALECTS
from qbuild.stages import export, import_qa
from qbuild.stages.import_qa import STAGE, ImportOptions


def record(path="a.jpg", question="<image>\nQ?", answer="A.", **keys):
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"image": path, "conversations": turns, **keys}


def written(tmp_path, records, name="pairs.json"):
    path = tmp_path / name
    path.write_text(json.dumps(records), encoding="utf-8")
    return path


def imported(paths, output, **given):
    return run_stage(STAGE, paths, output, **{"share": 1.0, **given})


def exported(inputs, output, **options):
    return run_stage(export.STAGE, inputs, output, **options)


def artifact(tmp_path, given):
    table = pa.Table.from_pylist(given, schema=load_schema("instruction").arrow)
    return tables.write_artifact(tmp_path / "qa.parquet", table, "instruction", "scoring-qa")


@pytest.mark.parametrize("name", DIALECTS)
def test_what_was_exported_is_imported_as_the_same_rows_and_exported_as_the_same_bytes(
    tmp_path, name
):
    given = pairs.many(1_500, splits=["train", "test", None])
    given[3]["turns"] = pairs.turns([0, "\nQ?"], ["A."], ["Why?"], ["B."])
    given[4] |= {"options": ["A", "B"], "answer_key": "A", "task": "multi"}
    given[5]["labels"] |= {"level": 4, "word": "Good", "level_probs": [0.0, 0.1, 0.2, 0.3, 0.4]}
    first = artifact(tmp_path, given)
    exported([first], tmp_path / "one", format=name)
    imported(tmp_path / f"one/{name}.json", tmp_path / "again.parquet", share=0)
    exported([tmp_path / "again.parquet"], tmp_path / "two", format=name)
    hashes = [
        Artifact.open(p).description.content_hash for p in (first, tmp_path / "again.parquet")
    ]
    assert hashes[0] == hashes[1]
    bytes_ = [hash_file(tmp_path / folder / f"{name}.json") for folder in ("one", "two")]
    assert bytes_[0] == bytes_[1]


def test_the_format_decides_how_a_file_is_read(tmp_path):
    path = written(tmp_path, [record(question="<|image|>\nQ?", id="a.jpg->3.5")])
    imported(path, tmp_path / "auto.parquet", format="auto")
    imported(path, tmp_path / "q-align.parquet", format="q-align")
    assert rows_of(tmp_path / "auto.parquet") == rows_of(tmp_path / "q-align.parquet")
    assert rows_of(tmp_path / "auto.parquet")[0]["labels"]["mos"] == 3.5
    with pytest.raises(InputError, match="no usable row"):  # <|image|> is plain text to llava
        imported(path, tmp_path / "llava.parquet", format="llava")


def test_the_dataset_is_the_options_else_the_files_name(tmp_path):
    path = written(tmp_path, [record()], "koniq.json")
    imported(path, tmp_path / "stem.parquet")
    imported(path, tmp_path / "named.parquet", dataset="a:b")
    ids = [
        rows_of(tmp_path / n)[0]["media"][0]["media_id"] for n in ("stem.parquet", "named.parquet")
    ]
    assert ids == ["koniq:a.jpg", "a%3Ab:a.jpg"]


def test_the_task_is_the_options(tmp_path):
    path = written(tmp_path, [record()])
    imported(path, tmp_path / "general.parquet")
    imported(path, tmp_path / "scoring.parquet", task="scoring")
    tasks = [rows_of(tmp_path / n)[0]["task"] for n in ("general.parquet", "scoring.parquet")]
    assert tasks == ["general", "scoring"]


def test_the_tasks_are_those_of_the_schema():
    known = load_schema("instruction").document["properties"]["task"]["enum"]
    assert list(get_args(ImportOptions.model_fields["task"].annotation)) == known


def test_a_bad_record_is_rejected_with_its_place_and_the_rest_read(tmp_path):
    records = [record("a.jpg"), record(["b.jpg", "c.jpg"]), "text", record("d.jpg")]
    result = imported(written(tmp_path, records), tmp_path / "qa.parquet")
    assert (result.rows, result.rejected) == (2, 2)
    count, text = rejected_of(tmp_path / "qa.parquet")
    assert (count["source"], count["row"]) == ("pairs.json", 2)
    assert count["reason"] == "placeholder-count"
    assert json.loads(count["record"]) == records[1]
    assert (text["row"], text["reason"], text["record"]) == (3, "not-an-object", '"text"')
    assert result.report["refused"] == {"not-an-object": 1, "placeholder-count": 1}


def test_half_a_surrogate_pair_is_rejected(tmp_path):
    records = [record(), record("b.jpg", answer="\ud83d"), record("c.jpg", id="\ud83d")]
    imported(written(tmp_path, records), tmp_path / "qa.parquet")
    (bad,) = rejected_of(tmp_path / "qa.parquet")
    assert bad["reason"] == "not-unicode"
    assert "\\ud83d" in bad["record"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("task", "chatting"),
        ("task", 3),
        ("labels", {"level": 6}),
        ("labels", {"mos": 1e999}),
        ("labels", {"mos": "high"}),
        ("labels", {"level": 10**30}),
        ("options", []),
        ("split", "\ud800"),
        ("provenance", {}),
    ],
)
def test_only_a_record_whose_key_qbuild_breaks_the_schema_is_rejected(tmp_path, column, value):
    first = artifact(tmp_path, pairs.many(3))
    exported([first], tmp_path / "out")
    records = json.loads((tmp_path / "out/llava.json").read_text())
    records[1]["qbuild"][column] = value
    result = imported(written(tmp_path, records), tmp_path / "back.parquet")
    (bad,) = rejected_of(tmp_path / "back.parquet")
    assert (bad["row"], bad["reason"]) == (2, "against-schema")
    assert result.rows == 2


def test_identical_records_collapse_to_one(tmp_path):
    path = written(tmp_path, [record(), record("b.jpg"), record()])
    result = imported(path, tmp_path / "qa.parquet")
    assert (result.rows, result.rejected, result.report["collapsed"]) == (2, 0, 1)


def test_records_of_one_sample_that_differ_are_all_rejected(tmp_path):
    ask = "<|image|>\nQ?"
    one = written(tmp_path, [record(question=ask, id="a.jpg->3.5"), record("b.jpg", ask)], "1.json")
    two = written(tmp_path, [record(question=ask, id="a.jpg->4.5")], "2.json")
    result = imported([one, two], tmp_path / "qa.parquet", dataset="d")
    assert (result.rows, result.rejected) == (1, 2)
    rejected = rejected_of(tmp_path / "qa.parquet")
    assert [(bad["source"], bad["row"], bad["reason"]) for bad in rejected] == [
        ("1.json", 1, "conflict"),
        ("2.json", 1, "conflict"),
    ]
    assert json.loads(rejected[1]["record"])["id"] == "a.jpg->4.5"


def test_the_error_of_a_truncated_file_has_line_and_column(tmp_path):
    path = tmp_path / "cut.json"
    path.write_text(json.dumps([record(), record("b.jpg")], indent=1)[:-40])
    with pytest.raises(InputError, match=r"cut.json: line 2\d, column \d+"):
        imported(path, tmp_path / "qa.parquet")
    assert not (tmp_path / "qa.parquet").exists()


def test_a_file_of_scores_names_the_right_stage(tmp_path):
    path = written(tmp_path, [{"img_path": "a.jpg", "gt_score": 3.1}])
    with pytest.raises(InputError, match=r"rating file.*qbuild ingest-ratings"):
        imported(path, tmp_path / "qa.parquet")


def test_the_folder_of_an_export_gives_the_rows_of_all_its_files(tmp_path):
    first = artifact(tmp_path, pairs.many(6, splits=["train", "test", None]))
    exported([first], tmp_path / "out", format="llava", split_files=True)
    result = imported(tmp_path / "out", tmp_path / "back.parquet", share=0)
    assert [file["file"] for file in result.report["files"]] == [
        "llava-test.json", "llava-train.json", "llava.json",
    ]  # fmt: skip
    assert result.rows == 6


def test_the_description_of_an_export_is_not_a_file_of_records(tmp_path):
    exported([artifact(tmp_path, pairs.many(2))], tmp_path / "out", format="llava")
    with pytest.raises(InputError, match=r"qbuild\.json: the description of an export") as caught:
        imported(tmp_path / "out/qbuild.json", tmp_path / "back.parquet")
    assert caught.value.todo == f"Give {tmp_path / 'out/llava.json'}."


def test_a_folder_without_an_export_is_an_error(tmp_path):
    written(tmp_path, [record()])
    with pytest.raises(InputError, match="a folder without an export in it"):
        imported(tmp_path, tmp_path / "out/back.parquet")


def test_an_empty_array_has_no_usable_row(tmp_path):
    with pytest.raises(InputError, match="no usable row"):
        imported(written(tmp_path, []), tmp_path / "qa.parquet")


def test_too_many_rejected_records_are_an_error(tmp_path):
    path = written(tmp_path, [record(), record(["b.jpg", "c.jpg"])])
    with pytest.raises(TooManyRejectedError, match="1 of 2"):
        imported(path, tmp_path / "qa.parquet", share=0.05)


def test_limit_takes_the_first_records_over_all_files(tmp_path):
    one = written(tmp_path, [record("a.jpg")], "1.json")
    two = written(tmp_path, [record("b.jpg"), record("c.jpg")], "2.json")
    imported([one, two], tmp_path / "qa.parquet", limit=2)
    assert [row["media"][0]["path"] for row in rows_of(tmp_path / "qa.parquet")] == [
        "a.jpg",
        "b.jpg",
    ]


def test_the_rows_do_not_depend_on_the_size_of_chunks(tmp_path, monkeypatch):
    records = [record(f"{n}.jpg") for n in range(20)] + [
        record(["x.jpg", "y.jpg"]),
        record("3.jpg"),
    ]
    path, outcomes = written(tmp_path, records), set()
    for size in (1, 7, 1_024):
        monkeypatch.setattr(import_qa, "CHUNK", size)
        imported(path, tmp_path / "qa.parquet")
        outcomes.add(
            (hash_file(tmp_path / "qa.parquet"), len(rejected_of(tmp_path / "qa.parquet")))
        )
    assert len(outcomes) == 1


def test_the_report_is_printed_in_lines():
    files = [{"file": "a.json", "format": "llava", "records": 1000}]
    report = {"files": files, "collapsed": 2, "refused": {"conflict": 4}}
    assert STAGE.render(report).split("\n") == [
        "a.json: 1,000 records of llava",
        "2 identical duplicates collapsed",
        "4 rejected: conflict",
    ]


@pytest.mark.parametrize(("name", "count"), [("koniq", 7_046), ("spaq", 8_897), ("kadid", 8_106)])
def test_the_published_files_are_imported_whole_and_exported_unchanged(
    tmp_path, data_folder, name, count
):
    path = data_folder / f"levels_published/q-align_train_{name}.json"
    result = imported(path, tmp_path / "qa.parquet", dataset=name, task="scoring", share=0)
    assert (result.rows, result.rejected, result.report["collapsed"]) == (count, 0, 0)
    exported([tmp_path / "qa.parquet"], tmp_path / "out", format="q-align")
    ours = json.loads((tmp_path / "out/q-align.json").read_text())
    for mine, theirs in zip(ours, json.loads(path.read_text()), strict=True):
        assert (mine["image"], mine["conversations"]) == (theirs["image"], theirs["conversations"])
        assert float(mine["id"].split("->")[1]) == float(theirs["id"].split("->")[1])
    imported(tmp_path / "out/q-align.json", tmp_path / "again.parquet", share=0)
    content = [Artifact.open(tmp_path / n).content_hash() for n in ("qa.parquet", "again.parquet")]
    assert content[0] == content[1]


def test_1263_published_records_show_one_image_twice(tmp_path, data_folder):
    path = data_folder / "levels_published/q-align_train_spaq.json"
    imported(path, tmp_path / "qa.parquet", dataset="spaq")
    shown = [
        [part["media"] for part in row["turns"][0]["parts"] if part["media"] is not None]
        for row in rows_of(tmp_path / "qa.parquet")
    ]
    assert shown.count([0, 0]) == 1_263
