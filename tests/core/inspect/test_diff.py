"""qbuild/core/inspect/diff.py: what differs between two artifacts."""

from __future__ import annotations

import random
import time

import numpy as np
import pyarrow as pa
import pytest
from tables import rating_table, write_artifact

from qbuild.core.artifact.reader import Artifact
from qbuild.core.errors import SchemaError
from qbuild.core.inspect.diff import compare, compare_recipes, differs
from qbuild.core.rows.rejections import reject_rows


def of(tmp_path, name, table, schema="rating"):
    return Artifact.open(write_artifact(tmp_path / f"{name}.parquet", table, schema))


def test_equal_content_is_the_same_rows(tmp_path):
    table = rating_table(5)
    found = compare(of(tmp_path, "a", table), of(tmp_path, "b", table))
    assert found["same_rows"]
    assert found["made_from"] == {}


def test_added_removed_and_changed_rows_are_listed_by_id(tmp_path):
    a = rating_table(4, datasets=1, mos=[1.0, 2.0, 3.0, 4.0])
    b = a.slice(1).set_column(a.column_names.index("mos"), "mos", pa.array([2.0, 9.0, 4.0]))
    c = pa.concat_tables([b, rating_table(6, datasets=1).slice(5)])  # its last row is new
    found = compare(of(tmp_path, "a", a), of(tmp_path, "b", c))
    assert not found["same_rows"]
    assert (found["added"], found["removed"], found["changed"]) == (1, 1, 1)
    assert found["columns"] == {"mos": 1}
    assert found["examples"] == {
        "added": [["set0:clips/000005.mp4"]],
        "removed": [["set0:clips/000000.mp4"]],
        "changed": [{"key": ["set0:clips/000002.mp4"], "columns": {"mos": [3.0, 9.0]}}],
    }
    assert not found["moved"]


def test_the_same_rows_in_another_order_have_only_moved(tmp_path):
    table = rating_table(50)
    other = table.take(np.random.default_rng(0).permutation(50))
    found = compare(of(tmp_path, "a", table), of(tmp_path, "b", other))
    assert not found["same_rows"]
    assert found["moved"]
    assert (found["added"], found["removed"], found["changed"]) == (0, 0, 0)


def test_null_and_zero_differ_and_nested_values_are_compared(tmp_path):
    a = rating_table(3, datasets=1, mos=[1.0] * 3, mos_std=[0.0, None, 1.0], votes=[[1.0, 2.0]] * 3)
    b = rating_table(
        3,
        datasets=1,
        mos=[1.0] * 3,
        mos_std=[None, None, 1.0],
        votes=[[1.0, 2.0], None, [1.0, 3.0]],
    )
    found = compare(of(tmp_path, "a", a), of(tmp_path, "b", b))
    assert found["columns"] == {"mos_std": 1, "votes": 2}
    assert found["changed"] == 3


def test_several_rows_of_one_key_are_paired_in_order(tmp_path):
    rows = [{"source_file": "x.csv", "source_row": 1, "mos": mos} for mos in (1, 2)]
    a = reject_rows(rows, "one", ["first", "second"])
    b = reject_rows(rows, "one", ["first", "changed"])
    found = compare(of(tmp_path, "a", a, "rejected"), of(tmp_path, "b", b, "rejected"))
    assert found["key"] == ["source", "row"]
    assert (found["added"], found["removed"], found["changed"]) == (0, 0, 1)
    assert found["examples"]["changed"][0]["columns"] == {"message": ["second", "changed"]}


def test_an_empty_side_is_all_added(tmp_path):
    a, b = rating_table(2).slice(0, 0), rating_table(2)
    found = compare(of(tmp_path, "a", a), of(tmp_path, "b", b))
    assert (found["added"], found["removed"], found["changed"]) == (2, 0, 0)


def test_options_of_two_stages_are_left_out():
    one = {"stage": {"name": "a", "version": 1}, "options": {"seed": 1, "kind": ""}}
    two = {"stage": {"name": "b", "version": 1}, "options": {"seed": 2}}
    assert compare_recipes(one, two) == {"stage": [one["stage"], two["stage"]]}
    newer = {"stage": {"name": "a", "version": 2}, "options": {"seed": 2, "kind": ""}}
    assert compare_recipes(one, newer)["options"] == {"seed": [1, 2]}


def test_another_schema_is_rejected(tmp_path):
    rejected = reject_rows([{"source_file": "x", "source_row": 1}], "one", ["m"])
    with pytest.raises(SchemaError, match="an artifact of schema rejected; expected schema rating"):
        compare(of(tmp_path, "a", rating_table(1)), of(tmp_path, "b", rejected, "rejected"))


def anything(rng: random.Random, depth: int):
    """A value of the type below, null at any depth."""
    if rng.random() < 0.2:
        return None
    if depth == 0:
        return rng.choice(["a", "b", ""])
    return [{"x": rng.choice([None, 0.0, 1.0]), "y": anything(rng, depth - 1)}
            for _ in range(rng.randrange(3))]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_nested_differences_are_those_that_python_sees(seed):
    rng = random.Random(seed)
    inner = pa.list_(pa.struct([("x", pa.float64()), ("y", pa.string())]))
    kind = pa.list_(pa.struct([("x", pa.float64()), ("y", inner)]))
    one = [anything(rng, 2) for _ in range(60)]
    other = [value if rng.random() < 0.5 else anything(rng, 2) for value in one]
    expected = [a != b for a, b in zip(one, other, strict=True)]
    assert differs(pa.array(one, kind), pa.array(other, kind)).tolist() == expected
    assert (
        differs(pa.array(one, kind)[7:31], pa.array(other, kind)[7:31]).tolist() == (expected[7:31])
    )


def test_two_hundred_thousand_rows_in_any_order_take_seconds(tmp_path):
    table = rating_table(200_000, datasets=3)
    order = np.random.default_rng(1).permutation(200_000)[:-10]
    a, b = of(tmp_path, "a", table), of(tmp_path, "b", table.take(order))
    since = time.monotonic()
    found = compare(a, b)
    assert (found["added"], found["removed"], found["changed"]) == (0, 10, 0)
    assert time.monotonic() - since < 10
