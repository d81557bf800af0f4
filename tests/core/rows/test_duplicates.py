from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
import tables
from running import run_stage

from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.engine.inputs import RunInputs
from qbuild.core.engine.stage import Batch
from qbuild.core.errors import InputError
from qbuild.core.rows import duplicates
from qbuild.stages import get_stage


def made(name, inputs, output, **given):
    return run_stage(get_stage(name), inputs, output, **given)


@pytest.fixture
def levels(tmp_path):
    ratings = tables.write_artifact(tmp_path / "r.parquet", tables.rating_table(40))
    for words in ("itu", "vqa2"):
        made("mos-to-levels", [ratings], tmp_path / f"{words}.parquet", words=words)
    return tmp_path


def sources(tmp_path, *given):
    paths = [tables.write_artifact(tmp_path / f"{n}.parquet", t) for n, t in enumerate(given)]
    return RunInputs([], tmp_path, 16, [Artifact.open(path) for path in paths])


def test_identical_rows_collapse_to_the_first_and_others_conflict(tmp_path):
    table = tables.rating_table(6)
    again = table.slice(1, 2)
    other = again.slice(1).set_column(3, "mos", pa.array([1.25]))
    found = duplicates.find_duplicates(
        sources(tmp_path, table, again.slice(0, 1), other), "media_id"
    )
    assert found.row_status.tolist() == [0, 0, 2, 0, 0, 0, 1, 2]


def test_where_a_row_was_read_does_not_make_it_another(tmp_path):
    table = tables.rating_table(2)
    moved = tables.rating_table(2, source_row=pa.array([8, 9]), source_file=["b.csv"] * 2)
    found = duplicates.find_duplicates(sources(tmp_path, table, moved), "media_id")
    assert found.row_status.tolist() == [0, 0, 1, 1]


def test_colliding_hashes_do_not_make_rows_duplicates(tmp_path):
    given = sources(tmp_path, tables.rating_table(5))
    same = np.zeros(5, dtype=np.uint64)
    assert duplicates.find_duplicates(given, "media_id", same).row_status is None


def test_the_status_of_a_batch_begins_at_its_first_row():
    found = duplicates.Duplicates(np.array([0, 1, 2, 0], dtype=np.int8))
    result = found.deduplicate(Batch(tables.rating_table(2), 1))
    assert (result.rows.num_rows, result.collapsed) == (0, 1)
    assert result.conflicts.tolist() == [1]


def test_items_in_memory_collapse_or_conflict_by_id_and_content():
    rows = [("a", 1), ("b", 1), ("a", 1), ("b", 2), ("c", 3), ("b", 1)]
    result = duplicates.deduplicate(rows, lambda row: row[0], lambda row: row[1])
    assert result.kept == [("a", 1), ("c", 3)]
    assert result.conflicts == [[("b", 1), ("b", 2), ("b", 1)]]
    assert result.collapsed == 1


def test_a_stream_of_ids_counts_what_collapses():
    stream = duplicates.Deduplicator()
    assert [stream.is_first(one) for one in "aba"] == [True, True, False]
    assert stream.collapsed == 1


def test_one_level_artifact_given_twice_gives_each_pair_once(levels):
    once = made("scoring-qa", [levels / "itu.parquet"], levels / "once.parquet")
    twice = made("scoring-qa", [levels / "itu.parquet"] * 2, levels / "twice.parquet")
    assert twice.report["collapsed"] == 40
    assert twice.description.content_hash == once.description.content_hash


def test_levels_cut_in_two_ways_are_not_mixed(levels):
    both = [levels / "itu.parquet", levels / "vqa2.parquet"]
    with pytest.raises(InputError, match="no usable row"):
        made("scoring-qa", both, levels / "pairs.parquet")
    kept = Artifact.open(levels / "pairs.failed.parquet").table()
    assert set(kept.column("reason").to_pylist()) == {"conflict"}


def test_an_export_has_no_duplicate_samples(levels):
    made("scoring-qa", [levels / "itu.parquet"], levels / "pairs.parquet")
    result = made("export", [levels / "pairs.parquet"] * 2, levels / "out")
    assert (result.rows, result.report["collapsed"]) == (40, 40)
    records = json.loads((levels / "out" / "llava.json").read_text())
    assert len({record["id"] for record in records}) == 40


def test_rows_of_files_take_the_position_of_the_first_file(tmp_path):
    (tmp_path / "own.csv").write_text("path,mos\nb.jpg,2\nc.jpg,4\n")
    table = tables.rating_table(3, datasets=1)
    artifact = tables.write_artifact(tmp_path / "r.parquet", table)
    for inputs, first in (
        ([tmp_path / "own.csv", artifact], "own"),
        ([artifact, tmp_path / "own.csv"], "set0"),
    ):
        made("mos-to-levels", inputs, tmp_path / "levels.parquet")
        rows = Artifact.open(tmp_path / "levels.parquet").table()
        assert rows.column("dataset").to_pylist()[0] == first


@pytest.mark.parametrize("stage", ["ingest-ratings", "mos-to-levels"])
def test_a_limit_counts_only_the_rejected_rows_before_its_end(tmp_path, stage):
    scores = [str(at) for at in range(500)]
    for at in (20, 300, 400, 450):
        scores[at] = "n/a"
    lines = [f"{at}.jpg,{score}" for at, score in enumerate(scores)]
    (tmp_path / "own.csv").write_text("\n".join(["path,mos", *lines]))
    result = made(stage, [tmp_path / "own.csv"], tmp_path / "a.parquet", limit=100)
    assert (result.rows, result.rejected) == (100, 1)
    assert Artifact.open(rejected_path(tmp_path / "a.parquet")).rows == 1


def test_duplicates_are_compared_in_blocks(tmp_path, monkeypatch):
    asked = []

    def counted(self, numbers):
        asked.append(len(numbers))
        return rows_at(self, numbers)

    rows_at = RunInputs.rows_at
    monkeypatch.setattr(RunInputs, "rows_at", counted)
    monkeypatch.setattr(duplicates, "COMPARED_ROWS", 100)
    table = tables.rating_table(250)
    found = duplicates.find_duplicates(sources(tmp_path, table, table), "media_id")
    assert found.row_status.tolist() == [duplicates.KEPT] * 250 + [duplicates.COLLAPSED] * 250
    assert sum(asked) == 500
    assert max(asked) <= 100
