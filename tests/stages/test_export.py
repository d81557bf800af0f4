from __future__ import annotations

import json
import tracemalloc

import pairs
import pyarrow as pa
import pytest
import tables
import yaml
from running import rejected_of, run_stage

from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.canonical import canonical_json, hash_file
from qbuild.core.errors import InputError, TooManyRejectedError, UsageError
from qbuild.stages.export import STAGE


def qa(tmp_path, rows, name="qa.parquet"):
    schema = tables.load_schema("instruction").arrow
    table = pa.Table.from_pylist(rows, schema=schema)
    return tables.write_artifact(tmp_path / name, table, "instruction", "scoring-qa")


def export(inputs, output, **given):
    return run_stage(STAGE, inputs, output, **{"share": 1.0, **given})


def names(folder):
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def test_a_json_array_holds_one_record_per_line(tmp_path):
    rows = pairs.many(3, answer="The quality of the image is good — très bon 😀.")
    export([qa(tmp_path, rows)], tmp_path / "out")
    text = (tmp_path / "out/llava.json").read_text(encoding="utf-8")
    assert [record["id"] for record in json.loads(text)] == [row["sample_id"] for row in rows]
    assert text.count("\n") == 5
    assert "très bon 😀" in text


def test_the_format_decides_the_records_and_the_files_next_to_them(tmp_path):
    artifact = qa(tmp_path, pairs.many(2))
    export([artifact], tmp_path / "llava", format="llava")
    export([artifact], tmp_path / "q-align", format="q-align")
    assert names(tmp_path / "llava") == ["llava.json", "mix.yaml", "qbuild.json"]
    assert names(tmp_path / "q-align") == ["q-align.json", "qbuild.json"]
    record = json.loads((tmp_path / "q-align/q-align.json").read_text())[0]
    assert record["id"].endswith("->0.5")
    assert "<|image|>" in record["conversations"][0]["value"]


def test_split_files_gives_a_file_for_each_split(tmp_path):
    rows = pairs.many(6, splits=["train", "test", None])
    artifact = qa(tmp_path, rows)
    export([artifact], tmp_path / "one", split_files=False)
    result = export([artifact], tmp_path / "many", split_files=True)
    files = ["llava-test.json", "llava-train.json", "llava.json"]
    assert result.report["files"] == dict.fromkeys(files, 2)
    assert names(tmp_path / "many") == [*files, "mix.yaml", "qbuild.json"]
    assert names(tmp_path / "one") == ["llava.json", "mix.yaml", "qbuild.json"]
    mix = yaml.safe_load((tmp_path / "many/mix.yaml").read_text())
    trained = [{"json_path": n, "sampling_strategy": "all"} for n in files[1:]]
    assert mix["datasets"] == trained, "the test split is not trained on"


@pytest.mark.parametrize("split", ["a/b", "..", "/", "qbuild", "mix.yaml", "é:*"])
def test_a_split_of_any_name_gets_a_file_inside_the_folder(tmp_path, split):
    export([qa(tmp_path, pairs.many(1, splits=[split]))], tmp_path / "out", split_files=True)
    (data,) = (p for p in (tmp_path / "out").glob("llava-*.json"))
    assert json.loads(data.read_text())[0]["qbuild"]["split"] == split
    assert "mix.yaml" in names(tmp_path / "out")


def test_the_files_do_not_depend_on_the_size_of_batches(tmp_path):
    rows = pairs.many(200, splits=["train", "test"])
    rows[77]["system"] = "You judge."
    artifact = qa(tmp_path, rows)
    found = {}
    for size in (1, 7, 65_536):
        out = tmp_path / f"out-{size}"
        result = export([artifact], out, batch_rows=size, split_files=True)
        rejected = Artifact.open(rejected_path(out / "artifact.parquet"))
        hashes = {name: hash_file(out / name) for name in names(out) if name != "qbuild.json"}
        found[size] = (hashes, rejected.description.content_hash, result.description)
    assert found[1] == found[7] == found[65_536]


def test_rows_that_the_dialect_cannot_hold_are_rejected_and_the_rest_written(tmp_path):
    rows = pairs.many(4)
    rows[2]["system"] = "You judge."
    first = qa(tmp_path, pairs.many(2, start=10), "first.parquet")
    result = export([first, qa(tmp_path, rows)], tmp_path / "out")
    assert (result.rows, result.rejected) == (5, 1)
    (bad,) = rejected_of(tmp_path / "out")
    assert (bad["source"], bad["row"]) == ("qa.parquet", 3)
    assert (bad["reason"], bad["column"], bad["value"]) == (
        "system-not-supported",
        "system",
        "You judge.",
    )
    assert bad["record"] == canonical_json(rows[2])
    assert result.report["refused"] == {"system-not-supported": 1}


def test_too_many_rejected_rows_leave_the_earlier_export(tmp_path):
    export([qa(tmp_path, pairs.many(2))], tmp_path / "out")
    before = hash_file(tmp_path / "out/llava.json")
    rows = [{**row, "system": "You judge."} for row in pairs.many(2)]
    mixed = qa(tmp_path, [*rows, *pairs.many(3, start=5)], "mixed.parquet")
    with pytest.raises(TooManyRejectedError, match="2 of 5"):
        export([mixed], tmp_path / "out", share=0.05)
    assert hash_file(tmp_path / "out/llava.json") == before


def test_no_writable_row_is_an_error(tmp_path):
    rows = [{**row, "system": "You judge."} for row in pairs.many(2)]
    with pytest.raises(InputError, match="no usable row"):
        export([qa(tmp_path, rows)], tmp_path / "out")
    assert not (tmp_path / "out/llava.json").exists()


def test_a_second_export_removes_the_files_of_the_first(tmp_path):
    artifact = qa(tmp_path, pairs.many(2))
    export([artifact], tmp_path / "out", split_files=True)
    export([artifact], tmp_path / "out", format="q-align")
    assert names(tmp_path / "out") == ["q-align.json", "qbuild.json"]


def test_the_description_names_every_file_with_its_hash(tmp_path):
    export([qa(tmp_path, pairs.many(2))], tmp_path / "out")
    described = json.loads((tmp_path / "out/qbuild.json").read_text())
    assert described["files"] == {
        name: hash_file(tmp_path / "out" / name) for name in ("llava.json", "mix.yaml")
    }
    assert described["rows"] == 2


def test_limit_exports_the_first_rows(tmp_path):
    assert export([qa(tmp_path, pairs.many(5))], tmp_path / "out", limit=2).rows == 2


def test_memory_does_not_grow_with_the_rows(tmp_path):
    peaks = []
    for count in (1_000, 4_000):
        artifact = qa(tmp_path, pairs.many(count, answer="good " * 100), f"{count}.parquet")
        tracemalloc.start()
        export([artifact], tmp_path / f"out-{count}", batch_rows=100)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_the_report_is_printed_in_lines():
    report = {"files": {"llava.json": 1200}, "refused": {"mixed-kinds": 3}, "collapsed": 2}
    told = ["llava.json: 1,200 records", "3 rejected: mixed-kinds", "2 identical rows collapsed"]
    assert STAGE.render(report).splitlines() == told


def test_records_of_other_splits_are_left_out_and_counted(tmp_path):
    artifact = qa(tmp_path, pairs.many(5, splits=("train", "test", None)))
    done = export([artifact], tmp_path / "out", split=("train", "none"))
    records = json.loads((tmp_path / "out/llava.json").read_text())
    assert [record["qbuild"].get("split") for record in records] == ["train", None, "train"]
    assert done.report["left_out"] == {"test": 2}
    assert "2 rows of other splits left out: test (2 rows)" in STAGE.render(done.report)


def test_a_misspelt_split_leaves_the_existing_export(tmp_path):
    artifact = qa(tmp_path, pairs.many(2))
    export([artifact], tmp_path / "out")
    with pytest.raises(UsageError, match=r"--split trian: .* Did you mean train\?"):
        export([artifact], tmp_path / "out", split="trian")
    assert "llava.json" in names(tmp_path / "out")
