"""qbuild/core/inspect/summary.py: figures of columns over all row groups."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pairs import many
from tables import rating_table, write_artifact

from qbuild.core.inspect.summary import summarise
from qbuild.core.schema import load_schema


def test_figures_are_over_all_row_groups(tmp_path):
    mos = np.arange(70_000, dtype=float)
    table = rating_table(70_000, datasets=2, mos=mos)
    found = summarise(write_artifact(tmp_path / "x.parquet", table), 3)
    assert found["columns"]["numbers"]["mos"] == {
        "min": 0.0, "mean": 34_999.5, "max": 69_999.0, "nulls": 0,
    }  # fmt: skip
    counts = found["columns"]["counts"]["dataset"]
    assert counts == {"values": {"set0": 35_000, "set1": 35_000}, "others": 0, "nulls": 0}
    assert len(found["first"]) == 3


def test_the_requested_number_of_first_rows_is_shown_across_row_groups(tmp_path):
    artifact = write_artifact(tmp_path / "x.parquet", rating_table(65_540))
    first = summarise(artifact, 65_538)["first"]
    assert len(first) == 65_538
    assert first[-1]["source_row"] == 65_538


def test_a_column_of_nulls_has_no_figures(tmp_path):
    found = summarise(write_artifact(tmp_path / "x.parquet", rating_table(4)), 0)
    assert found["columns"]["numbers"]["scale_low"] == {
        "min": None, "mean": None, "max": None, "nulls": 4,
    }  # fmt: skip
    assert found["first"] == []


def test_numbers_inside_structs_have_figures(tmp_path):
    table = pa.Table.from_pylist(many(3), load_schema("instruction").arrow)
    found = summarise(write_artifact(tmp_path / "x.parquet", table, "instruction"), 1)
    assert found["columns"]["numbers"]["labels.mos"]["mean"] == 1.5


def test_the_twenty_most_frequent_values_are_reported(tmp_path):
    found = summarise(write_artifact(tmp_path / "x.parquet", rating_table(100, datasets=30)), 0)
    counts = found["columns"]["counts"]["dataset"]
    assert (len(counts["values"]), counts["others"]) == (20, 10)


def test_every_column_is_described_with_type_and_meaning(tmp_path):
    found = summarise(write_artifact(tmp_path / "x.parquet", rating_table(1)), 0)
    columns = {column["name"]: column for column in found["schema"]["columns"]}
    assert columns["votes"]["type"] == "list of double"
    assert columns["votes"]["nullable"]
    assert columns["mos_std"]["unit"] == "mos"
    assert all(column["meaning"] for column in columns.values())
