import json
import time
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qbuild.core.errors import CombinedError, InputError, QbuildError, SchemaError, UsageError
from qbuild.core.schema import load_schema
from qbuild.labels.ratings.merge import read_ratings
from qbuild.labels.ratings.options import RatingOptions


def test_every_column_arrives_with_its_type(write):
    text = "Image name,MOS,SD,count,set,scale_low,scale_high\nx/1.jpg, 3.5 ,0.5,30,train,1,5\n"
    options = RatingOptions(licence=("CC0",), source=("t=a paper",))
    ratings = read_ratings([write("t.csv", text)], options=options)
    assert ratings.rows.schema.equals(load_schema("rating").arrow)
    assert ratings.rows.to_pylist() == [
        {
            "media_id": "t:x/1.jpg", "dataset": "t", "path": "x/1.jpg", "mos": 3.5,
            "mos_std": 0.5, "num_ratings": 30, "votes": None, "scale_low": 1.0,
            "scale_high": 5.0, "split": "train", "licence": "CC0", "source": "a paper",
            "source_file": "t.csv", "source_row": 1,
        }
    ]  # fmt: skip
    assert ratings.rejected.schema.equals(load_schema("rejected").arrow)
    assert ratings.rejected.num_rows == 0


def test_a_rejected_row_has_its_place_and_record(write):
    path = write("t.csv", "path,mos,note\na,1,\nb,3;5,hm\n")
    assert read_ratings([path]).rejected.to_pylist() == [
        {
            "source": "t.csv", "row": 2, "reason": "not-a-number",
            "message": "'3;5' is not a number; expected one such as 3.5",
            "column": "mos", "value": "3;5",
            "record": '{"mos":"3;5","note":"hm","path":"b"}',
        }
    ]  # fmt: skip


def test_rows_keep_the_order_of_files_then_records(write):
    one = write("one.csv", "path,mos\nz,1\na,2\n")
    two = write("two.csv", "path,mos\ny,1\nb,2\n")
    assert read_ratings([two, one]).rows["path"].to_pylist() == ["y", "b", "z", "a"]


def test_the_errors_of_all_files_are_raised_at_once(write, tmp_path):
    files = [tmp_path / "none.csv", write("empty.csv", ""), write("t.csv", "path,mos\na,1\n")]
    files.append(write("s.csv", "path,skore\na,1\n"))
    with pytest.raises(CombinedError) as caught:
        read_ratings(files)
    text = str(caught.value)
    assert text.count("\n") == 2
    assert "none.csv: cannot be opened" in text
    assert "empty.csv: the file is empty" in text
    assert "s.csv: no column for mos" in text


def test_a_file_without_a_usable_row_quotes_its_first_reasons(write):
    path = write("t.csv", "path,mos\na,\nb,x\n../c,1\nd,\n")
    with pytest.raises(InputError) as caught:
        read_ratings([path])
    text = str(caught.value)
    assert "none of 4 rows can be used" in text
    assert "t.csv row 1: missing-score" in text
    assert "t.csv row 3: unsafe-path" in text
    assert "row 4" not in text


def test_no_file_at_all_is_an_error():
    with pytest.raises(InputError, match="no rating file"):
        read_ratings([])


def test_an_invalid_utf8_byte_is_reported_by_offset(write):
    with pytest.raises(InputError, match="byte 0xff at offset 9 "):
        read_ratings([write("t.csv", b"path,mos\n\xff,1\n")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"licence": ("kniq=MIT",)}, r"--licence: no row is of dataset 'kniq'"),
        ({"strip_prefix": "/x/"}, "--strip-prefix: no path begins with '/x/'"),
        ({"screen": "bt500"}, "--screen: the layout table of t.csv does not use it"),
        ({"columns": "pat=path"}, r"Did you mean path"),
    ],
)
def test_an_option_that_changes_nothing_is_a_usage_error(write, options, message):
    with pytest.raises(UsageError, match=message):
        read_ratings([write("t.csv", "path,mos\na,1\n")], options=RatingOptions(**options))


@pytest.mark.parametrize(
    ("option", "value"),
    [("direction", "sideways"), ("screen", "bt501"), ("dataset", " "), ("licence", ("a", "b"))],
)
def test_an_unknown_value_of_an_option_is_an_error(option, value):
    with pytest.raises(ValueError, match=option):
        RatingOptions(**{option: value})


def test_an_unknown_layout_is_a_usage_error_before_any_file_is_opened(tmp_path):
    with pytest.raises(UsageError, match="no layout is named 'tabel'"):
        read_ratings([tmp_path / "none"], layout="tabel")


def test_columns_cannot_be_given_for_a_layout_with_fixed_columns(write):
    path = write("t.txt", "a.mp4, 1, 2, 3\n")
    with pytest.raises(UsageError, match="--columns: the layout comma"):
        read_ratings([path], "comma", RatingOptions(columns="path=x"))


def test_a_file_with_given_columns_is_a_table(write):
    path = write("t.csv", "clip,q\na,1\n")
    with pytest.raises(InputError):
        read_ratings([path])
    options = RatingOptions(columns="path=clip,mos=q")
    assert read_ratings([path], options=options).rows["mos"].to_pylist() == [1.0]


def test_a_missing_column_is_a_schema_error(write):
    with pytest.raises(SchemaError, match="no column for mos"):
        read_ratings([write("t.csv", "path,x\na,1\n")])


def test_prefixes_make_absolute_paths_safe_and_others_are_counted(write):
    path = write("t.csv", "path,mos\n/data/a.jpg,1\n/else/b.jpg,2\nc.jpg,3\n")
    options = RatingOptions(strip_prefix="/data/", add_prefix="set/")
    ratings = read_ratings([path], options=options)
    assert ratings.rows["path"].to_pylist() == ["set/a.jpg", "set/else/b.jpg", "set/c.jpg"]
    assert ratings.notes == ["t.csv: 2 paths do not begin with the prefix"]


TEXT = st.text(max_size=6)
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXT,
    st.lists(st.integers(), max_size=2), st.dictionaries(TEXT, st.none(), max_size=1),
)  # fmt: skip
RECORD = st.fixed_dictionaries({"path": JUNK, "mos": JUNK, "std": JUNK, "n": JUNK, "votes": JUNK})
FUZZ = settings(
    derandomize=True, database=None, deadline=None, max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


@FUZZ
@given(st.lists(RECORD, max_size=6))
def test_any_record_becomes_a_valid_row_or_a_rejected_one(write, records):
    records.append({"path": "sure.jpg", "mos": 1})
    ratings = read_ratings([write("t.json", json.dumps(records))])
    assert ratings.rows.num_rows + ratings.rejected.num_rows + ratings.collapsed == len(records)
    assert not load_schema("rating").check(ratings.rows)
    assert not load_schema("rejected").check(ratings.rejected)


@FUZZ
@given(
    st.sampled_from(["t.csv", "t.tsv", "t.json", "t.txt", "t.parquet", "t.xlsx"]),
    st.one_of(
        st.binary(max_size=40),
        st.text(alphabet='path,mos\n\r\t";|.0123[]{}: ', max_size=60).map(str.encode),
        st.text(max_size=20).map(lambda text: ("path,mos\n" + text).encode()),
    ),
)
def test_any_file_is_read_or_raises_our_error(write, name, data):
    with suppress(QbuildError):
        assert not load_schema("rating").check(read_ratings([write(name, data)]).rows)


def test_shuffled_rows_give_the_same_set_of_rows(write):
    lines = [f"v{i % 40}.mp4,{i % 40 if i % 3 else i}" for i in range(120)]
    mixed = np.random.default_rng(0).permutation(lines).tolist()
    found = []
    for name, some in (("a", lines), ("b", mixed)):
        path = write(f"{name}/t.csv", "path,mos\n" + "\n".join(some) + "\n")
        found.append(read_ratings([path]))
    assert [len(set(r.rows["path"].to_pylist())) for r in found] == [found[0].rows.num_rows] * 2
    assert set(found[0].rows["path"].to_pylist()) == set(found[1].rows["path"].to_pylist())
    assert found[0].collapsed == found[1].collapsed


def test_two_hundred_thousand_rows_take_a_few_seconds(write):
    scores = np.random.default_rng(0).random(200_000)
    text = "".join(f"d{i % 9}/{i}.mp4,{score:.6f}\n" for i, score in enumerate(scores))
    path = write("t.csv", "path,mos\n" + text)
    started = time.perf_counter()
    ratings = read_ratings([path])
    assert time.perf_counter() - started < 5  # measured: 0.5 s
    assert ratings.rows.num_rows == 200_000
