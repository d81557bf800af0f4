"""qbuild/labels/distortions/read.py and read_file.py: several files as one table."""

from __future__ import annotations

import pytest
import tables

from qbuild.core.errors import CombinedError, InputError, SchemaError, UsageError
from qbuild.core.schema import load_schema
from qbuild.labels.distortions.options import LabelOptions
from qbuild.labels.distortions.read import read_labels


def test_rows_have_the_form_of_the_schema(write):
    path = write("x.csv", "image,labels,split,dataset\na.jpg,noise,train,d:1\nb.mp4,blur,,\n")
    (output,) = read_labels([path], LabelOptions(licence="CC BY", source="synthetic: made"))
    assert not load_schema("distortion").check(output.rows).total
    first, second = output.rows.to_pylist()
    assert (first["media_id"], first["dataset"], first["split"]) == ("d%3A1:a.jpg", "d:1", "train")
    assert (second["media_id"], second["kind"], second["split"]) == ("x:b.mp4", "video", None)
    assert (first["licence"], first["source"]) == ("CC BY", "synthetic: made")
    assert (first["source_file"], second["source_row"]) == ("x.csv", 2)


def test_identical_rows_collapse_and_those_that_differ_are_all_rejected(read, write):
    first = write(
        "x.csv", "image,labels\na.jpg,noise\nb.jpg,blur\na.jpg,grainy\nc.jpg,blur;noise\n"
    )
    second = write("y.csv", "image,labels\nb.jpg,noise\nc.jpg,noise;blur\n")
    rows, rejected, tally = read(first, second, dataset="d")
    assert [row["path"] for row in rows] == ["a.jpg", "c.jpg"]
    assert tally["collapsed"] == 2
    assert [(row["source"], row["row"], row["reason"]) for row in rejected] == [
        ("x.csv", 2, "conflict"), ("y.csv", 1, "conflict")
    ]  # fmt: skip
    assert rejected[0]["message"].startswith(
        "the same media has another distortions in y.csv row 1"
    )
    assert rejected[0]["record"] == '{"image":"b.jpg","labels":"blur"}'


@pytest.mark.parametrize(
    ("path", "reason"),
    [("", "missing-path"), ("../a.jpg", "unsafe-path"), ("/a.jpg", "unsafe-path"),
     ("a.dat", "unknown-kind"), ("a", "unknown-kind"), ("a.jpg.txt", "unknown-kind")],
)  # fmt: skip
def test_a_path_that_names_no_medium_is_rejected(read, write, path, reason):
    rows, (rejected,), _ = read(write("x.csv", f"image,labels\n{path},noise\nb.jpg,noise\n"))
    assert [row["path"] for row in rows] == ["b.jpg"]
    assert (rejected["reason"], rejected["row"]) == (reason, 1)


def test_prefixes_are_removed_and_added(read, write):
    path = write("x.csv", "image,labels\nold/a.jpg,noise\nb.jpg,blur\n")
    rows, _, tally = read(path, strip_prefix="old/", add_prefix="new/")
    assert [row["path"] for row in rows] == ["new/a.jpg", "new/b.jpg"]
    assert tally["note", "x.csv: 1 paths do not begin with the prefix"] == 1
    with pytest.raises(UsageError, match="--strip-prefix: no path begins with 'oldd/'"):
        read(path, strip_prefix="oldd/")


def test_a_limit_returns_the_first_usable_rows_and_the_rejected_ones_before(read, write):
    path = write("x.csv", "image,labels\na,noise\nb.jpg,noise\nc,noise\nd.jpg,blur\ne,blur\n")
    rows, rejected, _ = read(path, limit=1)
    assert [row["path"] for row in rows] == ["b.jpg"]
    assert [row["row"] for row in rejected] == [1]
    assert len(read(path, limit=2)[1]) == 2
    assert len(read(path, limit=9)[1]) == 3


def test_the_errors_of_all_label_files_are_raised_together(read, write):
    bad = [write("x.csv", "labels\nnoise\n"), write("y.csv", "image\na.jpg\n"), write("z.csv", "")]
    with pytest.raises(CombinedError) as failure:
        read(*bad)
    assert [error.where.rpartition("/")[2] for error in failure.value.problems] == [
        "x.csv", "y.csv", "z.csv"
    ]  # fmt: skip


def test_an_artifact_of_another_kind_is_not_a_label_file(read, tmp_path):
    given = tables.write_artifact(tmp_path / "r.parquet", tables.rating_table(2))
    with pytest.raises(SchemaError, match="an artifact of the schema 'rating'"):
        read(given, layout="attributes")


def test_a_binary_file_is_an_error(read, write):
    with pytest.raises(InputError, match=r"x\.csv"):
        read(write("x.csv", b"image,labels\n\xff\xfe,noise\n"))


def test_a_folder_is_not_a_label_file(read, tmp_path):
    with pytest.raises(
        InputError, match=r"is a folder without artifact\.parquet; expected a label"
    ):
        read(tmp_path)


def test_numbers_in_a_pipeline_become_text():
    assert LabelOptions(dataset=2024).dataset == "2024"


@pytest.mark.parametrize(
    ("option", "value", "what"),
    [("columns", "path", "'path' is not such a pair"),
     ("columns", "path=a,path=b", "is given twice"),
     ("judged", "noise,fog", "'fog' is unknown"), ("threshold", 0, "greater than 0"),
     ("threshold", 1.1, "less than or equal to 1"), ("layout", "spaq", "'auto', 'kadid'")],
)  # fmt: skip
def test_invalid_options_are_errors(option, value, what):
    with pytest.raises(ValueError, match=what):
        LabelOptions(**{option: value})
