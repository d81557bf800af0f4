"""qbuild/labels/distortions/attributes.py: tables of labels or of shares."""

from __future__ import annotations

import pandas as pd
import pytest

from qbuild.core.errors import InputError, SchemaError, UsageError
from qbuild.quality.distortions import SPATIAL


def test_a_column_of_names_holds_one_or_several(found, write):
    path = write(
        "x.csv",
        "image,distortions\na.jpg,blur\nb.jpg,noise;Over-exposed\nc.jpg,jpeg|noise\n"
        'd.jpg,"noise, low contrast"\ne.jpg,\nf.jpg,none\n',
    )
    rows = found(path)
    assert [set(rows[f"{name}.jpg"][0]) for name in "abcdef"] == [
        {"spatial blur"}, {"noise", "overexposure"}, {"compression artifact", "noise"},
        {"noise", "low contrast"}, set(), set(),
    ]  # fmt: skip
    assert [rows[f"{name}.jpg"][1:] for name in "bcdef"] == [([], None)] * 5


def test_two_labels_for_one_distortion_are_one(found, write):
    path = write("x.csv", "image,labels\na.jpg,noise;grainy\n")
    assert found(path) == {"a.jpg": ({"noise": None}, [], None)}


@pytest.mark.parametrize(
    ("label", "left_out"),
    [("blur", {"motion blur"}), ("artifacts", {"block effect"}),
     ("contrast", {"low contrast", "high contrast"}),
     ("color", {"oversaturation", "desaturation"})],
)  # fmt: skip
def test_ambiguous_distortions_do_not_count_as_judged(found, write, label, left_out):
    ((_, _, judged),) = found(write("x.csv", f"image,labels\na.jpg,{label}\n")).values()
    assert set(judged) == set(SPATIAL) - left_out


def test_a_label_without_direction_is_kept_outside_the_thirteen(found, write):
    rows = found(write("x.csv", "image,labels\na.jpg,contrast;noise\n"))
    assert rows["a.jpg"][:2] == ({"noise": None}, ["contrast"])


def test_unknown_labels_are_kept_and_reported_with_similar_names(read, write):
    path = write("x.csv", "image,labels\na.jpg,noisse\nb.jpg,noisse;vignette\nc.jpg,noise\n")
    rows, rejected, tally = read(path)
    assert [row["others"] for row in rows] == [["noisse"], ["noisse", "vignette"], []]
    assert rejected == []
    assert tally["note", "x.csv: 'noisse' (2 rows) is none of the thirteen; similar: noise"] == 1
    assert tally["note", "x.csv: 'vignette' (1 row) is none of the thirteen"] == 1


def test_motion_labels_of_images_are_outside_the_thirteen(found, write):
    rows = found(write("x.csv", "path,labels\na.mp4,camera shake\nb.jpg,camera shake\n"))
    assert rows["a.mp4"] == ({"flicker": None}, [], None)
    assert rows["b.jpg"] == ({}, ["camera shake"], None)


def test_severities_are_in_the_order_of_the_names(found, write):
    path = write(
        "x.csv",
        "image,labels,severity\na.jpg,blur;noise,2;5\nb.jpg,noise,3.0\nc.jpg,noise,\nd.jpg,none,0\n",
    )
    assert [row[0] for row in found(path).values()] == [
        {"spatial blur": 2, "noise": 5}, {"noise": 3}, {"noise": None}, {}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "severity"),
    [("noise", "6"), ("noise", "0"), ("noise", "2.5"), ("noise", "strong"), ("noise", "1;2"),
     ("noise;blur", "3"), ("", "3"), ("noise;grain", "1;2")],
)  # fmt: skip
def test_an_invalid_severity_is_rejected_with_the_value(read, write, labels, severity):
    path = write("x.csv", f"image,labels,severity\na.jpg,{labels},{severity}\nb.jpg,blur,1\n")
    rows, (rejected,), _ = read(path)
    assert [row["path"] for row in rows] == ["b.jpg"]
    assert (rejected["reason"], rejected["value"]) == ("bad-severity", severity)


def test_shares_count_from_the_threshold_on(found, write):
    path = write(
        "koniq++.csv",
        "image_name,artifacts,blur,contrast,color,MOS\na.jpg,0.5,0.49,0,1,61\nb.jpg,0,1,0.6,0.1,7\n",
    )
    rows = found(path)
    assert rows["a.jpg"] == ({"compression artifact": None}, ["color"],
                             ["compression artifact", "spatial blur"])  # fmt: skip
    assert rows["b.jpg"][:2] == ({"spatial blur": None}, ["contrast"])
    stricter = found(path, threshold=0.6)
    assert stricter["a.jpg"][0] == {}
    assert stricter["b.jpg"][0] == {"spatial blur": None}


def test_an_empty_share_means_not_judged(found, write):
    rows = found(write("x.csv", "image,noise,motion_blur\na.jpg,1,\nb.jpg,,\nc.jpg,no,True\n"))
    assert rows["a.jpg"] == ({"noise": None}, [], ["noise"])
    assert rows["b.jpg"] == ({}, [], [])
    assert rows["c.jpg"] == ({"motion blur": None}, [], ["motion blur", "noise"])


def test_the_meaning_of_each_column_is_noted(read, write):
    _, _, tally = read(write("x.csv", "image,noise,color,width\na.jpg,1,0,640\n"))
    assert set(tally.of("note")) == {
        "x.csv: columns read: noise = noise, color = none of the thirteen",
        "x.csv: columns not read: width",
    }


@pytest.mark.parametrize(
    ("cell", "reason"),
    [("1.5", "out-of-range"), ("-0.1", "out-of-range"), ("inf", "not-finite"),
     ("much", "not-a-number")],
)  # fmt: skip
def test_a_cell_that_is_not_a_share_is_rejected(read, write, cell, reason):
    path = write("x.csv", f"image,noise\na.jpg,{cell}\nb.jpg,1\n")
    rows, (rejected,), _ = read(path)
    assert [row["path"] for row in rows] == ["b.jpg"]
    assert (rejected["reason"], rejected["column"], rejected["value"]) == (reason, "noise", cell)


def test_judged_names_the_distortions_that_a_column_of_labels_covers(found, write):
    path = write("x.csv", "image,labels\na.jpg,noise\nb.mp4,\n")
    rows = found(path, judged="blur,noise,stuttering")
    assert rows["a.jpg"][2] == ["spatial blur", "noise"]
    assert rows["b.mp4"][2] == ["spatial blur", "noise", "stuttering"]


def test_judged_is_an_error_for_columns_of_shares(read, write):
    with pytest.raises(
        UsageError, match=r"--judged: the columns of x\.csv state which distortions were judged"
    ):
        read(write("x.csv", "image,noise\na.jpg,1\n"), judged="noise")


def test_json_lists_and_excel_are_read_alike(found, write, tmp_path):
    records = [{"image": "a.jpg", "labels": ["noise", "blur"], "severity": [1, 2]}]
    expected = {"noise": 1, "spatial blur": 2}
    assert found(write("x.json", records))["a.jpg"][0] == expected
    frame = pd.DataFrame([{"image": "a.jpg", "labels": "noise;blur", "severity": "1;2"}])
    frame.to_excel(tmp_path / "x.xlsx", index=False)
    assert found(tmp_path / "x.xlsx")["a.jpg"][0] == expected
    frame.to_parquet(tmp_path / "x.parquet")
    assert found(tmp_path / "x.parquet")["a.jpg"][0] == expected


def test_columns_can_be_named(found, write):
    path = write("x.csv", "where,what,how\na.jpg,noise,4\n")
    rows = found(path, columns="path=where,labels=what,severity=how")
    assert rows["a.jpg"][0] == {"noise": 4}


@pytest.mark.parametrize(
    ("text", "error", "what"),
    [
        ("labels\nnoise\n", SchemaError, "no column for path"),
        ("image,nois\na.jpg,1\n", SchemaError, "no column holds labels .*Did you mean nois"),
        ("image,labels,label\na.jpg,noise,blur\n", SchemaError, None),
        ("image,labels\n", InputError, "holds no row below its header"),
        ("", InputError, "the file is empty"),
    ],
)
def test_a_file_without_its_columns_is_reported_by_name(read, write, text, error, what):
    path = write("x.csv", text)
    if what is None:  # a column with the canonical name itself comes before synonyms
        assert read(path)[0][0]["distortions"] == [{"name": "noise", "severity": None}]
        return
    with pytest.raises(error, match=f"x.csv: {what}"):
        read(path)
